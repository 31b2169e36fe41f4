import HTTP
import History
import S3
import Storage
import Synchronization
import SystemPackage
import Testing

@Suite("Settling changes of dead processes")
struct SettlerTests {
  /// A process that cannot run: of another boot.
  private static var dead: Author {
    var author = Author.current(user: "ana")
    author.bootID = "00000000-0000-0000-0000-000000000000"
    return author
  }

  /// Records a change as a process did that died before it had an answer.
  @discardableResult
  private func leave(
    _ action: ChangeAction, _ key: String?, in fixture: ServerFixture, author: Author = dead,
    versionID: VersionID? = nil, file: FilePath? = nil, size: Int64? = nil,
    endpoint: String? = nil, at startedAt: Timestamp = .now()
  ) async throws -> ChangeID {
    let draft = ChangeDraft(
      Change(
        action, bucket: fixture.bucket, key: key.map { ObjectKey($0) }, versionID: versionID,
        size: size.map { ByteCount($0) }, localPath: file),
      author: author, accessKeyID: nil,
      endpoint: endpoint ?? fixture.outside.endpoint.description, startedAt: startedAt)
    return try #require(try await fixture.history.begin([draft]).first)
  }

  private func settle(_ fixture: ServerFixture) async throws -> [SettledChange] {
    let settled = Mutex<[SettledChange]>([])
    _ = try await fixture.service.settle { change in settled.withLock { $0.append(change) } }
    return settled.withLock { $0 }
  }

  @Test("An upload is done when the object has the checksum of the unchanged file")
  func provenUpload() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up", size: 1000)
      try await leave(.upload, "up", in: fixture, file: file, size: 1000)
      try await fixture.put("up", content: ServerFixture.bytes(1000))
      #expect(try await settle(fixture).map(\.verdict) == [.done(.checksum)])
      let row = try #require(try await fixture.rows().first)
      #expect(row.outcome == .done && row.etag != nil && row.checksum != nil)
      #expect(row.size == ByteCount(1000))
      #expect(try await settle(fixture).isEmpty)
    }
  }

  @Test("An upload stays in doubt while nothing proves it")
  func unprovenUploads() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up", size: 1000)
      let later = Timestamp.now().advanced(by: .seconds(3600))
      try await leave(.upload, "missing", in: fixture, file: file, size: 1000)
      try await leave(.upload, "other", in: fixture, file: file, size: 1000)
      try await leave(.upload, "longer", in: fixture, file: file, size: 1000)
      try await leave(.upload, "older", in: fixture, file: file, size: 1000, at: later)
      try await leave(.upload, "gone", in: fixture, file: "/nowhere/up", size: 1000)
      try await leave(.upload, "unknown", in: fixture, size: 1000)
      let bytes = ServerFixture.bytes(1000)
      try await fixture.put("older", "gone", "unknown", content: bytes)
      try await fixture.put("other", content: ServerFixture.bytes(1000, seed: 2))
      try await fixture.put("longer", content: bytes + [0])
      #expect(
        try await settle(fixture).map(\.verdict) == [
          .interrupted(.absent), .interrupted(.otherContent), .interrupted(.otherContent),
          .interrupted(.unchanged), .interrupted(.sourceChanged), .interrupted(.notProvable),
        ])
      #expect(
        Set(try await fixture.rows().compactMap(\.errorCode)) == [
          "Absent", "OtherContent", "Unchanged", "SourceChanged", "NotProvable",
        ])
    }
  }

  @Test("A file that was written to after the upload began proves nothing")
  func changedSource() async throws {
    try await ServerFixture.with { fixture in
      let before = Timestamp.now().advanced(by: .seconds(-1))
      let file = try fixture.file("up", size: 1000)
      try await leave(.upload, "up", in: fixture, file: file, size: 1000, at: before)
      try await fixture.put("up", content: ServerFixture.bytes(1000))
      #expect(try await settle(fixture).map(\.verdict) == [.interrupted(.sourceChanged)])
    }
  }

  @Test("An object that a later upload of the history made is no proof of the earlier one")
  func rival() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up", size: 1000)
      try await leave(.upload, "up", in: fixture, file: file, size: 1000)
      _ = try await fixture.service.upload(file, to: fixture.location("up"))
      #expect(try await settle(fixture).map(\.verdict) == [.interrupted(.otherWriter)])
      #expect(try await fixture.rows().map(\.outcome) == [.done, .interrupted])
    }
  }

  @Test("An upload that ended before is no rival")
  func earlierUpload() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up", size: 1000)
      _ = try await fixture.service.upload(file, to: fixture.location("up"))
      try await leave(.upload, "up", in: fixture, file: file, size: 1000)
      try await fixture.put("up", content: ServerFixture.bytes(1000))
      #expect(try await settle(fixture).map(\.verdict) == [.done(.checksum)])
    }
  }

  @Test("A file in parts is known by its ETag where the server keeps no checksum")
  func etagOfParts() async throws {
    try await ServerFixture.with { fixture in
      let size = 6 << 20
      let file = try fixture.file("up", size: size)
      try await leave(.upload, "up", in: fixture, file: file, size: Int64(size))
      // With a history of its own, since a row in this one would be a rival.
      try await ServerFixture.with { other in
        _ = try await S3Service(
          interactive: other.outside, transfers: other.outside, history: other.history,
          author: .current(), settings: .small
        ).upload(file, to: fixture.location("up"))
      }
      fixture.transport.changeAnswers { _, answer in answer.without("x-amz-checksum-crc64nvme") }
      #expect(try await settle(fixture).map(\.verdict) == [.done(.etag)])
    }
  }

  @Test("The deletion of a version is done when the version is gone, a plain one never")
  func deletions() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.outside.setVersioning(fixture.bucket, isEnabled: true)
      try await fixture.put("a", "a", "b")
      let versions = try await fixture.outside.listObjectVersions(
        bucket: fixture.bucket, prefix: ObjectKey("a"), delimiter: nil, after: nil
      ).versions.map(\.versionID)
      try #require(versions.count == 2)
      try await leave(.delete, "a", in: fixture, versionID: versions[0])
      try await leave(.delete, "a", in: fixture, versionID: versions[1])
      try await leave(.delete, "b", in: fixture)
      try await leave(.delete, "c", in: fixture)
      var location = fixture.location("a")
      location.versionID = versions[0]
      _ = try await fixture.outside.deleteObject(location)
      #expect(
        try await settle(fixture).map(\.verdict) == [
          .done(.version), .interrupted(.unchanged), .interrupted(.unchanged),
          .interrupted(.notProvable),
        ])
    }
  }

  @Test("Buckets and unfinished uploads are asked for")
  func bucketsAndUploads() async throws {
    try await ServerFixture.with { fixture in
      _ = try await fixture.outside.createMultipartUpload(
        fixture.location("half"), attributes: ObjectAttributes())
      let later = Timestamp.now().advanced(by: .seconds(60))
      try await leave(.abortUpload, "half", in: fixture, at: later)
      try await leave(.abortUpload, "hal", in: fixture)
      try await leave(.createBucket, nil, in: fixture)
      try await leave(.deleteBucket, nil, in: fixture)
      #expect(
        try await settle(fixture).map(\.verdict) == [
          .interrupted(.unchanged), .done(.uploadID), .interrupted(.notProvable),
          .interrupted(.unchanged),
        ])
    }
  }

  @Test("Living processes, other hosts and other endpoints are left alone")
  func others() async throws {
    try await ServerFixture.with { fixture in
      var elsewhere = Self.dead
      elsewhere.host = "another.example"
      var somebody = Self.dead
      somebody.loginUID += 1
      try await leave(.upload, "a", in: fixture, author: .current())
      try await leave(.upload, "a", in: fixture, author: elsewhere)
      try await leave(.upload, "a", in: fixture, author: somebody)
      try await leave(.upload, "a", in: fixture, endpoint: "http://elsewhere.example")
      let summary = try await fixture.service.settle()
      #expect(summary.settled == 0 && summary.elsewhere == 1)
      #expect(try await fixture.rows().allSatisfy { $0.outcome == .started })
    }
  }

  @Test("A dry run decides and records nothing")
  func dryRun() async throws {
    try await ServerFixture.with { fixture in
      try await leave(.upload, "a", in: fixture)
      #expect(try await fixture.service.settle(isDryRun: true).interrupted == 1)
      #expect(try await fixture.rows().map(\.outcome) == [.started])
    }
  }

  @Test("Rows stay open while the server cannot be asked, and are asked for once")
  func unreachable() async throws {
    let once = RetryPolicy(maxAttempts: 1, base: .zero, cap: .zero, deadline: .seconds(60))
    try await ServerFixture.with(retryPolicy: once) { fixture in
      for _ in 0..<40 { try await leave(.upload, "a", in: fixture) }
      fixture.transport.afterEach { _ async throws(HTTPError) in
        throw .connectionLost(reason: "reset by the test")
      }
      let summary = try await fixture.service.settle()
      #expect(summary.open == 40 && summary.settled == 0)
      #expect(fixture.transport.sent.count <= SettlingLimits.all.questionsAtOnce)
      #expect(try await fixture.rows().allSatisfy { $0.outcome == .started })
    }
  }

  @Test("Several who settle at once give each change one outcome")
  func race() async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<150 { try await leave(.delete, "k\(number)", in: fixture) }
      let settled = try await withThrowingTaskGroup(of: Int.self) { tasks in
        for _ in 0..<4 { tasks.addTask { try await fixture.service.settle().settled } }
        return try await tasks.reduce(0, +)
      }
      #expect(settled == 150)
      #expect(try await fixture.history.verify().outcomes == 150)
    }
  }
}

extension HTTPResponse {
  fileprivate func without(_ name: String) -> HTTPResponse {
    var answer = self
    answer.head.headers.removeAll { $0.name.lowercased() == name }
    return answer
  }
}
