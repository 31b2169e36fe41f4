import HTTP
import Synchronization
import Testing

@testable import S3

@Suite("Deleting objects")
struct DeletingTests {
  private let bucket = BucketName("bucket")

  private func identifier(_ key: String, _ version: String? = nil) -> ObjectIdentifier {
    ObjectIdentifier(key: ObjectKey(key), versionID: version.map { VersionID($0) })
  }

  private func delete(
    _ objects: [ObjectIdentifier], answer: String
  ) async throws -> (DeleteObjectsResult, HTTPRequest) {
    let scripted = try ScriptedClient([.response(200, [], answer)])
    let result = try await scripted.client.deleteObjects(bucket, objects)
    return (result, try #require(scripted.requests.first))
  }

  @Test("A batch names its keys so that no parser changes them, with an MD5")
  func request() async throws {
    let (_, request) = try await delete(
      [identifier("a&<>\n\t\"' b"), identifier("é", "v1")], answer: "<DeleteResult/>")
    #expect(request.target == "/bucket?delete=")
    let body = String(decoding: request.bytes, as: UTF8.self)
    #expect(
      body
        == "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        + "<Object><Key>a&amp;&lt;&gt;&#10;&#9;\"' b</Key></Object>"
        + "<Object><Key>é</Key><VersionId>v1</VersionId></Object><Quiet>false</Quiet></Delete>")
    let digest = try #require(Digest.md5(request.bytes))
    #expect(request.headers["Content-MD5"] == Base64.encode(digest))
    #expect(request.headers["Authorization"]?.contains("content-md5") == true)
  }

  @Test("Each object is in exactly one list, and one that is in no part of the answer has failed")
  func lists() async throws {
    let answer = """
      <DeleteResult><Deleted><Key>gone</Key></Deleted>
      <Deleted><Key>marked</Key><DeleteMarker>true</DeleteMarker>
      <DeleteMarkerVersionId>m1</DeleteMarkerVersionId></Deleted>
      <Error><Key>kept</Key><Code>AccessDenied</Code><Message>no</Message></Error>
      <Deleted><Key>versioned</Key><VersionId>v2</VersionId></Deleted></DeleteResult>
      """
    let (result, _) = try await delete(
      [
        identifier("gone"), identifier("marked"), identifier("kept"), identifier("silent"),
        identifier("versioned", "v1"), identifier("versioned", "v2"),
      ], answer: answer)
    #expect(
      result.deleted == [
        DeletedObject(key: ObjectKey("gone")),
        DeletedObject(
          key: ObjectKey("marked"), isDeleteMarker: true, deleteMarkerVersionID: VersionID("m1")),
        DeletedObject(key: ObjectKey("versioned"), versionID: VersionID("v2")),
      ])
    #expect(result.failed.map(\.object.key.text) == ["kept", "silent", "versioned"])
    #expect(
      result.failed.map(\.code) == [.accessDenied, .missingFromAnswer, .missingFromAnswer])
  }

  private func answer(_ parts: String...) -> ScriptedTransport.Answer {
    .response(200, [], "<DeleteResult>\(parts.joined())</DeleteResult>")
  }

  private func gone(_ key: String) -> String { "<Deleted><Key>\(key)</Key></Deleted>" }

  private func kept(_ key: String, _ code: String) -> String {
    "<Error><Key>\(key)</Key><Code>\(code)</Code></Error>"
  }

  @Test("What the server could not delete just now is sent again, and nothing else is")
  func again() async throws {
    var scripted = try ScriptedClient([
      answer(
        kept("a", "InternalError"), gone("b"), kept("c", "AccessDenied"), kept("d", "SlowDown")),
      answer(gone("d"), kept("a", "ServiceUnavailable")), answer(gone("a")),
    ])
    let heard = Mutex<[RetryEvent]>([])
    scripted.observeRetries { event in heard.withLock { $0.append(event) } }
    let result = try await scripted.client.deleteObjects(
      bucket, ["a", "b", "c", "d"].map { identifier($0) })
    #expect(
      result.answers.map { try? $0.get().key.text } == ["a", "b", nil, "d"])
    #expect(result.failed.map(\.code) == [.accessDenied])
    let bodies = scripted.requests.map { String(decoding: $0.bytes, as: UTF8.self) }
    #expect(
      bodies.map { body in ["a", "b", "c", "d"].filter { body.contains("<Key>\($0)</Key>") } }
        == [["a", "b", "c", "d"], ["a", "d"], ["a"]])
    #expect(scripted.waited.count == 2)
    let notices = heard.withLock { $0 }.compactMap { event in
      if case .failed(let notice) = event { notice } else { nil }
    }
    #expect(notices.map(\.attempt) == [1, 2] && heard.withLock { $0.count } == 3)
  }

  @Test("An object that is refused for ever keeps the server's last word")
  func refusedForEver() async throws {
    let scripted = try ScriptedClient(
      Array(repeating: answer(kept("a", "SlowDown"), gone("b")), count: 3),
      policy: RetryPolicy(
        maxAttempts: 3, base: .seconds(1), cap: .seconds(1), deadline: .seconds(60)))
    let result = try await scripted.client.deleteObjects(
      bucket, [identifier("a"), identifier("b")])
    #expect(result.failed.map(\.code) == [.slowDown] && result.deleted.count == 1)
    #expect(result.failed.first?.isInDoubt == false)
    #expect(scripted.requests.count == 3)
  }

  @Test(
    "What was deleted stays so when the rest cannot be sent again",
    arguments: [
      (.response(403, [], "<Error><Code>AccessDenied</Code></Error>"), .accessDenied, false),
      (.failure(.cancelled), .internalError, true),
      (.failure(.tls(host: "h", reason: "expired")), .internalError, false),
    ] as [(ScriptedTransport.Answer, S3ErrorCode, Bool)])
  func interrupted(
    second: ScriptedTransport.Answer, code: S3ErrorCode, isInDoubt: Bool
  ) async throws {
    let scripted = try ScriptedClient([answer(kept("a", "InternalError"), gone("b")), second])
    let result = try await scripted.client.deleteObjects(
      bucket, [identifier("a"), identifier("b")])
    #expect(result.deleted.map(\.key.text) == ["b"])
    #expect(result.failed.map(\.code) == [code])
    #expect(result.failed.map(\.isInDoubt) == [isInDoubt])
  }

  @Test("A delete marker that is removed may be named by its own field alone")
  func removedMarker() async throws {
    let answer = """
      <DeleteResult><Deleted><Key>a</Key><VersionId>v1</VersionId></Deleted>
      <Deleted><Key>a</Key><DeleteMarker>true</DeleteMarker>
      <DeleteMarkerVersionId>m</DeleteMarkerVersionId></Deleted></DeleteResult>
      """
    let (result, _) = try await delete(
      [identifier("a", "v1"), identifier("a", "m"), identifier("a", "v0")], answer: answer)
    #expect(result.deleted.map(\.versionID?.text) == ["v1", "m"])
    #expect(result.failed.map(\.object) == [identifier("a", "v0")])
  }

  @Test("A server that names a version nobody asked for still speaks of that object")
  func unaskedVersion() async throws {
    let (result, _) = try await delete(
      [identifier("a")],
      answer:
        "<DeleteResult><Deleted><Key>a</Key><VersionId>null</VersionId></Deleted></DeleteResult>"
    )
    #expect(result.failed.isEmpty)
  }

  @Test(
    "An answer that is none is an error",
    arguments: ["", "<html/>", "<DeleteResult>", "<Error><Code>AccessDenied</Code></Error>"])
  func malformed(_ answer: String) async throws {
    let scripted = try ScriptedClient([.response(200, [], answer)])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.deleteObjects(bucket, [identifier("a")])
    }
    #expect(error != nil)
  }

  @Test("Too many objects, and keys that XML cannot carry, are refused before anything is sent")
  func refused() async throws {
    let many = (0...1000).map { identifier("k\($0)") }
    for objects in [many, [identifier("a\u{1}")], [identifier("")]] {
      let scripted = try ScriptedClient([])
      let error = await failure { () async throws(S3Error) in
        try await scripted.client.deleteObjects(bucket, objects)
      }
      guard case .invalidRequest = error?.cause else { return #expect(Bool(false)) }
      #expect(scripted.requests.isEmpty)
    }
  }

  @Test("No key and no bucket's name can turn a deletion into that of something larger")
  func emptyNames() async throws {
    for location in [
      ObjectLocation(bucket: bucket, key: .empty),
      ObjectLocation(bucket: BucketName(""), key: ObjectKey("bucket")),
    ] {
      let scripted = try ScriptedClient([])
      let error = await failure { () async throws(S3Error) in
        try await scripted.client.deleteObject(location)
      }
      guard case .invalidRequest = error?.cause else { return #expect(Bool(false)) }
      #expect(scripted.requests.isEmpty)
    }
  }

  /// Those whose answers need not say anything.
  private static let silent: [S3Operation] = [
    .deleteObject, .abortMultipartUpload, .putObjectTagging, .createBucket, .deleteBucket,
    .putBucketVersioning,
  ]

  private func ask(_ operation: S3Operation, _ client: S3Client) async throws(S3Error) {
    let location = ObjectLocation(bucket: bucket, key: ObjectKey("a"))
    switch operation {
    case .deleteObject: _ = try await client.deleteObject(location)
    case .abortMultipartUpload:
      try await client.abortMultipartUpload(location, uploadID: UploadID("u"))
    case .putObjectTagging: try await client.putObjectTags(location, [])
    case .createBucket: try await client.createBucket(bucket, locationConstraint: nil)
    case .deleteBucket: try await client.deleteBucket(bucket, expectedOwner: nil)
    default: try await client.setVersioning(bucket, isEnabled: true)
    }
  }

  @Test(
    "A page in place of an answer leaves in doubt what was done",
    arguments: silent,
    [
      "<html>sign in</html>", "<HTML/>", "<!DOCTYPE html><html></html>", "sign in", "{}",
      "<p>a<br>",
    ])
  func page(operation: S3Operation, body: String) async throws {
    let scripted = try ScriptedClient([.response(200, [], body)])
    let error = await failure { () async throws(S3Error) in
      try await ask(operation, scripted.client)
    }
    guard case .malformedAnswer? = error?.cause else { return #expect(Bool(false), "\(body)") }
    #expect(error?.isInDoubt == true)
  }

  /// The last says more than S3 does.
  @Test(
    "No body, and a document of a store's own, is a success", arguments: silent,
    [(204, ""), (200, ""), (200, " \n"), (200, "<?xml version=\"1.0\"?>\n<CreateBucketResponse/>")])
  func silence(operation: S3Operation, answer: (status: Int, body: String)) async throws {
    let scripted = try ScriptedClient([.response(answer.status, [], answer.body)])
    try await ask(operation, scripted.client)
  }

  @Test("One deletion tells of the delete marker it made")
  func marker() async throws {
    let scripted = try ScriptedClient([
      .response(
        204, [HTTPHeader("x-amz-delete-marker", "true"), HTTPHeader("x-amz-version-id", "m")])
    ])
    let deleted = try await scripted.client.deleteObject(
      ObjectLocation(bucket: bucket, key: ObjectKey("a")))
    #expect(
      deleted
        == DeletedObject(
          key: ObjectKey("a"), isDeleteMarker: true, deleteMarkerVersionID: VersionID("m")))
  }

  // MARK: - On condition

  private let object = ObjectLocation(bucket: BucketName("bucket"), key: ObjectKey("a"))
  private let etag = ETag("\"e\"")

  private static func refusal(_ status: Int, _ code: String) -> ScriptedTransport.Answer {
    .response(status, [], "<Error><Code>\(code)</Code></Error>")
  }

  @Test("An object that has another ETag by now stays, whatever it may have been before")
  func changed() async throws {
    let scripted = try ScriptedClient([
      Self.refusal(412, "PreconditionFailed"),
      .response(200, [HTTPHeader("ETag", "\"other\""), HTTPHeader("Content-Length", "3")]),
    ])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.deleteObject(object, ifMatch: etag)
    }
    #expect(error?.code == .preconditionFailed)
    #expect(scripted.requests.map(\.method) == [.delete, .head])
    #expect(scripted.requests.first?.headers["If-Match"] == "\"e\"")
    #expect(
      scripted.requests.first?.headers["Authorization"]?.contains("if-match") == true)
  }

  @Test(
    "An object that is gone counts as removed, by whichever word the server says so",
    arguments: [(412, "PreconditionFailed"), (404, "NoSuchKey")])
  func gone(answer: (status: Int, code: String)) async throws {
    let scripted = try ScriptedClient([
      Self.refusal(answer.status, answer.code), .response(404, []),
    ])
    let deleted = try await scripted.client.deleteObject(object, ifMatch: etag)
    #expect(deleted == DeletedObject(key: object.key))
  }

  @Test("A bucket that is gone, and a refusal for another reason, is an error")
  func otherReasons() async throws {
    for (status, code) in [(404, "NoSuchBucket"), (403, "AccessDenied")] {
      let scripted = try ScriptedClient([Self.refusal(status, code)])
      let error = await failure { () async throws(S3Error) in
        try await scripted.client.deleteObject(object, ifMatch: etag)
      }
      #expect(error?.code?.rawValue == code && scripted.requests.count == 1)
    }
  }

  @Test(
    "A store that refuses the condition is asked without, and then always",
    arguments: [(501, "NotImplemented"), (400, "NotImplemented"), (400, "InvalidArgument")])
  func unconditional(answer: (status: Int, code: String)) async throws {
    let scripted = try ScriptedClient([
      Self.refusal(answer.status, answer.code), .response(204, []), .response(204, []),
    ])
    for _ in 1...2 { _ = try await scripted.client.deleteObject(object, ifMatch: etag) }
    #expect(scripted.requests.map { $0.headers["If-Match"] } == ["\"e\"", nil, nil])
  }

  @Test("A store that refuses the condition for a version is asked for it again for others")
  func unconditionalVersion() async throws {
    var version = object
    version.versionID = VersionID("null")
    let scripted = try ScriptedClient([
      Self.refusal(400, "InvalidArgument"), .response(204, []), .response(204, []),
    ])
    _ = try await scripted.client.deleteObject(version, ifMatch: etag)
    _ = try await scripted.client.deleteObject(object, ifMatch: etag)
    #expect(scripted.requests.map { $0.headers["If-Match"] } == ["\"e\"", nil, "\"e\""])
  }
}
