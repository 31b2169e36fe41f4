import HTTP
import Testing

@testable import S3

@Suite("Reading objects")
struct ReadingTests {
  private let location = ObjectLocation(bucket: BucketName("bucket"), key: ObjectKey("key"))

  private func read(
    _ answer: ScriptedTransport.Answer, range: Range<Int64>? = nil, ifMatch: ETag? = nil,
    versionID: VersionID? = nil
  ) async throws -> (Result<ObjectMetadata, S3Error>, [UInt8]) {
    let scripted = try ScriptedClient([answer])
    var location = location
    location.versionID = versionID
    let collector = PieceCollector()
    do {
      let metadata = try await scripted.client.getObject(
        location, range: range, ifMatch: ifMatch, into: .pieces { collector.take($0) },
        progress: nil)
      return (.success(metadata), collector.bytes)
    } catch {
      return (.failure(error), collector.bytes)
    }
  }

  private func headers(_ fields: (String, String)...) -> [HTTPHeader] {
    fields.map { HTTPHeader($0.0, $0.1) }
  }

  @Test("A range brings its bytes, and the size of the whole object")
  func range() async throws {
    let (result, bytes) = try await read(
      .response(
        206,
        headers(("Content-Range", "bytes 2-4/10"), ("Content-Length", "3"), ("ETag", "\"e\"")),
        "cde"), range: 2..<5, ifMatch: ETag("e"))
    #expect(try result.get().size == ByteCount(10))
    #expect(bytes == Array("cde".utf8))
  }

  @Test("What lies beyond the end is left out")
  func clamped() async throws {
    let (result, bytes) = try await read(
      .response(206, headers(("Content-Range", "bytes 8-9/10"), ("Content-Length", "2")), "ij"),
      range: 8..<20)
    #expect(try result.get().size == ByteCount(10))
    #expect(bytes.count == 2)
  }

  @Test(
    "An answer to another question is refused before a byte is stored",
    arguments: [
      (200, "", "10", 2..<5), (206, "", "3", 2..<5), (206, "bytes 0-2/10", "3", 2..<5),
      (206, "bytes 2-5/10", "4", 2..<5), (206, "bytes 2-3/10", "2", 2..<5),
      (206, "bytes 2-4/*", "3", 2..<5), (206, "bytes 2-4/3", "3", 2..<5),
      (206, "bytes 2-4/10", "4", 2..<5), (206, "bytes 0-9/10", "10", nil), (204, "", "10", nil),
      (200, "", "", nil), (200, "", "-1", nil),
    ] as [(Int, String, String, Range<Int64>?)])
  func wrongExtent(status: Int, range: String, length: String, asked: Range<Int64>?) async throws {
    let fields = headers(("Content-Range", range), ("Content-Length", length))
      .filter { !$0.value.isEmpty }
    let (result, bytes) = try await read(.response(status, fields, "0123456789"), range: asked)
    guard case .failure(let error) = result, case .malformedAnswer = error.cause else {
      Issue.record("accepted: \(result)")
      return
    }
    #expect(bytes.isEmpty)
    #expect(error.attempts == 1)
  }

  @Test("A body that is not as long as its head says is no success", arguments: ["01", "0123"])
  func wrongLength(body: String) async throws {
    let (whole, _) = try await read(.response(200, headers(("Content-Length", "3")), body))
    let (range, _) = try await read(
      .response(206, headers(("Content-Range", "bytes 2-4/10")), body), range: 2..<5)
    for result in [whole, range] {
      guard case .failure(let error) = result, case .malformedAnswer = error.cause else {
        Issue.record("accepted: \(result)")
        continue
      }
    }
  }

  @Test("Another ETag or another version than asked for is refused")
  func identity() async throws {
    let length = ("Content-Length", "1")
    for fields in [headers(length, ("ETag", "\"other\"")), headers(length)] {
      let (result, bytes) = try await read(.response(200, fields, "x"), ifMatch: ETag("e"))
      #expect(throws: S3Error.self) { try result.get() }
      #expect(bytes.isEmpty)
    }
    let (result, _) = try await read(
      .response(200, headers(length, ("x-amz-version-id", "v2")), "x"), versionID: VersionID("v1"))
    #expect(throws: S3Error.self) { try result.get() }
  }

  @Test(
    "Where an ETag was told, an answer without any is none, and another one is of a newer object")
  func toldETag() async throws {
    let length = HTTPHeader("Content-Length", "1")
    for (fields, isAnswer) in [([length], false), ([length, HTTPHeader("ETag", "\"e\"")], true)] {
      let scripted = try ScriptedClient([
        .response(200, fields, "x"), .response(200, fields, "x"),
      ])
      let collector = PieceCollector()
      let error = await failure { () async throws(S3Error) in
        try await scripted.client.getObject(
          location, range: nil, ifMatch: nil, hasETag: true, into: .pieces { collector.take($0) },
          progress: nil)
      }
      let inMemory = await failure { () async throws(S3Error) in
        try await scripted.client.getObject(
          location, ifMatch: nil, hasETag: true, limit: 10, progress: nil)
      }
      #expect((error == nil, inMemory == nil) == (isAnswer, isAnswer))
      #expect(collector.bytes.isEmpty != isAnswer)
    }
  }

  @Test(
    "An answer about an object of another size than was told before is none",
    arguments: [nil, 0..<100] as [Range<Int64>?])
  func toldSize(range: Range<Int64>?) async throws {
    for (size, isAnswer) in [(40, false), (2, true)] {
      let extent = HTTPHeader("Content-Range", "bytes 0-1/2")
      let fields = [HTTPHeader("Content-Length", "2")] + (range == nil ? [] : [extent])
      let scripted = try ScriptedClient([.response(range == nil ? 200 : 206, fields, "ab")])
      let collector = PieceCollector()
      let error = await failure { () async throws(S3Error) in
        try await scripted.client.getObject(
          location, range: range, of: ByteCount(Int64(size)), ifMatch: nil,
          into: .pieces { collector.take($0) }, progress: nil)
      }
      #expect((error == nil) == isAnswer)
      #expect(collector.bytes.isEmpty != isAnswer)
    }
  }

  @Test("An object that changed is a precondition that failed")
  func changed() async throws {
    let (result, _) = try await read(.response(412), ifMatch: ETag("e"))
    guard case .failure(let error) = result else { return #expect(Bool(false)) }
    #expect(error.code == .preconditionFailed)
  }

  @Test("Pieces that were handed over are not handed over again")
  func noSecondPieces() async throws {
    let length = [HTTPHeader("Content-Length", "10")]
    let broken = ScriptedTransport.Answer.broken(200, length, "01234")
    let (result, bytes) = try await read(broken)
    guard case .failure(let error) = result else { return #expect(Bool(false)) }
    #expect(error.cause == .transport(.connectionLost(reason: "scripted")))
    #expect(bytes == Array("01234".utf8))

    let scripted = try ScriptedClient([
      .response(503), .response(200, length, "0123456789"),
    ])
    let collector = PieceCollector()
    _ = try await scripted.client.getObject(
      location, range: nil, ifMatch: nil, into: .pieces { collector.take($0) }, progress: nil)
    #expect(collector.bytes.count == 10)
  }

  @Test("A range without bytes is not asked for")
  func emptyRange() async throws {
    let (result, _) = try await read(.response(200), range: 5..<5)
    guard case .failure(let error) = result, case .invalidRequest = error.cause else {
      return #expect(Bool(false))
    }
    #expect(error.attempts == 0)
  }

  @Test("HEAD tells what the headers say")
  func head() async throws {
    let fields = headers(
      ("Content-Length", "12"), ("Last-Modified", "Fri, 20 Nov 2026 14:02:07 GMT"),
      ("ETag", "\"e-2\""), ("Content-Type", "text/csv"), ("x-amz-version-id", "v"),
      ("x-amz-storage-class", "GLACIER"), ("X-Amz-Meta-Owner", "=?UTF-8?B?w6k=?="),
      ("x-amz-checksum-sha256", "aaaa"), ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
      ("x-amz-server-side-encryption", "AES256"), ("Cache-Control", "no-store"),
      ("Content-Encoding", "gzip"), ("x-amz-restore", "ongoing-request=\"true\""))
    let scripted = try ScriptedClient([.response(200, fields)])
    let metadata = try await scripted.client.headObject(location)
    #expect(
      metadata
        == ObjectMetadata(
          size: ByteCount(12), lastModified: ScriptedClient.moment, etag: ETag("e-2"),
          versionID: VersionID("v"), contentType: "text/csv", contentEncoding: "gzip",
          cacheControl: "no-store", storageClass: StorageClass("GLACIER"),
          metadata: [MetadataField(name: "owner", value: "é")], serverSideEncryption: "AES256",
          checksums: [
            ObjectChecksum(
              .crc64nvme, .fullObject, value: [0xae, 0x8b, 0x14, 0x86, 0x0a, 0x79, 0x98, 0x88])
          ], restoration: "ongoing-request=\"true\""))
    #expect(metadata.checksum == "crc64nvme:rosUhgp5mIg=")
  }

  /// Each as a server in the field answers it: AWS and SeaweedFS, moto, servers without a type.
  @Test(
    "A checksum is of the whole or of its parts, as far as the server says",
    arguments: [
      ("oBEPzg==-2", "COMPOSITE", "e-2", .composite(partCount: 2)),
      ("oBEPzg==", "COMPOSITE", "e-2", .composite(partCount: 2)),
      ("oBEPzg==", "COMPOSITE", "e", .composite(partCount: nil)),
      ("oBEPzg==-3", nil, "e-3", .composite(partCount: 3)),
      ("oBEPzg==", "FULL_OBJECT", "e-2", .fullObject),
      ("oBEPzg==", nil, "e", .fullObject),
      ("oBEPzg==", nil, "e-2", nil),
      ("oBEPzg==-2", "FULL_OBJECT", "e-2", nil),
      ("oBEP", nil, "e", nil),
      ("oBEPzg==", "NEWER_KIND", "e", nil),
    ] as [(String, String?, String, ObjectChecksum.Kind?)])
  func checksumKinds(
    header: String, type: String?, etag: String, expected: ObjectChecksum.Kind?
  ) async throws {
    var fields = headers(
      ("Content-Length", "12"), ("ETag", etag), ("x-amz-checksum-crc32", header))
    if let type { fields.append(HTTPHeader("x-amz-checksum-type", type)) }
    let scripted = try ScriptedClient([.response(200, fields)])
    let metadata = try await scripted.client.headObject(location)
    #expect(metadata.checksums.first?.kind == expected)
    #expect(metadata.checksums.count == (expected == nil ? 0 : 1))
  }

  @Test(
    "A size that no object can have is no answer",
    arguments: ["9223372036854775807", "1152921504606846977", "9223372036854775808", "-1", "1e3"])
  func impossibleSizes(length: String) async throws {
    let fields = headers(("Content-Length", length), ("x-amz-mp-parts-count", "3"))
    let scripted = try ScriptedClient([.response(200, fields), .response(206, fields)])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.headObject(location)
    }
    guard case .malformedAnswer = error?.cause else { return #expect(Bool(false)) }
    #expect(try await scripted.client.headPart(location, PartNumber(2)) == nil)
    let (range, bytes) = try await read(
      .response(206, headers(("Content-Range", "bytes 2-4/\(length)")), "cde"), range: 2..<5)
    guard case .failure(let error) = range, case .malformedAnswer = error.cause else {
      return #expect(Bool(false))
    }
    #expect(bytes.isEmpty)
  }

  @Test("A part is known by its size and the number of parts, where the server has that number")
  func parts() async throws {
    let scripted = try ScriptedClient([
      .response(206, headers(("Content-Length", "5"), ("x-amz-mp-parts-count", "3"))),
      .response(200, headers(("Content-Length", "12"))),
    ])
    let part = try await scripted.client.headPart(location, PartNumber(2))
    #expect(part == ObjectPart(size: ByteCount(5), partCount: 3))
    #expect(try await scripted.client.headPart(location, PartNumber(2)) == nil)
    #expect(scripted.transport.requests.first?.url.hasSuffix("partNumber=2") == true)
  }

  @Test("A part has the digests that its answer gives, but for those of all parts together")
  func partDigests() async throws {
    let md5 = "9b2cf535f27731c974343645a3985328"
    func digests(_ etag: String, _ checksum: String) async throws -> [DigestAlgorithm: [UInt8]]? {
      let scripted = try ScriptedClient([
        .response(
          206,
          headers(
            ("Content-Length", "5"), ("x-amz-mp-parts-count", "3"), ("ETag", etag),
            ("x-amz-checksum-crc32", checksum)))
      ])
      let part = try await scripted.client.headPart(location, PartNumber(2))
      #expect(scripted.transport.requests.first?.headers["x-amz-checksum-mode"] == "ENABLED")
      return part?.digests
    }
    let own = try await digests("\"\(md5)\"", "oBEPzg==")
    #expect(own?[.crc32] == [0xA0, 0x11, 0x0F, 0xCE])
    #expect(own?[.md5]?.first == 0x9B && own?.count == 2)
    #expect(try await digests("\"\(md5)-3\"", "oBEPzg==-3") == [:])
  }

  @Test(
    "An ETag may have the form of an MD5",
    arguments: [
      ("9b2cf535f27731c974343645a3985328", true, nil),
      ("9b2cf535f27731c974343645a3985328-12", true, 12),
      ("9b2cf535f27731c974343645a398532", false, nil),
      ("9b2cf535f27731c974343645a398532g", false, nil),
      ("9b2cf535f27731c974343645a3985328-0", false, nil),
      ("9b2cf535f27731c974343645a3985328-1-2", false, nil),
    ] as [(String, Bool, Int?)])
  func md5(text: String, isMD5: Bool, partCount: Int?) {
    let md5 = ETag(text).md5
    #expect((md5 != nil) == isMD5)
    #expect(md5?.partCount == partCount)
  }

  @Test(
    "An answer without a body still has a code",
    arguments: [
      (403, S3ErrorCode.accessDenied), (404, .noSuchKey), (412, .preconditionFailed),
      (405, .methodNotAllowed), (418, S3ErrorCode("HTTP418")),
    ])
  func headErrors(_ status: Int, _ code: S3ErrorCode) async throws {
    let scripted = try ScriptedClient([.response(status)])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.headObject(location)
    }
    #expect(error?.code == code)
  }

  @Test("A store that refuses the question for a checksum is not asked it again")
  func refusedQuestion() async throws {
    let there = ScriptedTransport.Answer.response(200, [HTTPHeader("Content-Length", "3")])
    let scripted = try ScriptedClient([.response(400), there, there])
    for _ in 0..<2 { _ = try await scripted.client.headObject(location) }
    #expect(scripted.requests.map { $0.headers["x-amz-checksum-mode"] } == ["ENABLED", nil, nil])
    // What is refused without it as well was wrong in another way, and nothing is learnt.
    let wrong = try ScriptedClient([.response(400), .response(400), there])
    let error = await failure { () async throws(S3Error) in
      try await wrong.client.headObject(location)
    }
    #expect(error?.code == S3ErrorCode("HTTP400"))
    _ = try await wrong.client.headObject(location)
    #expect(wrong.requests.last?.headers["x-amz-checksum-mode"] == "ENABLED")
  }
}
