import HTTP
import History
import S3
import Storage
import SystemPackage
import Testing

@Suite("Lost answers")
struct LostAnswerTests {
  private static let once = RetryPolicy(
    maxAttempts: 1, base: .zero, cap: .zero, deadline: .seconds(60))
  private static let twice = RetryPolicy(
    maxAttempts: 2, base: .zero, cap: .zero, deadline: .seconds(60))

  /// Loses the answers of all requests that `isChosen` takes.
  private func loseAnswers(
    _ fixture: ServerFixture, where isChosen: @escaping @Sendable (SentRequest) -> Bool
  ) {
    fixture.transport.afterEach { (request) async throws(HTTPError) in
      if isChosen(SentRequest(request)) { throw .connectionLost(reason: "reset by the test") }
    }
  }

  @Test("A deletion whose answer is lost is neither done nor failed: nobody knows")
  func deletion() async throws {
    try await ServerFixture.with(retryPolicy: Self.once) { fixture in
      try await fixture.put("p/a", "p/b")
      loseAnswers(fixture) { $0.query["delete"] != nil }
      let report = try await fixture.service.delete(
        [.prefix(ObjectKey("p/"))], in: fixture.bucket, confirmedAt: .now())
      #expect(report.deleted == 0 && report.failed == 2)
      #expect(report.failures.map(\.code) == ["ConnectionLost", "ConnectionLost"])
      #expect(report.stoppedBy?.kind == .connection)
      #expect(try await fixture.keys().isEmpty)
      let rows = try await fixture.rows()
      #expect(rows.map(\.outcome) == [.interrupted, .interrupted])
    }
  }

  @Test("An upload whose answer is lost once is sent again and done")
  func uploadSentAgain() async throws {
    try await ServerFixture.with(retryPolicy: Self.twice) { fixture in
      let losses = Countdown(1)
      loseAnswers(fixture) { $0.method == .put && losses.next() }
      let file = try fixture.file("up", size: 100)
      let result = try await fixture.service.upload(file, to: fixture.location("up"))
      #expect(result.size == ByteCount(100))
      #expect(fixture.transport.sentChanges.count == 2)
      #expect(try await fixture.rows().map(\.outcome) == [.done])
    }
  }

  @Test(
    "What an upload may have stored stays in doubt when a later try is refused",
    .timeLimit(.minutes(5)), arguments: [100, 1 << 20])
  func uploadRefusedLater(size: Int) async throws {
    try await ServerFixture.with { fixture in
      var settings = TransferSettings.small
      settings.patience = .seconds(60)
      let engine = fixture.nextRun(settings: settings, retryPolicy: Self.once).transfers
      let file = try fixture.file("up", size: size)
      func upload(_ key: String) async throws -> TransferID {
        let request = TransferRequest.upload(
          file, to: fixture.location(key), attributes: .init(), size: ByteCount(Int64(size)),
          ifExists: .overwrite)
        return try #require(await engine.enqueue([request]).first)
      }
      // Nobody waits for a server that has never answered.
      _ = try await engine.result(of: upload("first"))
      let losses = Countdown(1)
      loseAnswers(fixture) { $0.method == .put && losses.next() }
      let answered = Countdown(1)
      fixture.transport.answerInPlace { request in
        guard request.method == .put, !answered.next() else { return nil }
        return .refusal(403, "AccessDenied")
      }
      let id = try await upload("up")
      await #expect(throws: StorageError.self) { try await engine.result(of: id) }
      #expect(try await fixture.keys() == ["first", "up"])
      let row = try #require(try await fixture.rows().first)
      #expect(row.outcome == .interrupted && row.errorCode == "AccessDenied")
    }
  }

  @Test(
    "What an upload may have stored before a pause stays in doubt",
    .timeLimit(.minutes(5)), arguments: [TransferRequest.ExistingDestination.overwrite, .fail])
  func uploadPaused(ifExists: TransferRequest.ExistingDestination) async throws {
    try await ServerFixture.with(retryPolicy: Self.twice) { fixture in
      let losses = Countdown(1)
      loseAnswers(fixture) { $0.method == .put && losses.next() }
      let gate = Gate()
      let sent = Countdown(1)
      fixture.transport.beforeEach { request in
        if request.method == .put, !sent.next() { await gate.pass() }
      }
      let engine = fixture.service.transfers
      let file = try fixture.file("up", size: 1 << 20)
      let request = TransferRequest.upload(
        file, to: fixture.location("up"), attributes: .init(), ifExists: ifExists)
      let id = try #require(await engine.enqueue([request]).first)
      await gate.arrived()
      await engine.pause(id)
      // With a condition it would be taken for somebody else's object after the pause.
      if ifExists == .overwrite { await engine.cancel(id) }
      await #expect(throws: StorageError.self) { try await engine.result(of: id) }
      #expect(fixture.transport.sentChanges.count == 1)
      #expect(try await fixture.keys() == ["up"])
      #expect(try await fixture.rows().map(\.outcome) == [.interrupted])
    }
  }

  @Test("An upload in parts that was completed without an answer is known by its object")
  func completion() async throws {
    try await ServerFixture.with(retryPolicy: Self.twice) { fixture in
      let losses = Countdown(1)
      loseAnswers(fixture) { $0.isCompleteUpload && losses.next() }
      let file = try fixture.file("up", size: 6 << 20)
      let result = try await fixture.service.upload(file, to: fixture.location("up"))
      #expect(result.size == .mebibytes(6))
      let rows = try await fixture.rows()
      #expect(rows.map(\.outcome) == [.done])
      #expect(rows.first?.checksum == result.checksum)
      #expect(try await fixture.uploads().isEmpty)
    }
  }

  @Test("A copy whose answer is lost is known by what it made", arguments: [false, true])
  func copy(isInParts: Bool) async throws {
    try await ServerFixture.with(retryPolicy: Self.twice) { fixture in
      try await fixture.put("source", content: ServerFixture.bytes(6 << 20))
      @Sendable func isLast(_ request: SentRequest) -> Bool {
        isInParts ? request.isCompleteUpload : request.isCopy
      }
      let losses = Countdown(1)
      loseAnswers(fixture) { isLast($0) && losses.next() }
      // Servers that remember no upload once it is done, and heed conditions on copies.
      let (status, code) = isInParts ? (404, "NoSuchUpload") : (412, "PreconditionFailed")
      fixture.transport.changeAnswers { request, response in
        guard isLast(request) else { return response }
        return .refusal(status, code)
      }
      let result = try await fixture.service.move(
        fixture.location("source"), to: fixture.location("target"),
        options: CopyOptions(
          ifExists: .fail, multipartThreshold: isInParts ? .mebibytes(5) : .gibibytes(5)))
      #expect(result.isMoved && !result.isSkipped)
      #expect(try await fixture.keys() == ["target"])
      #expect(try await fixture.rows().map(\.outcome) == [.done, .done])
      #expect(try await fixture.uploads().isEmpty)
    }
  }

  @Test("An upload in parts that was begun twice is done, and says what may be left")
  func begunTwice() async throws {
    try await ServerFixture.with(retryPolicy: Self.twice) { fixture in
      let losses = Countdown(1)
      loseAnswers(fixture) { $0.isCreateUpload && losses.next() }
      let file = try fixture.file("up", size: 6 << 20)
      let result = try await fixture.service.upload(file, to: fixture.location("up"))
      let warning = try #require(result.warning)
      #expect(
        warning.message
          == "An unfinished multipart upload of s3://\(fixture.bucket)/up may be left on the server"
      )
      #expect(warning.recovery?.hasSuffix("to remove unfinished uploads of up.") == true)
      // It is not aborted by its key, where somebody else's might be.
      #expect(try await fixture.uploads().map(\.key) == [ObjectKey("up")])
      #expect(try await fixture.rows().map(\.outcome) == [.done])
    }
  }

  @Test("A copy in parts that was begun twice is done, and says what may be left")
  func copyBegunTwice() async throws {
    try await ServerFixture.with(retryPolicy: Self.twice) { fixture in
      try await fixture.put("source", content: ServerFixture.bytes(6 << 20))
      let losses = Countdown(1)
      loseAnswers(fixture) { $0.isCreateUpload && losses.next() }
      let result = try await fixture.service.copy(
        fixture.location("source"), to: fixture.location("copy"),
        options: CopyOptions(multipartThreshold: .mebibytes(5)))
      #expect(
        result.warning?.message
          == "An unfinished multipart upload of s3://\(fixture.bucket)/copy may be left on the "
          + "server")
      #expect(try await fixture.uploads().map(\.key) == [ObjectKey("copy")])
      #expect(try await fixture.rows().map(\.outcome) == [.done])
    }
  }

  @Test("An upload in parts whose beginning has no answer says what may be left")
  func begunWithoutAnswer() async throws {
    try await ServerFixture.with(retryPolicy: Self.once) { fixture in
      loseAnswers(fixture, where: \.isCreateUpload)
      let file = try fixture.file("up", size: 6 << 20)
      await #expect {
        _ = try await fixture.service.upload(file, to: fixture.location("up"))
      } throws: { error in
        let error = error as? StorageError
        return error?.kind == .connection
          && error?.message.hasSuffix("an unfinished upload of it may be left on the server")
            == true
          && error?.recovery?.contains("remove unfinished uploads of up.") == true
      }
      #expect(try await fixture.rows().map(\.outcome) == [.failed])
    }
  }

  @Test("A part whose answer never comes ends the upload, which is aborted")
  func part() async throws {
    try await ServerFixture.with(retryPolicy: Self.twice) { fixture in
      loseAnswers(fixture) { $0.query["partNumber"] == "2" }
      let file = try fixture.file("up", size: 11 << 20)
      await #expect {
        _ = try await fixture.service.upload(file, to: fixture.location("up"))
      } throws: { error in
        (error as? StorageError)?.kind == .connection
      }
      let rows = try await fixture.rows()
      #expect(rows.map(\.action) == [.abortUpload, .upload])
      #expect(rows.map(\.outcome) == [.done, .failed])
      #expect(try await fixture.uploads().isEmpty)
      #expect(try await fixture.keys().isEmpty)
    }
  }

  @Test("An abortion that fails is said, and so is what it leaves")
  func abortion() async throws {
    try await ServerFixture.with(retryPolicy: Self.once) { fixture in
      loseAnswers(fixture) { $0.isPart || $0.isAbortUpload }
      let file = try fixture.file("up", size: 6 << 20)
      await #expect {
        _ = try await fixture.service.upload(file, to: fixture.location("up"))
      } throws: { error in
        (error as? StorageError)?.message.hasSuffix("are left on the server") == true
      }
      #expect(try await fixture.rows(.abortUpload).map(\.outcome) == [.interrupted])
    }
  }

  @Test("A listing that hangs ends as soon as it is cancelled")
  func hangingListing() async throws {
    try await ServerFixture.with { fixture in
      let gate = Gate()
      fixture.transport.beforeEach { _ in await gate.pass() }
      let listing = Task {
        try await fixture.service.page(bucket: fixture.bucket, prefix: .empty)
      }
      await gate.arrived()
      listing.cancel()
      await #expect {
        _ = try await listing.value
      } throws: { error in
        (error as? StorageError)?.isCancellation == true
      }
    }
  }
}
