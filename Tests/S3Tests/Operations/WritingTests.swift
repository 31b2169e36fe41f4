import HTTP
import Testing

@testable import S3

@Suite("Writing objects")
struct WritingTests {
  private let location = ObjectLocation(bucket: BucketName("bucket"), key: ObjectKey("key"))
  private let upload = UploadID("u/+=")
  /// `123456789`, whose CRC64NVME is published.
  private let body = HTTPRequestBody.bytes(Array("123456789".utf8))
  private let etag = HTTPHeader("ETag", "\"25f9e794323b453885f5181f1b624d0b\"")

  private func put(
    _ scripted: ScriptedClient, _ attributes: ObjectAttributes = ObjectAttributes(),
    condition: WriteCondition = .none
  ) async throws(S3Error) -> WriteReceipt {
    try await scripted.client.putObject(
      location, body: body, attributes: attributes, condition: condition, progress: nil)
  }

  @Test("An upload sends its checksum, and over plain http its digest")
  func put() async throws {
    let scripted = try ScriptedClient([.response(200, [etag, HTTPHeader("x-amz-version-id", "v")])])
    let receipt = try await put(scripted)
    let request = try #require(scripted.requests.first)
    #expect(request.headers["x-amz-checksum-crc64nvme"] == "rosUhgp5mIg=")
    #expect(
      request.headers["x-amz-content-sha256"]
        == "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225")
    #expect(
      receipt
        == WriteReceipt(
          etag: ETag(etag.value), versionID: VersionID("v"), checksum: "crc64nvme:rosUhgp5mIg="))
  }

  @Test("Inside TLS the body is not signed, and its checksum still sent")
  func tls() async throws {
    let scripted = try ScriptedClient([.response(200, [etag])], endpoint: .aws(region: .usEast1))
    _ = try await put(scripted)
    let headers = try #require(scripted.requests.first?.headers)
    #expect(headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD")
    #expect(headers["x-amz-checksum-crc64nvme"] == "rosUhgp5mIg=")
  }

  @Test("Attributes and conditions become headers")
  func attributes() async throws {
    let scripted = try ScriptedClient([.response(200, [etag])])
    let attributes = ObjectAttributes(
      contentType: "text/csv", cacheControl: "no-store",
      metadata: [MetadataField(name: "owner", value: "é")], tagging: "a=b",
      storageClass: StorageClass("STANDARD_IA"), serverSideEncryption: "aws:kms", kmsKeyID: "k",
      acl: "private")
    _ = try await put(scripted, attributes, condition: .ifMatch(ETag("\"x\"")))
    let headers = try #require(scripted.requests.first?.headers)
    let expected = [
      "Content-Type": "text/csv", "Cache-Control": "no-store", "x-amz-tagging": "a=b",
      "x-amz-meta-owner": "=?UTF-8?B?w6k=?=", "x-amz-storage-class": "STANDARD_IA",
      "x-amz-server-side-encryption": "aws:kms",
      "x-amz-server-side-encryption-aws-kms-key-id": "k", "x-amz-acl": "private",
      "If-Match": "\"x\"",
    ]
    for (name, value) in expected { #expect(headers[name] == value) }
    let signed = try #require(headers["Authorization"])
    for name in expected.keys { #expect(signed.contains(name.lowercased())) }
  }

  @Test("A line break in an attribute cannot become a header")
  func injection() async throws {
    for attributes in [
      ObjectAttributes(contentType: "text/plain\r\nx-amz-acl: public-read"),
      ObjectAttributes(metadata: [MetadataField(name: "a: b\r\nc", value: "x")]),
      ObjectAttributes(metadata: [MetadataField(name: "a", value: "x\ny")]),
    ] {
      let scripted = try ScriptedClient([])
      let error = await failure { () async throws(S3Error) in try await put(scripted, attributes) }
      guard case .invalidRequest = error?.cause else { return #expect(Bool(false)) }
      #expect(scripted.requests.isEmpty)
    }
  }

  // MARK: - What endpoints take

  private static func refusal(_ name: String) -> ScriptedTransport.Answer {
    .response(
      400, [],
      "<Error><Code>InvalidRequest</Code><Message>The checksum \(name) is not known</Message></Error>"
    )
  }

  private static let crc32c = "4waSgw=="
  private static let md5 = "JfnnlDI7RTiF9RgfG2JNCw=="

  @Test("Where CRC64NVME is refused CRC32C goes along, and is begun with the next time")
  func crc32c() async throws {
    let scripted = try ScriptedClient([
      Self.refusal("CRC64NVME"),
      .response(200, [etag, HTTPHeader("x-amz-checksum-crc32c", Self.crc32c)]),
      .response(200, [etag, HTTPHeader("x-amz-checksum-crc32c", Self.crc32c)]),
    ])
    let receipt = try await put(scripted)
    #expect(receipt.checksum == "crc32c:\(Self.crc32c)")
    _ = try await put(scripted)
    let requests = scripted.requests
    #expect(requests.map { $0.headers["x-amz-checksum-crc64nvme"] != nil } == [true, false, false])
    #expect(
      requests.map { $0.headers["x-amz-checksum-crc32c"] } == [nil, Self.crc32c, Self.crc32c])
    #expect(requests.allSatisfy { $0.headers["Content-MD5"] == nil })
  }

  @Test("Where both are refused MD5 goes along")
  func noChecksum() async throws {
    let scripted = try ScriptedClient([
      Self.refusal("CRC64NVME"), Self.refusal("CRC32C"), .response(200, [etag]),
    ])
    _ = try await put(scripted)
    let last = try #require(scripted.requests.last)
    #expect(last.headers["Content-MD5"] == Self.md5)
    #expect(!last.headers.contains { $0.name.hasPrefix("x-amz-checksum") })
  }

  @Test(
    "A store that knows no such header gets MD5, whatever it calls that, and keeps getting it",
    arguments: [
      (
        501,
        "<Error><Code>NotImplemented</Code><Message>A header you provided implies"
          + " functionality that is not implemented</Message></Error>"
      ),
      (501, ""), (400, ""),
      (
        400,
        "<Error><Code>InvalidArgument</Code>"
          + "<Message>unknown x-amz-checksum-crc64nvme</Message></Error>"
      ),
    ])
  func unknownHeader(status: Int, body: String) async throws {
    let refusal = ScriptedTransport.Answer.response(status, [], body)
    let scripted = try ScriptedClient(
      [refusal, refusal, .response(200, [etag]), .response(200, [etag])])
    for _ in 0..<2 { _ = try await put(scripted) }
    #expect(scripted.requests.map { $0.headers["Content-MD5"] }.suffix(2) == [Self.md5, Self.md5])
    #expect(
      scripted.requests.map { $0.headers.contains { $0.name.hasPrefix("x-amz-checksum") } }
        == [true, true, false, false])
  }

  @Test("What is refused without a checksum too was about something else, and nothing is learnt")
  func refusedAnyhow() async throws {
    let refusal = ScriptedTransport.Answer.response(
      501, [], "<Error><Code>NotImplemented</Code><Message>no ACLs</Message></Error>")
    let scripted = try ScriptedClient([refusal, refusal, refusal, .response(200, [etag])])
    let error = await failure { () async throws(S3Error) in try await put(scripted) }
    #expect(error?.code == .notImplemented)
    _ = try await put(scripted)
    #expect(scripted.requests.last?.headers["x-amz-checksum-crc64nvme"] != nil)
  }

  @Test("Where a condition went along it may be what is not known, and the caller tries without")
  func unknownCondition() async throws {
    let scripted = try ScriptedClient([.response(501)])
    let error = await failure { () async throws(S3Error) in
      try await put(scripted, condition: .ifNoneMatch)
    }
    #expect(error?.code == .notImplemented && scripted.requests.count == 1)
  }

  @Test("A store that is said to have but the basic requests is sent no others")
  func basic() async throws {
    let transport = ScriptedTransport([
      .response(200, [etag]), .response(200, [], "<ListBucketResult/>"),
    ])
    let client = S3Client(
      endpoint: try Endpoint(parsing: "http://store.test:9000"), region: .usEast1,
      credentials: StaticCredentials(accessKeyID: "AKID", secretAccessKey: Secret("secret")),
      transport: transport, isBasic: true)
    _ = try await client.putObject(
      location, body: .bytes(Array("123456789".utf8)), attributes: ObjectAttributes(),
      progress: nil)
    _ = try await client.listObjectsV2(
      bucket: location.bucket, prefix: .empty, delimiter: nil, after: nil)
    #expect(transport.requests.first?.headers["Content-MD5"] == Self.md5)
    #expect(transport.requests.first?.headers["x-amz-checksum-crc64nvme"] == nil)
    #expect(transport.requests.last?.url.contains("list-type") == false)
    #expect(!client.deletesMany)
  }

  @Test("Another refusal is not about the checksum")
  func otherRefusal() async throws {
    let scripted = try ScriptedClient([
      .response(400, [], "<Error><Code>InvalidRequest</Code><Message>no</Message></Error>")
    ])
    let error = await failure { () async throws(S3Error) in try await put(scripted) }
    #expect(error?.code == S3ErrorCode("InvalidRequest"))
  }

  @Test("MD5 goes along once the first answer showed no checksum, and only then")
  func md5() async throws {
    let silent = try ScriptedClient([.response(200, [etag]), .response(200, [etag])])
    _ = try await put(silent)
    _ = try await put(silent)
    #expect(silent.requests.map { $0.headers["Content-MD5"] } == [nil, Self.md5])
    let checksum = HTTPHeader("x-amz-checksum-crc64nvme", "rosUhgp5mIg=")
    let told = ScriptedTransport.Answer.response(200, [etag, checksum])
    let telling = try ScriptedClient([told, told])
    _ = try await put(telling)
    _ = try await put(telling)
    #expect(telling.requests.map { $0.headers["Content-MD5"] } == [nil, nil])
  }

  @Test("An endpoint's ETags are learnt from an upload, and then compared with what was sent")
  func etagMeaning() async throws {
    let other = HTTPHeader("ETag", "\"00000000000000000000000000000000\"")
    let scripted = try ScriptedClient(
      [.response(200, [other]), .response(200, [etag]), .response(200, [other])],
      policy: RetryPolicy(maxAttempts: 1, base: .zero, cap: .zero, deadline: .seconds(1)))
    // What may be damage goes once more, with its MD5.
    _ = try await put(scripted)
    #expect(scripted.client.etagMeaning == .md5)
    #expect(scripted.requests.map { $0.headers["Content-MD5"] } == [nil, Self.md5])
    let error = await failure { () async throws(S3Error) in try await put(scripted) }
    guard case .checksumMismatch(let sent, let stored)? = error?.cause else {
      return #expect(Bool(false))
    }
    #expect(sent == "md5:25f9e794323b453885f5181f1b624d0b")
    #expect(stored == "md5:00000000000000000000000000000000")
    // The same twice is no damage.
    let strange = try ScriptedClient([.response(200, [other]), .response(200, [other])])
    _ = try await put(strange)
    #expect(strange.client.etagMeaning == .other)
    // Under KMS it says nothing.
    let kms = try ScriptedClient([
      .response(200, [etag]),
      .response(200, [other, HTTPHeader("x-amz-server-side-encryption", "aws:kms")]),
    ])
    _ = try await put(kms)
    _ = try await put(kms)
  }

  @Test("An upload in parts falls back as well, and names the checksums of its parts")
  func multipartFallback() async throws {
    let begun = """
      <InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>
      """
    let done = """
      <CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>
      """
    let scripted = try ScriptedClient([
      Self.refusal("CRC64NVME"), .response(200, [], begun),
      .response(200, [etag, HTTPHeader("x-amz-checksum-crc32c", Self.crc32c)]),
      .response(200, [], done),
    ])
    let upload = try await scripted.client.createMultipartUpload(
      location, attributes: ObjectAttributes())
    #expect(upload.checksum == MultipartChecksum(.crc32c, isComposite: true))
    let part = try await scripted.client.uploadPart(
      location, uploadID: upload.uploadID, partNumber: PartNumber(1), body: body, progress: nil)
    _ = try await scripted.client.completeMultipartUpload(
      location, uploadID: upload.uploadID, parts: [part], condition: .none, objectSize: 9)
    let requests = scripted.requests
    #expect(requests[1].headers["x-amz-checksum-algorithm"] == "CRC32C")
    #expect(requests[2].headers["x-amz-checksum-crc32c"] == Self.crc32c)
    #expect(requests[3].headers["x-amz-checksum-crc64nvme"] == nil)
    let document = String(decoding: requests[3].bytes, as: UTF8.self)
    #expect(document.contains("<ChecksumCRC32C>\(Self.crc32c)</ChecksumCRC32C>"))
  }

  @Test("A part goes with the digest that it has, and with what a store turns out to need")
  func digestedAhead() async throws {
    let scripted = try ScriptedClient([.response(200, [etag]), .response(200, [etag])])
    func send(_ digest: PartDigest) async throws {
      _ = try await scripted.client.uploadPart(
        location, uploadID: upload, partNumber: PartNumber(1), body: body, digest: digest,
        progress: nil)
    }
    // Of other bytes, so that it shows which digest went along.
    let other = try await scripted.client.digest(ofPart: .bytes(Array("other".utf8)))
    let own = try await scripted.client.digest(ofPart: body)
    try await send(other)
    try await send(own)
    let sent = scripted.requests.map(\.headers)
    let digests = sent.map { $0["x-amz-content-sha256"] }
    #expect(
      digests == [
        Digest.hex(Digest.sha256("other".utf8)), Digest.hex(Digest.sha256("123456789".utf8)),
      ])
    // Its first answer had no checksum.
    #expect(sent.map { $0["Content-MD5"] } == [nil, "JfnnlDI7RTiF9RgfG2JNCw=="])
  }

  @Test("An answer without an ETag, or with a page, is none: it goes again, where that may be")
  func page() async throws {
    let page = ScriptedTransport.Answer.response(200, [], "<html>sign in</html>")
    let tagged = ScriptedTransport.Answer.response(200, [etag], "<!DOCTYPE html><html></html>")
    let healed = try ScriptedClient([page, .response(200), tagged, .response(200, [etag])])
    _ = try await put(healed)
    // Nothing was learnt from a page, such as that the store answers no checksums.
    #expect(healed.requests.map { $0.headers["Content-MD5"] } == [nil, nil, nil, nil])
    #expect(healed.transport.leftOver == 0)
    let parts = try ScriptedClient([page, tagged, .response(200, [etag])])
    _ = try await parts.client.uploadPart(
      location, uploadID: upload, partNumber: PartNumber(1), body: body, progress: nil)
    #expect(parts.transport.leftOver == 0)

    let once = try ScriptedClient([page])
    let error = await failure { () async throws(S3Error) in
      try await put(once, condition: .ifNoneMatch)
    }
    guard case .malformedAnswer? = error?.cause else { return #expect(Bool(false)) }
    #expect(error?.isInDoubt == true)
  }

  @Test(
    "Where a store has but ETags, what may not go again is read to find out whether it is damaged")
  func damagedOnce() async throws {
    // Of `1234X6789`.
    let damaged = HTTPHeader("ETag", "\"fa72685d39e23c77ac16adb36480fbad\"")
    let length = HTTPHeader("Content-Length", "9")
    func put(_ stored: ScriptedTransport.Answer) async throws -> (ScriptedClient, S3Error?) {
      let scripted = try ScriptedClient([.response(200, [damaged]), stored])
      let error = await failure { () async throws(S3Error) in
        try await self.put(scripted, condition: .ifNoneMatch)
      }
      return (scripted, error)
    }
    for stored in [
      ScriptedTransport.Answer.response(200, [damaged, length], "1234X6789"), .response(403),
    ] {
      let (scripted, error) = try await put(stored)
      guard case .checksumMismatch(let sent, let stored)? = error?.cause else {
        Issue.record("taken for stored: \(String(describing: error))")
        continue
      }
      #expect(sent == "md5:25f9e794323b453885f5181f1b624d0b")
      #expect(stored == "md5:fa72685d39e23c77ac16adb36480fbad")
      #expect(scripted.requests.map(\.method) == [.put, .get])
    }
    // ETags of this store are something else.
    let (scripted, error) = try await put(.response(200, [damaged, length], "123456789"))
    #expect(error == nil && scripted.client.etagMeaning == .other)
  }

  @Test("A server that stored other bytes is noticed, and the bytes are sent again")
  func mismatch() async throws {
    let wrong = ScriptedTransport.Answer.response(
      200, [etag, HTTPHeader("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")])
    let right = ScriptedTransport.Answer.response(
      200, [etag, HTTPHeader("x-amz-checksum-crc64nvme", "rosUhgp5mIg=")])
    let healed = try ScriptedClient([wrong, right])
    _ = try await put(healed)
    var policy = RetryPolicy.standard
    policy.maxAttempts = 2
    let broken = try ScriptedClient([wrong, wrong], policy: policy)
    let error = await failure { () async throws(S3Error) in try await put(broken) }
    #expect(
      error?.cause
        == .checksumMismatch(sent: "crc64nvme:rosUhgp5mIg=", stored: "crc64nvme:AAAAAAAAAAA="))
  }

  @Test("So is one that stored other bytes where CRC32C goes along")
  func mismatchOfCRC32C() async throws {
    let refusal = Self.refusal("CRC64NVME")
    let wrong = ScriptedTransport.Answer.response(
      200, [etag, HTTPHeader("x-amz-checksum-crc32c", "AAAAAA==")])
    let right = ScriptedTransport.Answer.response(
      200, [etag, HTTPHeader("x-amz-checksum-crc32c", Self.crc32c)])
    let healed = try ScriptedClient([refusal, wrong, right])
    _ = try await put(healed)
    #expect(healed.transport.leftOver == 0)
    var policy = RetryPolicy.standard
    policy.maxAttempts = 2
    let broken = try ScriptedClient([refusal, wrong, wrong], policy: policy)
    let error = await failure { () async throws(S3Error) in try await put(broken) }
    #expect(
      error?.cause == .checksumMismatch(sent: "crc32c:\(Self.crc32c)", stored: "crc32c:AAAAAA=="))
  }

  @Test("A refusal after a lost answer is settled by the object itself")
  func settledPut() async throws {
    let ours = [
      HTTPHeader("Content-Length", "9"), etag,
      HTTPHeader("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
    ]
    let lost = ScriptedTransport.Answer.failure(.connectionLost(reason: "reset"))
    let done = try ScriptedClient([lost, .response(412), .response(200, ours)])
    let receipt = try await put(done, condition: .ifNoneMatch)
    #expect(receipt.checksum == "crc64nvme:rosUhgp5mIg=")

    // Nobody can tell whose object it is: the lost answer is what is reported.
    let other = [HTTPHeader("Content-Length", "9"), etag]
    let unknown = try ScriptedClient([lost, .response(412), .response(200, other)])
    let error = await failure { () async throws(S3Error) in
      try await put(unknown, condition: .ifNoneMatch)
    }
    #expect(error?.cause == .transport(.connectionLost(reason: "reset")))

    // A refusal of the first attempt is a refusal.
    let refused = try ScriptedClient([.response(412)])
    let refusal = await failure { () async throws(S3Error) in
      try await put(refused, condition: .ifNoneMatch)
    }
    #expect(refusal?.code == .preconditionFailed)
    #expect(refused.requests.count == 1)
  }

  @Test("A lost answer leaves doubt, a body that was never whole does not")
  func doubt() async throws {
    var policy = RetryPolicy.standard
    policy.maxAttempts = 1
    // The scripted failure comes after five bytes.
    let lost = ScriptedTransport.Answer.failure(.connectionLost(reason: "reset"))
    for (text, isInDoubt) in [("12345", true), ("123456789", false)] {
      let scripted = try ScriptedClient([lost], policy: policy)
      let error = await failure { () async throws(S3Error) in
        try await scripted.client.putObject(
          location, body: .bytes(Array(text.utf8)), attributes: ObjectAttributes(),
          progress: ByteCounter())
      }
      #expect(error?.isInDoubt == isInDoubt)
    }
    let refused = try ScriptedClient([.response(403)])
    let error = await failure { () async throws(S3Error) in try await put(refused) }
    #expect(error?.isInDoubt == false)
  }

  @Test("A multipart upload asks for a checksum of the whole object")
  func create() async throws {
    let scripted = try ScriptedClient([
      .response(
        200, [],
        "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
    ])
    let upload = try await scripted.client.createMultipartUpload(
      location, attributes: ObjectAttributes(contentType: "text/csv"))
    #expect(
      upload
        == BegunUpload(
          uploadID: UploadID("u"), mayHaveLeftAnother: false, checksum: .crc64nvme))
    // Two attempts that may have begun another one, and one that surely did not.
    let begun = ScriptedTransport.Answer.response(
      200, [],
      "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
    for (first, isDoubtful) in [
      (ScriptedTransport.Answer.failure(.stalled), true),
      (.response(500, [], ""), true), (.response(429, [], ""), false),
    ] {
      let scripted = try ScriptedClient([first, begun])
      let upload = try await scripted.client.createMultipartUpload(
        location, attributes: ObjectAttributes())
      #expect(
        upload
          == BegunUpload(
            uploadID: UploadID("u"), mayHaveLeftAnother: isDoubtful, checksum: .crc64nvme))
    }
    let request = try #require(scripted.requests.first)
    #expect(request.target == "/bucket/key?uploads=")
    #expect(request.headers["x-amz-checksum-algorithm"] == "CRC64NVME")
    #expect(request.headers["x-amz-checksum-type"] == "FULL_OBJECT")
    #expect(request.headers["Content-Type"] == "text/csv")
  }

  @Test("A part's answer without an ETag is not taken for a success")
  func partWithoutETag() async throws {
    let scripted = try ScriptedClient([.response(200), .response(200, [etag])])
    let receipt = try await scripted.client.uploadPart(
      location, uploadID: upload, partNumber: PartNumber(3), body: body, progress: nil)
    #expect(
      receipt
        == PartReceipt(
          number: PartNumber(3), etag: ETag(etag.value), crc64nvme: 0xae8b_1486_0a79_9888, size: 9))
    #expect(scripted.requests.count == 2)
    #expect(scripted.requests.first?.target == "/bucket/key?partNumber=3&uploadId=u%2F%2B%3D")
  }

  private let parts = [
    PartReceipt(
      number: PartNumber(2), etag: ETag("0cc175b9c0f1b6a831c399e269772661"),
      crc64nvme: PartCRC.of("789"), size: 3),
    PartReceipt(
      number: PartNumber(1), etag: ETag("92eb5ffee6ae2fec3ad71c777531578f"),
      crc64nvme: PartCRC.of("123456"), size: 6),
  ]

  private func complete(
    _ answers: [ScriptedTransport.Answer]
  ) async throws -> (ScriptedClient, Result<WriteReceipt, S3Error>) {
    let scripted = try ScriptedClient(answers)
    do {
      let receipt = try await scripted.client.completeMultipartUpload(
        location, uploadID: upload, parts: parts, condition: .none, objectSize: 9)
      return (scripted, .success(receipt))
    } catch {
      return (scripted, .failure(error))
    }
  }

  private let completed = ScriptedTransport.Answer.response(
    200, [],
    "<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>")

  @Test("Completing names the parts in order, and the combined checksum")
  func complete() async throws {
    let (scripted, result) = try await complete([completed])
    #expect(try result.get() == WriteReceipt(checksum: "crc64nvme:rosUhgp5mIg="))
    let request = try #require(scripted.requests.first)
    #expect(request.headers["x-amz-checksum-crc64nvme"] == "rosUhgp5mIg=")
    #expect(request.headers["x-amz-mp-object-size"] == "9")
    #expect(
      String(decoding: request.bytes, as: UTF8.self)
        == "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        + "<Part><PartNumber>1</PartNumber><ETag>\"92eb5ffee6ae2fec3ad71c777531578f\"</ETag></Part>"
        + "<Part><PartNumber>2</PartNumber><ETag>\"0cc175b9c0f1b6a831c399e269772661\"</ETag></Part>"
        + "</CompleteMultipartUpload>")
  }

  @Test(
    "An answer that began as a success and is none is tried again",
    arguments: [
      "<Error><Code>InternalError</Code></Error>", "", "   ", "<html/>",
      "  \n <?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>",
      "<CompleteMultipartUploadResult><ETag>",
    ])
  func completeErrorInside(_ body: String) async throws {
    let (_, healed) = try await complete([.response(200, [], body), completed])
    #expect(throws: Never.self) { try healed.get() }
    let (scripted, broken) = try await complete(
      Array(repeating: .response(200, [], body), count: 6))
    #expect(throws: S3Error.self) { try broken.get() }
    #expect(scripted.requests.count == 6)
  }

  @Test("Blanks before a late answer are no part of it")
  func blanks() async throws {
    let (_, result) = try await complete([
      .response(
        200, [],
        String(repeating: " ", count: 5000)
          + "<?xml version=\"1.0\"?><CompleteMultipartUploadResult/>")
    ])
    #expect(throws: Never.self) { try result.get() }
  }

  @Test("A whole that is not what its parts make is noticed, in each kind of checksum")
  func wholeMismatch() async throws {
    func answer(_ checksum: String) -> ScriptedTransport.Answer {
      .response(
        200, [],
        "<CompleteMultipartUploadResult>\(checksum)</CompleteMultipartUploadResult>")
    }
    let (_, result) = try await complete([
      answer("<ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME>")
    ])
    guard case .failure(let error) = result else { return #expect(Bool(false)) }
    #expect(
      error.cause
        == .checksumMismatch(sent: "crc64nvme:rosUhgp5mIg=", stored: "crc64nvme:AAAAAAAAAAA="))

    let part = PartReceipt(
      number: PartNumber(1), etag: ETag("e"), crc64nvme: PartCRC.of("123456789"),
      crc32c: 0xe306_9283, size: 9)
    func completeComposite(_ checksum: String) async throws -> S3Error? {
      let stored = HTTPHeader("x-amz-checksum-crc32c", Self.crc32c)
      let scripted = try ScriptedClient([
        Self.refusal("CRC64NVME"), .response(200, [etag, stored]),
        answer("<ChecksumCRC32C>\(checksum)</ChecksumCRC32C>"),
      ])
      _ = try await put(scripted)
      return await failure { () async throws(S3Error) in
        try await scripted.client.completeMultipartUpload(
          location, uploadID: upload, parts: [part], condition: .none, objectSize: 9)
      }
    }
    #expect(
      try await completeComposite("AAAAAA==-1")?.cause
        == .checksumMismatch(sent: "crc32c:pzJFoA==-1", stored: "crc32c:AAAAAA==-1"))
    #expect(try await completeComposite("pzJFoA==-1") == nil)
    // Of other parts, or of the bytes: nothing to compare with.
    #expect(try await completeComposite("AAAAAA==-2") == nil)
    #expect(try await completeComposite("AAAAAA==") == nil)
  }

  @Test("An upload that is gone after a lost answer was completed if the object says so")
  func settledComplete() async throws {
    let lost = ScriptedTransport.Answer.failure(.connectionLost(reason: "reset"))
    let gone = ScriptedTransport.Answer.response(
      404, [], "<Error><Code>NoSuchUpload</Code></Error>")
    let length = HTTPHeader("Content-Length", "9")
    // By its checksum, or by the ETag that its parts give it: md5(md5(b) + md5(a)).
    let byETag = HTTPHeader("ETag", "\"f2cb06b385316e99d9d9fb3a0c017f22-2\"")
    let byChecksum = HTTPHeader("x-amz-checksum-crc64nvme", "rosUhgp5mIg=")
    for proof in [byETag, byChecksum] {
      let (_, result) = try await complete([lost, gone, .response(200, [length, proof])])
      #expect(throws: Never.self) { try result.get() }
    }
    let (_, unproven) = try await complete([lost, gone, .response(200, [length])])
    guard case .failure(let error) = unproven else { return #expect(Bool(false)) }
    #expect(error.cause == .transport(.connectionLost(reason: "reset")))
    let (_, never) = try await complete([gone])
    guard case .failure(let refusal) = never else { return #expect(Bool(false)) }
    #expect(refusal.code == .noSuchUpload)
  }

  @Test("Parts that do not make the object are not completed")
  func wrongSize() async throws {
    let scripted = try ScriptedClient([])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.completeMultipartUpload(
        location, uploadID: upload, parts: parts, condition: .none, objectSize: 10)
    }
    guard case .invalidRequest = error?.cause else { return #expect(Bool(false)) }
  }

  @Test("Aborting an upload that is gone is done; in a bucket that is gone it is not")
  func abort() async throws {
    func abort(_ code: String) async throws -> S3Error? {
      let scripted = try ScriptedClient([
        .response(404, [], "<Error><Code>\(code)</Code></Error>")
      ])
      return await failure { () async throws(S3Error) in
        try await scripted.client.abortMultipartUpload(location, uploadID: upload)
      }
    }
    #expect(try await abort("NoSuchUpload") == nil)
    #expect(try await abort("NoSuchKey") == nil)
    #expect(try await abort("NoSuchBucket")?.code == .noSuchBucket)
  }

  @Test("A bucket is created without a region unless one is given")
  func createBucket() async throws {
    let scripted = try ScriptedClient([.response(200), .response(200)])
    let bucket = BucketName("bucket")
    try await scripted.client.createBucket(bucket, locationConstraint: nil)
    try await scripted.client.createBucket(bucket, locationConstraint: Region("eu-west-1"))
    #expect(scripted.requests.first?.bytes.isEmpty == true)
    let document = String(decoding: try #require(scripted.requests.last).bytes, as: UTF8.self)
    #expect(document.contains("<LocationConstraint>eu-west-1</LocationConstraint>"))
  }

  @Test("A store that takes no bucket without a region is told the one that is signed for")
  func createBucketInRegion() async throws {
    let refusal = ScriptedTransport.Answer.response(
      400, [], "<Error><Code>IllegalLocationConstraintException</Code></Error>")
    let bucket = BucketName("bucket")
    let scripted = try ScriptedClient([refusal, .response(200)])
    try await scripted.client.createBucket(bucket, locationConstraint: nil)
    #expect(scripted.requests.map(\.bytes.isEmpty) == [true, false])
    let document = String(decoding: try #require(scripted.requests.last).bytes, as: UTF8.self)
    #expect(
      document.contains("<LocationConstraint>\(scripted.client.region.text)</LocationConstraint>"))

    let refused = try ScriptedClient([refusal, refusal, refusal, refusal])
    for region in [nil, Region("eu-west-1")] {
      let error = await failure { () async throws(S3Error) in
        try await refused.client.createBucket(bucket, locationConstraint: region)
      }
      #expect(error?.code == .illegalLocationConstraint)
    }
    #expect(refused.requests.count == 3)
  }

  @Test("A bucket that a lost answer created or removed is created or removed")
  func settledBuckets() async throws {
    let bucket = BucketName("bucket")
    let lost = ScriptedTransport.Answer.failure(.connectionLost(reason: "reset"))
    func refusal(_ status: Int, _ code: String) -> ScriptedTransport.Answer {
      .response(status, [], "<Error><Code>\(code)</Code></Error>")
    }
    let created = try ScriptedClient([lost, refusal(409, "BucketAlreadyOwnedByYou")])
    try await created.client.createBucket(bucket, locationConstraint: nil)
    let removed = try ScriptedClient([lost, refusal(404, "NoSuchBucket")])
    try await removed.client.deleteBucket(bucket, expectedOwner: nil)
    let missing = try ScriptedClient([refusal(404, "NoSuchBucket")])
    let error = await failure { () async throws(S3Error) in
      try await missing.client.deleteBucket(bucket, expectedOwner: nil)
    }
    #expect(error?.code == .noSuchBucket)
  }

  @Test("The expected owner of a bucket is sent along")
  func expectedOwner() async throws {
    let scripted = try ScriptedClient([.response(204)])
    try await scripted.client.deleteBucket(
      BucketName("bucket"), expectedOwner: AccountID("111122223333"))
    let headers = try #require(scripted.requests.first?.headers)
    #expect(headers["x-amz-expected-bucket-owner"] == "111122223333")
    #expect(headers["Authorization"]?.contains("x-amz-expected-bucket-owner") == true)
  }
}

private enum PartCRC {
  static func of(_ text: String) -> UInt64 {
    var crc = CRC64NVME()
    Array(text.utf8).withUnsafeBytes { crc.update($0) }
    return crc.value
  }
}
