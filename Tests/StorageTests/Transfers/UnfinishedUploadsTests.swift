import HTTP
import History
import S3
import Storage
import SystemPackage
import Testing

@Suite("Uploads on the server that are not finished")
struct UnfinishedUploadsTests {
  private static func journal(_ fixture: ServerFixture) -> TransferJournal {
    TransferJournal(openingAtFirstUse: fixture.local.path.appending("state/transfers.sqlite"))
  }

  /// An upload of which the server has one part, as a process left it that has died.
  private static func leave(
    _ fixture: ServerFixture, _ key: String, from source: JournalUpload.Source = .stream
  ) async throws -> JournalUpload {
    let location = fixture.location(key)
    let id = try await fixture.outside.createMultipartUpload(
      location, attributes: ObjectAttributes()
    ).uploadID
    _ = try await fixture.outside.uploadPart(
      location, uploadID: id, partNumber: PartNumber(1), body: .bytes([1, 2, 3]), progress: nil)
    let upload = JournalUpload(
      endpoint: fixture.outside.endpoint.description, location: location, uploadID: id,
      source: source)
    var dead = Author.current()
    dead.processStart += 1
    try await journal(fixture).begin(upload, for: dead)
    return upload
  }

  /// Stops at the second part until the gate opens.
  private static func hold(_ fixture: ServerFixture) -> Gate {
    let gate = Gate()
    fixture.transport.beforeEach { request in
      if SentRequest(request).query["partNumber"] == "2" { await gate.pass() }
    }
    return gate
  }

  private static func expectUnderWay(
    _ fixture: ServerFixture, from source: JournalUpload.Source
  ) async throws {
    let other = fixture.nextRun()
    let found = try #require(try await other.unfinishedUploads(in: fixture.bucket).first)
    #expect(found.known?.source == source && found.size != nil)
    #expect(found.known?.holder == JournalLease(.current(user: "ana")))
    // Also for one who saw it before anybody here knew of it.
    var unknown = found
    unknown.known = nil
    for upload in [found, unknown] {
      let error = await #expect(throws: StorageError.self) { try await other.abort(upload) }
      #expect(error?.kind == .inUse)
    }
    #expect(try await fixture.uploads().map(\.uploadID) == [found.uploadID])
  }

  @Test("A stream that another process uploads is known as such and not given up")
  func stream() async throws {
    try await ServerFixture.with { fixture in
      let gate = Self.hold(fixture)
      let service = fixture.nextRun()
      let stream = try FileDescriptor.open(try fixture.file("up", size: 11 << 20), .readOnly)
      defer { try? stream.close() }
      async let upload = service.upload(
        from: stream, to: fixture.location("up"), partSize: .mebibytes(5))
      await gate.arrived()
      try await Self.expectUnderWay(fixture, from: .stream)
      gate.open()
      #expect(try await upload.size == .mebibytes(11))
      #expect(try await Self.journal(fixture).uploads().isEmpty)
      #expect(try await service.unfinishedUploads(in: fixture.bucket).isEmpty)
    }
  }

  @Test("A copy in parts that another process makes is known as such and not given up")
  func copy() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("source", content: ServerFixture.bytes(11 << 20))
      let gate = Self.hold(fixture)
      let service = fixture.nextRun()
      async let copy = service.copy(
        fixture.location("source"), to: fixture.location("copy"),
        options: CopyOptions(multipartThreshold: .mebibytes(5)))
      await gate.arrived()
      try await Self.expectUnderWay(fixture, from: .copy(of: fixture.location("source")))
      gate.open()
      #expect(try await copy.size == .mebibytes(11))
      #expect(try await Self.journal(fixture).uploads().isEmpty)
    }
  }

  @Test(
    "One that fails is forgotten once it is aborted, else it is nobody's", arguments: [true, false])
  func failing(isAborted: Bool) async throws {
    try await ServerFixture.with { fixture in
      fixture.transport.answerInPlace { request in
        guard request.query["partNumber"] == "2" || (request.isAbortUpload && !isAborted) else {
          return nil
        }
        return .refusal(403, "AccessDenied")
      }
      try await fixture.put("source", content: ServerFixture.bytes(11 << 20))
      let service = fixture.nextRun()
      let stream = try FileDescriptor.open(try fixture.file("up", size: 11 << 20), .readOnly)
      defer { try? stream.close() }
      await #expect(throws: StorageError.self) {
        try await service.upload(
          from: stream, to: fixture.location("up"), partSize: .mebibytes(5))
      }
      await #expect(throws: StorageError.self) {
        try await service.copy(
          fixture.location("source"), to: fixture.location("copy"),
          options: CopyOptions(multipartThreshold: .mebibytes(5)))
      }
      let left = try await Self.journal(fixture).uploads()
      #expect(left.map(\.state) == (isAborted ? [] : [.stopped, .stopped]))
      #expect(try await fixture.uploads().count == left.count)
      fixture.transport.answerInPlace { _ in nil }
      for upload in try await service.unfinishedUploads(in: fixture.bucket) {
        try await service.abort(upload)
      }
      #expect(try await fixture.uploads().isEmpty)
      #expect(try await Self.journal(fixture).uploads().isEmpty)
    }
  }

  /// The server says that the keys of its answer are encoded, and they are not.
  @Test(
    "An upload is found where its key stands in the answer", arguments: ["a+b", "100%41", "ü b"])
  func spelling(key: String) async throws {
    try await ServerFixture.with { fixture in
      func begin() async throws -> UploadID {
        let location = fixture.location(key)
        let upload = try await fixture.outside.createMultipartUpload(
          location, attributes: ObjectAttributes())
        _ = try await fixture.outside.uploadPart(
          location, uploadID: upload.uploadID, partNumber: PartNumber(1), body: .bytes([1, 2, 3]),
          progress: nil)
        return upload.uploadID
      }
      let id = try await begin()
      let service = fixture.nextRun()
      let found = try await service.unfinishedUploads(in: fixture.bucket)
      #expect(found.map(\.uploadID) == [id] && found.first?.size == ByteCount(3))
      #expect(found.map(\.location) == [fixture.location(key)])
      for upload in found { try await service.abort(upload) }
      #expect(try await fixture.uploads().isEmpty)
      // This user's own are known by the same key.
      _ = try await Self.leave(fixture, key)
      let known = try #require(try await service.unfinishedUploads(in: fixture.bucket).first)
      #expect(known.known != nil && known.location == fixture.location(key))
      try await service.abort(known)
      _ = try await begin()
      _ = try await service.emptyAndRemoveBucket(fixture.bucket)
      let aborted = try await fixture.rows(.abortUpload)
      #expect(aborted.map(\.key) == [ObjectKey(key), ObjectKey(key), ObjectKey(key)])
    }
  }

  @Test("What a dead process left is listed with its size, and forgotten when it is given up")
  func dead() async throws {
    try await ServerFixture.with { fixture in
      let left = try await Self.leave(fixture, "a")
      let service = fixture.nextRun()
      let found = try #require(try await service.unfinishedUploads(in: fixture.bucket).first)
      #expect(found.uploadID == left.uploadID && found.size == ByteCount(3) && found.parts == 1)
      #expect(found.known?.source == .stream && found.known?.holder == nil)
      try await service.abort(found)
      #expect(try await fixture.uploads().isEmpty)
      #expect(try await Self.journal(fixture).uploads().isEmpty)
      #expect(try await fixture.rows().map(\.action) == [.abortUpload])
    }
  }

  @Test("What a dead process left is forgotten once the server has it no longer")
  func gone() async throws {
    try await ServerFixture.with { fixture in
      let left = try await Self.leave(fixture, "a")
      let kept = try await Self.leave(fixture, "b")
      try await fixture.outside.abortMultipartUpload(left.location, uploadID: left.uploadID)
      let service = fixture.nextRun()
      // A part of the bucket says nothing about the rest of it.
      _ = try await service.unfinishedUploads(in: fixture.bucket, prefix: ObjectKey("b"))
      #expect(try await Self.journal(fixture).uploads().count == 2)
      _ = try await service.unfinishedUploads(in: fixture.bucket)
      #expect(try await Self.journal(fixture).uploads().map(\.uploadID) == [kept.uploadID])
      try await fixture.outside.abortMultipartUpload(kept.location, uploadID: kept.uploadID)
      try await fixture.outside.deleteBucket(fixture.bucket, expectedOwner: nil)
      await #expect(throws: StorageError.self) {
        try await service.unfinishedUploads(in: fixture.bucket)
      }
      #expect(try await Self.journal(fixture).uploads().isEmpty)
    }
  }

  @Test("One that ends while it is looked at is not shown")
  func ended() async throws {
    try await ServerFixture.with { fixture in
      _ = try await Self.leave(fixture, "a")
      fixture.transport.changeAnswers { request, response in
        guard request.method == .get, request.query["uploadId"] != nil else { return response }
        return .refusal(404, "NoSuchUpload")
      }
      #expect(try await fixture.nextRun().unfinishedUploads(in: fixture.bucket).isEmpty)
    }
  }

  @Test("Nothing is given up on another server, or read-only")
  func elsewhere() async throws {
    try await ServerFixture.with(isReadOnly: true) { fixture in
      let left = try await Self.leave(fixture, "a")
      let error = await #expect(throws: StorageError.self) {
        try await fixture.service.abort(UnfinishedUpload(left))
      }
      #expect(error?.kind == .readOnly)
      var other = left
      other.endpoint = "http://127.0.0.1:1"
      let refusal = await #expect(throws: StorageError.self) {
        try await fixture.nextRun().abort(UnfinishedUpload(other))
      }
      #expect(refusal?.kind == .invalidRequest)
      #expect(try await fixture.uploads().count == 1)
    }
  }
}
