import HTTP
import History
import S3
import Storage
import Synchronization
import Testing

@Suite("Copying inside the store")
struct CopyingTests {
  private static let mebibyte = 1 << 20
  private static let inParts = CopyOptions(multipartThreshold: .mebibytes(5))

  private static let attributes = ObjectAttributes(
    contentType: "text/csv", contentEncoding: "gzip", contentDisposition: "attachment",
    contentLanguage: "de", cacheControl: "no-store",
    metadata: [MetadataField(name: "owner", value: "ana")], tagging: "project=atlas&team=a%20b",
    storageClass: StorageClass("STANDARD_IA"))

  /// An object in parts of sizes that nobody would come to by its size alone, made past the service.
  private static func putInParts(
    _ fixture: ServerFixture, _ key: String, checksum: MultipartChecksum?
  ) async throws -> [UInt8] {
    let bytes = ServerFixture.bytes(11 * mebibyte + 7)
    let location = fixture.location(key)
    let upload = try await fixture.outside.createMultipartUpload(
      location, attributes: attributes, checksum: checksum)
    var parts: [PartReceipt] = []
    var rest = bytes[...]
    for (index, size) in [6 * mebibyte, 5 * mebibyte, 7].enumerated() {
      let piece = Array(rest.prefix(size))
      rest = rest.dropFirst(size)
      parts.append(
        try await fixture.outside.uploadPart(
          location, uploadID: upload.uploadID, partNumber: PartNumber(index + 1),
          body: .bytes(piece), progress: nil))
    }
    _ = try await fixture.outside.completeMultipartUpload(
      location, uploadID: upload.uploadID, parts: parts, condition: .none,
      objectSize: Int64(bytes.count))
    return bytes
  }

  private static func expectSame(
    _ fixture: ServerFixture, _ source: ObjectMetadata, _ key: String
  ) async throws {
    let copy = try await fixture.outside.headObject(fixture.location(key))
    #expect(copy.size == source.size)
    #expect(copy.contentType == "text/csv" && copy.contentEncoding == "gzip")
    #expect(copy.contentDisposition == "attachment" && copy.contentLanguage == "de")
    #expect(copy.cacheControl == "no-store" && copy.metadata == source.metadata)
    #expect(copy.storageClass == StorageClass("STANDARD_IA"))
    #expect(copy.etag == source.etag)
    let tags = try await fixture.outside.objectTags(fixture.location(key))
    #expect(
      Set(tags) == [
        ObjectTag(key: "project", value: "atlas"), ObjectTag(key: "team", value: "a b"),
      ])
  }

  @Test("A copy has all that its source has, names its ETag, and is recorded")
  func whole() async throws {
    try await ServerFixture.with { fixture in
      let source = fixture.location("a b/ü+%2F.csv")
      _ = try await fixture.outside.putObject(
        source, body: .bytes(Array("content".utf8)), attributes: Self.attributes, progress: nil)
      let metadata = try await fixture.outside.headObject(source)
      let result = try await fixture.service.copy(source, to: fixture.location("copy.csv"))
      #expect(result.size == ByteCount(7) && result.proof == .etag && !result.isMoved)
      try await Self.expectSame(fixture, metadata, "copy.csv")
      let copies = fixture.transport.sentChanges
      #expect(copies.count == 1)
      #expect(
        copies.first?.copySource["x-amz-copy-source-if-match"] == metadata.etag?.quoted)
      let rows = try await fixture.rows()
      #expect(rows.map(\.action) == [.copy] && rows.map(\.outcome) == [.done])
      #expect(rows.first?.key == ObjectKey("copy.csv"))
      #expect(rows.first?.detail == "from s3://\(fixture.bucket)/a b/ü+%2F.csv")
      #expect(rows.first?.size == ByteCount(7))
    }
  }

  @Test("Above the threshold a copy is made of the source's own parts, with what goes with it")
  func parts() async throws {
    try await ServerFixture.with { fixture in
      let bytes = try await Self.putInParts(fixture, "source", checksum: .crc64nvme)
      let metadata = try await fixture.outside.headObject(fixture.location("source"))
      let result = try await fixture.service.copy(
        fixture.location("source"), to: fixture.location("copy"), options: Self.inParts)
      #expect(result.size == ByteCount(Int64(bytes.count)))
      try await Self.expectSame(fixture, metadata, "copy")
      let copy = try await fixture.outside.headObject(fixture.location("copy"))
      #expect(copy.checksums == metadata.checksums && !copy.checksums.isEmpty)
      let parts = fixture.transport.sent.filter { $0.isCopy }
      #expect(parts.count == 3)
      #expect(
        parts.allSatisfy {
          $0.copySource["x-amz-copy-source-if-match"] == metadata.etag?.quoted
        })
      #expect(
        Set(parts.compactMap { $0.copySource["x-amz-copy-source-range"] }) == [
          "bytes=0-6291455", "bytes=6291456-11534335", "bytes=11534336-11534342",
        ])
      #expect(try await fixture.rows().map(\.action) == [.copy])
    }
  }

  @Test("A server that is busy is waited for, and so is a lost answer", arguments: [false, true])
  func busy(isInParts: Bool) async throws {
    var settings = TransferSettings.small
    settings.patience = .seconds(60)
    let once = RetryPolicy(maxAttempts: 1, base: .zero, cap: .zero, deadline: .seconds(60))
    try await ServerFixture.with(settings: settings, retryPolicy: once) { fixture in
      try await fixture.put("source", content: ServerFixture.bytes(6 << 20))
      let (refusals, losses) = (Countdown(1), Countdown(1))
      fixture.transport.answerInPlace { request in
        request.isCopy && refusals.next() ? .refusal(503, "SlowDown") : nil
      }
      @Sendable func isLast(_ request: SentRequest) -> Bool {
        isInParts ? request.isCompleteUpload : request.isCopy
      }
      fixture.transport.afterEach { (request) async throws(HTTPError) in
        if isLast(SentRequest(request)), losses.next() {
          throw .connectionLost(reason: "reset by the test")
        }
      }
      // Servers that remember no upload once it is done, and heed conditions on copies.
      let (status, code) = isInParts ? (404, "NoSuchUpload") : (412, "PreconditionFailed")
      fixture.transport.changeAnswers { request, response in
        isLast(request) ? .refusal(status, code) : response
      }
      let result = try await fixture.service.move(
        fixture.location("source"), to: fixture.location("target"),
        options: CopyOptions(
          ifExists: .fail, multipartThreshold: isInParts ? .mebibytes(5) : .gibibytes(5)))
      #expect(result.isMoved && !result.isSkipped)
      #expect(try await fixture.keys() == ["target"])
      #expect(try await fixture.rows().map(\.outcome) == [.done, .done])
    }
  }

  @Test(
    "Storage class and encryption of the source are asked for anew, since no copy takes them over",
    arguments: [false, true])
  func classAndEncryption(isInParts: Bool) async throws {
    try await ServerFixture.with { fixture in
      let size = isInParts ? 6 * Self.mebibyte : 7
      try await fixture.put("source", content: ServerFixture.bytes(size))
      let told = [
        HTTPHeader("x-amz-storage-class", "GLACIER_IR"),
        HTTPHeader("x-amz-server-side-encryption", "aws:kms"),
        HTTPHeader("x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:key/1"),
      ]
      fixture.transport.changeAnswers { request, response in
        guard request.method == .head, request.key == ObjectKey("source") else { return response }
        return HTTPResponse(
          head: HTTPResponseHead(status: 200, headers: Array(response.head.headers) + told))
      }
      // The server has no keys to encrypt with: what it is asked for is all there is to see.
      fixture.transport.answerInPlace { request in
        guard request.isChange else { return nil }
        return HTTPResponse(head: HTTPResponseHead(status: 403, headers: []))
      }
      let sent = Mutex<[[HTTPHeader]]>([])
      fixture.transport.beforeEach { request in
        if SentRequest(request).isChange { sent.withLock { $0.append(Array(request.headers)) } }
      }
      func copy(_ attributes: ObjectAttributes) async -> [String: String] {
        var options = CopyOptions(attributes: attributes)
        if isInParts { options.multipartThreshold = .mebibytes(5) }
        _ = try? await fixture.service.copy(
          fixture.location("source"), to: fixture.location("copy"), options: options)
        let headers = sent.withLock { $0.popLast() } ?? []
        return headers.reduce(into: [:]) { fields, header in
          if told.contains(where: { $0.name == header.name }) {
            fields[header.name] = header.value
          }
        }
      }
      #expect(
        await copy(ObjectAttributes())
          == Dictionary(uniqueKeysWithValues: told.map { ($0.name, $0.value) }))
      #expect(
        await copy(
          ObjectAttributes(
            storageClass: StorageClass("STANDARD"), serverSideEncryption: "AES256"))
          == [
            "x-amz-storage-class": "STANDARD", "x-amz-server-side-encryption": "AES256",
          ])
    }
  }

  @Test("What is asked for takes the place of what the source has, and the rest stays")
  func replacing() async throws {
    try await ServerFixture.with { fixture in
      let source = fixture.location("source")
      _ = try await fixture.outside.putObject(
        source, body: .bytes([1]), attributes: Self.attributes, progress: nil)
      _ = try await fixture.service.copy(
        source, to: source,
        options: CopyOptions(attributes: ObjectAttributes(contentType: "text/plain")))
      let changed = try await fixture.outside.headObject(source)
      #expect(changed.contentType == "text/plain" && changed.cacheControl == "no-store")
      #expect(changed.metadata == Self.attributes.metadata)
      #expect(try await fixture.outside.objectTags(source).count == 2)
    }
  }

  // MARK: - Moving

  @Test("A move deletes its source, and both steps are recorded", arguments: [false, true])
  func move(isInParts: Bool) async throws {
    try await ServerFixture.with { fixture in
      if isInParts {
        _ = try await Self.putInParts(fixture, "source", checksum: .crc64nvme)
      } else {
        try await fixture.put("source")
      }
      let result = try await fixture.service.move(
        fixture.location("source"), to: fixture.location("p/target"),
        options: isInParts ? Self.inParts : CopyOptions())
      #expect(result.isMoved && result.proof == .checksum(.crc64nvme))
      #expect(try await fixture.keys() == ["p/target"])
      let rows = try await fixture.rows()
      #expect(rows.map(\.action) == [.delete, .copy])
      #expect(rows.map(\.outcome) == [.done, .done])
      #expect(rows.map(\.key) == [ObjectKey("source"), ObjectKey("p/target")])
    }
  }

  @Test("A source stays that nothing proves its copy equal to, or that the copy differs from")
  func unproven() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("source")
      fixture.transport.changeAnswers { request, response in
        guard request.method == .head, request.key == ObjectKey("target") else {
          return response
        }
        var response = response
        response.head.headers.removeAll {
          $0.name.lowercased() == "etag" || $0.name.lowercased().hasPrefix("x-amz-checksum")
        }
        return response
      }
      let error = await Self.failure {
        try await fixture.service.move(
          fixture.location("source"), to: fixture.location("target"))
      }
      #expect(error?.kind == .sourceKept)
      fixture.transport.changeAnswers { request, response in
        guard request.method == .head, request.key == ObjectKey("target") else {
          return response
        }
        var response = response
        for index in response.head.headers.indices
        where response.head.headers[index].name.lowercased() == "x-amz-checksum-crc64nvme" {
          response.head.headers[index].value = "AAAAAAAAAAA="
        }
        return response
      }
      let other = await Self.failure {
        try await fixture.service.move(
          fixture.location("source"), to: fixture.location("target"))
      }
      #expect(other?.kind == .damaged)
      #expect(try await fixture.keys() == ["source", "target"])
      #expect(try await fixture.rows(.delete).isEmpty)
    }
  }

  @Test("A source that is written to between its copy and its deletion stays")
  func changedBeforeDeletion() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("source")
      let once = Countdown(1)
      fixture.transport.afterEach { (request) async throws(HTTPError) in
        guard SentRequest(request).isCopy, once.next() else { return }
        _ = try? await fixture.outside.putObject(
          fixture.location("source"), body: .bytes([9]), attributes: ObjectAttributes(),
          progress: nil)
      }
      let error = await Self.failure {
        try await fixture.service.move(
          fixture.location("source"), to: fixture.location("target"))
      }
      #expect(error?.kind == .sourceKept)
      #expect(try await fixture.keys() == ["source", "target"])
    }
  }

  @Test("A source that is written to just before its deletion arrives stays, and it is said why")
  func changedAtDeletion() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("source")
      fixture.transport.beforeEach { request in
        guard request.method == .delete else { return }
        try? await fixture.put("source", content: [9])
      }
      let error = await Self.failure {
        try await fixture.service.move(
          fixture.location("source"), to: fixture.location("target"))
      }
      #expect(error?.kind == .sourceKept && error?.message.contains("has changed") == true)
      #expect(try await fixture.keys() == ["source", "target"])
      #expect(
        try await fixture.outside.headObject(fixture.location("source")).size == ByteCount(1))
      let rows = try await fixture.rows()
      #expect(rows.map(\.action) == [.delete, .copy])
      #expect(rows.map(\.outcome) == [.failed, .done])
    }
  }

  @Test(
    "A source that somebody else removes just before its deletion arrives is moved all the same")
  func removedAtDeletion() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("source")
      fixture.transport.beforeEach { request in
        guard request.method == .delete else { return }
        _ = try? await fixture.outside.deleteObject(fixture.location("source"))
      }
      let result = try await fixture.service.move(
        fixture.location("source"), to: fixture.location("target"))
      #expect(result.isMoved)
      #expect(try await fixture.keys() == ["target"])
    }
  }

  // MARK: - What goes wrong

  @Test("A source that changes before it is copied is noticed", arguments: [false, true])
  func changedSource(isInParts: Bool) async throws {
    try await ServerFixture.with { fixture in
      if isInParts {
        _ = try await Self.putInParts(fixture, "source", checksum: .crc64nvme)
      } else {
        try await fixture.put("source")
      }
      let once = Countdown(1)
      fixture.transport.beforeEach { request in
        guard SentRequest(request).isCopy, once.next() else { return }
        _ = try? await fixture.outside.putObject(
          fixture.location("source"), body: .bytes(ServerFixture.bytes(6 * Self.mebibyte)),
          attributes: ObjectAttributes(), progress: nil)
      }
      let error = await Self.failure {
        try await fixture.service.move(
          fixture.location("source"), to: fixture.location("target"),
          options: isInParts ? Self.inParts : CopyOptions())
      }
      #expect(error?.kind == .objectChanged)
      #expect(try await fixture.keys() == ["source"])
      #expect(try await fixture.uploads().isEmpty)
      let rows = try await fixture.rows()
      #expect(rows.map(\.action) == (isInParts ? [.abortUpload, .copy] : [.copy]))
      #expect(rows.last?.outcome == .failed)
      #expect(rows.last?.errorCode == "PreconditionFailed")
    }
  }

  @Test("An error inside a 200 is no success: once it is tried again, always it fails")
  func errorInside() async throws {
    let policy = RetryPolicy(
      maxAttempts: 3, base: .milliseconds(1), cap: .milliseconds(1), deadline: .seconds(5))
    try await ServerFixture.with(retryPolicy: policy) { fixture in
      try await fixture.put("source")
      for times in [1, 99] {
        let countdown = Countdown(times)
        fixture.transport.changeAnswers { request, response in
          guard request.isCopy, countdown.next() else { return response }
          return .refusal(200, "InternalError")
        }
        let error = await Self.failure {
          try await fixture.service.copy(
            fixture.location("source"), to: fixture.location("target"))
        }
        #expect(error?.code == (times == 1 ? nil : "InternalError"))
      }
      #expect(try await fixture.rows().map(\.outcome) == [.interrupted, .done])
    }
  }

  @Test(
    "A copy that is sent again says so, until it has succeeded", arguments: [false, true])
  func retries(isInParts: Bool) async throws {
    let policy = RetryPolicy(
      maxAttempts: 3, base: .milliseconds(1), cap: .milliseconds(1), deadline: .seconds(5))
    try await ServerFixture.with(retryPolicy: policy) { fixture in
      _ = try await Self.putInParts(fixture, "source", checksum: .crc64nvme)
      let countdown = Countdown(1)
      fixture.transport.changeAnswers { request, response in
        guard request.isCopy, request.isPart == isInParts, countdown.next() else {
          return response
        }
        return .refusal(503, "SlowDown")
      }
      let shown = Mutex<[String?]>([])
      let service = fixture.service.tellingRetries(
        to: Retries { status in shown.withLock { $0.append(status?.words) } })
      _ = try await service.copy(
        fixture.location("source"), to: fixture.location("target"),
        options: isInParts ? Self.inParts : CopyOptions())
      #expect(shown.withLock { $0 } == ["retrying 2/3: SlowDown", nil])
      // Whoever does not ask is told nothing.
      _ = try await fixture.service.copy(
        fixture.location("source"), to: fixture.location("other"))
      #expect(shown.withLock { $0.count } == 2)
    }
  }

  @Test("A copy in parts that fails is aborted, and both are recorded")
  func abort() async throws {
    try await ServerFixture.with { fixture in
      _ = try await Self.putInParts(fixture, "source", checksum: .crc64nvme)
      fixture.transport.changeAnswers { request, response in
        guard request.isCopy, request.query["partNumber"] == "2" else { return response }
        return .refusal(403, "AccessDenied")
      }
      let error = await Self.failure {
        try await fixture.service.copy(
          fixture.location("source"), to: fixture.location("target"), options: Self.inParts)
      }
      #expect(error?.kind == .accessDenied)
      #expect(try await fixture.uploads().isEmpty)
      #expect(try await fixture.keys() == ["source"])
      let rows = try await fixture.rows()
      #expect(rows.map(\.action) == [.abortUpload, .copy])
      #expect(rows.map(\.outcome) == [.done, .failed])
    }
  }

  @Test("Nothing is copied onto or into itself, over what is to stay, or read-only")
  func refusals() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("a/source", "b")
      let itself = await Self.failure {
        try await fixture.service.move(
          fixture.location("a/source"), to: fixture.location("a/source"))
      }
      #expect(itself?.kind == .invalidRequest)
      let inside = await Self.failure {
        try await fixture.service.copyAll(
          ObjectKey("a/"), in: fixture.bucket, base: 2, to: fixture.location("a/b/")
        ) { _ in }
      }
      #expect(inside?.kind == .invalidRequest)
      // The server takes both keys for one.
      let same = await Self.failure {
        try await fixture.service.move(
          fixture.location("a//source"), to: fixture.location("a/source"))
      }
      #expect(same != nil)
      let taken = await Self.failure {
        try await fixture.service.copy(
          fixture.location("a/source"), to: fixture.location("b"),
          options: CopyOptions(ifExists: .fail))
      }
      #expect(taken?.kind == .alreadyExists)
      let skipped = try await fixture.service.move(
        fixture.location("a/source"), to: fixture.location("b"),
        options: CopyOptions(ifExists: .skip))
      #expect(skipped.isSkipped && !skipped.isMoved)
      let renamed = try await fixture.service.copy(
        fixture.location("a/source"), to: fixture.location("b"),
        options: CopyOptions(ifExists: .rename))
      #expect(renamed.destination.key == ObjectKey("b (1)"))
      #expect(try await fixture.keys() == ["a/source", "b", "b (1)"])
      #expect(try await fixture.rows().map(\.action) == [.copy])
    }
    try await ServerFixture.with(isReadOnly: true) { fixture in
      let error = await Self.failure {
        try await fixture.service.copy(fixture.location("a"), to: fixture.location("b"))
      }
      #expect(error?.kind == .readOnly)
      #expect(fixture.transport.sent.isEmpty)
    }
  }

  // MARK: - Prefixes

  @Test("What begins with a prefix is moved, each with rows of its own, and nothing else")
  func prefixes() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("foo/a", "foo/b/c", "foobar/x", "other")
      let outcomes = Outcomes()
      try await fixture.service.copyAll(
        ObjectKey("foo/"), in: fixture.bucket, base: 4, to: fixture.location("new/"),
        isMove: true, options: CopyOptions(objectsAtOnce: 2)
      ) { await outcomes.add($0) }
      #expect(try await fixture.keys() == ["foobar/x", "new/a", "new/b/c", "other"])
      #expect(await outcomes.succeeded == 2)
      #expect(try await fixture.rows(.copy).count == 2)
      #expect(try await fixture.rows(.delete).count == 2)
    }
  }

  @Test(
    "What would take the place of another source stays, and no source is lost",
    arguments: [true, false])
  func ontoSources(isMove: Bool) async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("q/q/q/x", content: [1])
      try await fixture.put("q/q/x", content: [2])
      let outcomes = Outcomes()
      try await fixture.service.copyAll(
        ObjectKey("q/q/"), in: fixture.bucket, base: 4, to: fixture.location("q/"),
        isMove: isMove, options: CopyOptions(ifExists: .overwrite)
      ) { await outcomes.add($0) }
      #expect(await outcomes.failed == [ObjectKey("q/q/q/x")])
      let rest = isMove ? ["q/q/q/x", "q/x"] : ["q/q/q/x", "q/q/x", "q/x"]
      #expect(try await fixture.keys() == rest)
      let copy = try await fixture.service.details(fixture.location("q/x"))
      #expect(copy.etag?.text == "9e688c58a5487b8eaf69c9e1005ad0bf")
    }
  }

  @Test("One that fails does not hold up the others")
  func oneFails() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("p/a", "p/b", "p/c")
      fixture.transport.changeAnswers { request, response in
        guard request.isCopy, request.key == ObjectKey("q/b") else { return response }
        return .refusal(403, "AccessDenied")
      }
      let outcomes = Outcomes()
      try await fixture.service.copyAll(
        ObjectKey("p/"), in: fixture.bucket, base: 2, to: fixture.location("q/"), isMove: true
      ) { await outcomes.add($0) }
      #expect(await outcomes.succeeded == 2)
      #expect(await outcomes.failed == [ObjectKey("p/b")])
      let keys = Set(try await fixture.keys())
      #expect(keys.isSuperset(of: ["p/b", "q/a", "q/c"]) && !keys.contains("p/a"))
    }
  }

  private actor Outcomes {
    private(set) var succeeded = 0
    private(set) var failed: [ObjectKey] = []

    func add(_ outcome: CopyOutcome) {
      switch outcome.result {
      case .success: succeeded += 1
      case .failure: failed.append(outcome.source.key)
      }
    }
  }

  private static func failure<Value>(
    _ body: () async throws -> Value
  ) async -> StorageError? {
    do {
      _ = try await body()
      return nil
    } catch {
      return error as? StorageError
    }
  }
}
