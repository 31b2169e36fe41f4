import HTTP
import History
import S3
import Storage
import SystemPackage
import Testing

@Suite("Transfer control")
struct TransferControlTests {
  private static let mebibyte = 1 << 20

  private func state(
    of id: TransferID, _ fixture: ServerFixture
  ) async -> TransferStatus.State? {
    await fixture.service.transfers.status().first { $0.id == id }?.state
  }

  @Test(
    "A paused download keeps what has arrived, and goes on from there", .timeLimit(.minutes(5)))
  func pauseDownload() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("big.bin", content: ServerFixture.bytes(11 * Self.mebibyte))
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if request.headers["Range"]?.hasPrefix("bytes=10485760-") == true { await gate.pass() }
      }
      let answers = AsyncStream.makeStream(of: Void.self)
      fixture.transport.afterEach { request in
        if request.headers["Range"] != nil { answers.continuation.yield() }
      }
      let engine = fixture.service.transfers
      let id = try #require(
        await engine.enqueue([
          .download(
            fixture.location("big.bin"), into: fixture.local.path.appending("down"),
            ifExists: .overwrite)
        ]).first)
      await gate.arrived()
      for await _ in answers.stream.prefix(2) {}
      await engine.pause(id)
      #expect(await state(of: id, fixture) == .paused)
      gate.open()
      #expect(try fixture.localNames().contains { $0.hasSuffix(".part") })

      await engine.resume(id)
      _ = try await engine.result(of: id)
      #expect(try fixture.bytes("down/big.bin") == ServerFixture.bytes(11 * Self.mebibyte))
      // Each range but the last, which was given up before it was sent, was asked for once.
      let ranges = fixture.transport.sent.filter {
        $0.method == .get && $0.key == ObjectKey("big.bin")
      }
      #expect(ranges.count == 3)
    }
  }

  @Test(
    "One whose body is a single one moves nothing while it is paused, and begins anew after it",
    .timeLimit(.minutes(5)), arguments: [HTTPMethod.put, .get])
  func pauseWhole(method: HTTPMethod) async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up.bin", size: Self.mebibyte)
      if method == .get {
        try await fixture.put("one", content: ServerFixture.bytes(Self.mebibyte))
      }
      let gate = Gate()
      let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
      fixture.transport.beforeEach { request in
        guard request.method == method else { return }
        arrived.yield()
        await gate.pass()
      }
      let engine = fixture.service.transfers
      let id = try #require(
        await engine.enqueue([
          method == .put
            ? .upload(file, to: fixture.location("one"), attributes: .init(), ifExists: .overwrite)
            : .download(
              fixture.location("one"), into: fixture.local.path.appending("down"),
              ifExists: .overwrite)
        ]).first)
      await gate.arrived()
      await engine.pause(id)
      #expect(await state(of: id, fixture) == .paused)
      await engine.resume(id)
      // The one that was under way, and the one after it.
      for await _ in arrivals.prefix(2) {}
      gate.open()
      _ = try await engine.result(of: id)
      let bytes = ServerFixture.bytes(Self.mebibyte)
      if method == .get { #expect(try fixture.bytes("down/one") == bytes) }
      let rows = try await fixture.rows(.upload)
      #expect(rows.map(\.outcome) == (method == .put ? [.done] : []))
    }
  }

  @Test(
    "One whose body has left entirely is not sent again after a pause", .timeLimit(.minutes(5)))
  func pauseAfterBody() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up.bin", size: Self.mebibyte)
      let gate = Gate()
      fixture.transport.afterEach { (request) async throws(HTTPError) in
        guard request.method == .put else { return }
        await gate.pass()
        if Task.isCancelled { throw .cancelled }
      }
      let engine = fixture.service.transfers
      let id = try #require(
        await engine.enqueue([
          .upload(file, to: fixture.location("one"), attributes: .init(), ifExists: .fail)
        ]).first)
      await gate.arrived()
      await engine.pause(id)
      // A request that is given up gets a second to be answered.
      try await Task.sleep(for: .milliseconds(1_500))
      await engine.resume(id)
      gate.open()
      _ = try await engine.result(of: id)
      #expect(fixture.transport.sentChanges.count == 1)
      #expect(try await fixture.rows(.upload).map(\.outcome) == [.done])
    }
  }

  @Test(
    "One that waits for a busy server is in nobody's way, and is kept when all is stopped",
    .timeLimit(.minutes(5)), arguments: [1_000, mebibyte])
  func stopWaiting(size: Int) async throws {
    var settings = TransferSettings.small
    settings.concurrentRequests = 1
    settings.patience = .seconds(60)
    let once = RetryPolicy(maxAttempts: 1, base: .zero, cap: .zero, deadline: .zero)
    try await ServerFixture.with { fixture in
      let refusals = AsyncStream.makeStream(of: Void.self)
      fixture.transport.answerInPlace { request in
        guard request.method == .put, request.key == ObjectKey("busy") else { return nil }
        refusals.continuation.yield()
        return HTTPResponse(
          head: HTTPResponseHead(status: 503, headers: [HTTPHeader("Retry-After", "30")]))
      }
      let file = try fixture.file("up.bin", size: size)
      let engine = fixture.nextRun(settings: settings, retryPolicy: once).transfers
      func upload(_ key: String) async throws -> TransferID {
        let request = TransferRequest.upload(
          file, to: fixture.location(key), attributes: .init(), size: ByteCount(Int64(size)),
          ifExists: .overwrite)
        return try #require(await engine.enqueue([request]).first)
      }
      // Nobody waits for a server that has never answered.
      _ = try await engine.result(of: upload("first"))
      _ = try await upload("busy")
      for await _ in refusals.stream.prefix(1) {}
      _ = try await engine.result(of: upload("other"))
      #expect(fixture.transport.sentChanges.map(\.key.text) == ["first", "busy", "other"])
      #expect(await engine.stopResumably() == StoppedTransfers(kept: 1))
    }
  }

  @Test("What waits does not start while it is paused, and others go before it")
  func pauseWaiting() async throws {
    var settings = TransferSettings.small
    settings.concurrentTransfers = 1
    try await ServerFixture.with(settings: settings) { fixture in
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if request.method == .put { await gate.pass() }
      }
      let engine = fixture.service.transfers
      let ids = try await enqueue(["one", "two", "three"], fixture)
      await gate.arrived()
      await engine.pause(ids[1])
      #expect(await engine.status().map(\.state) == [.running, .paused, .waiting])
      gate.open()
      _ = try await engine.result(of: ids[2])
      #expect(await state(of: ids[1], fixture) == .paused)
      await engine.resume(ids[1])
      _ = try await engine.result(of: ids[1])
      #expect(try await fixture.keys() == ["one", "three", "two"])
    }
  }

  /// Begins a large download, whose last range waits at the gate.
  private func downloadHeld(at gate: Gate, _ fixture: ServerFixture) async throws -> TransferID {
    try await fixture.put("big.bin", content: ServerFixture.bytes(11 * Self.mebibyte))
    fixture.transport.beforeEach { request in
      if request.headers["Range"]?.hasPrefix("bytes=10485760-") == true { await gate.pass() }
    }
    let id = try #require(
      await fixture.service.transfers.enqueue([
        .download(
          fixture.location("big.bin"), into: fixture.local.path.appending("down"),
          ifExists: .overwrite)
      ]).first)
    await gate.arrived()
    return id
  }

  @Test("One that is paused while it runs makes room for another, and can be cancelled")
  func pauseMakesRoom() async throws {
    var settings = TransferSettings.small
    settings.concurrentTransfers = 1
    try await ServerFixture.with(settings: settings) { fixture in
      let gate = Gate()
      let engine = fixture.service.transfers
      let first = try await downloadHeld(at: gate, fixture)
      let second = try await enqueue(["two"], fixture)
      await engine.pause(first)
      _ = try await engine.result(of: second[0])
      await engine.cancel(first)
      await #expect(throws: StorageError.self) { try await engine.result(of: first) }
      #expect(await state(of: first, fixture) == .cancelled)
      #expect(try !fixture.localNames().contains { $0.hasSuffix(".part") })
    }
  }

  @Test(
    "A file that needs no parts any more and is given up takes those of before along, or keeps them",
    arguments: [true, false])
  func givenUpWithoutParts(isAborted: Bool) async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up", size: 11 * Self.mebibyte)
      let request = TransferRequest.upload(
        file, to: fixture.location("up"), attributes: ObjectAttributes(), ifExists: .overwrite)
      let parts = Gate()
      fixture.transport.beforeEach {
        if SentRequest($0).query["partNumber"] != nil { await parts.pass() }
      }
      try await leave(request, fixture) { await parts.arrived() }
      parts.open()
      #expect(try await fixture.uploads().count == 1)

      _ = try fixture.file("up", size: 1000)
      if !isAborted {
        fixture.transport.answerInPlace {
          $0.isAbortUpload ? .refusal(403, "AccessDenied") : nil
        }
      }
      try await cancel(request, at: .put, fixture)
      let left = isAborted ? 0 : 1
      #expect(try await fixture.uploads().count == left)
      #expect(try await fixture.nextRun().unfinishedTransfers().count == left)
    }
  }

  @Test("An object that needs no ranges any more and is given up takes what has arrived along")
  func givenUpWithoutRanges() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("big.bin", content: ServerFixture.bytes(11 * Self.mebibyte))
      let folder = fixture.local.path.appending("down")
      let ranges = Gate()
      fixture.transport.beforeEach {
        if $0.headers["Range"]?.hasPrefix("bytes=10485760-") == true { await ranges.pass() }
      }
      let request = TransferRequest.download(
        fixture.location("big.bin"), into: folder, ifExists: .overwrite)
      try await leave(request, fixture) { await ranges.arrived() }
      ranges.open()
      #expect(try fixture.localNames().contains { $0.hasSuffix(".part") })

      try await fixture.put("big.bin", content: ServerFixture.bytes(1000))
      try await cancel(request, at: .get, fixture)
      #expect(try !fixture.localNames().contains { $0.hasSuffix(".part") })
      #expect(try await fixture.nextRun().unfinishedTransfers().isEmpty)
    }
  }

  /// Has one run stop in the midst of a transfer, to be resumed.
  private func leave(
    _ request: TransferRequest, _ fixture: ServerFixture, at moment: () async -> Void
  ) async throws {
    let service = fixture.nextRun()
    _ = await service.transfers.enqueue([request])
    await moment()
    #expect(await service.transfers.stopResumably() == StoppedTransfers(kept: 1))
  }

  /// Has the next run give the transfer up at its request with a body.
  private func cancel(
    _ request: TransferRequest, at method: HTTPMethod, _ fixture: ServerFixture
  ) async throws {
    let body = Gate()
    fixture.transport.beforeEach { if SentRequest($0).method == method { await body.pass() } }
    let service = fixture.nextRun()
    let id = try #require(await service.transfers.enqueue([request]).first)
    let result = Task {
      // Should it end before that request, nobody waits for it in vain.
      let error = await #expect(throws: StorageError.self) {
        try await service.transfers.result(of: id)
      }
      body.open()
      await body.pass()
      return error
    }
    await body.arrived()
    let state = await service.transfers.status().first { $0.id == id }?.state
    await service.transfers.cancel(id)
    body.open()
    let error = await result.value
    #expect(state == .running, "\(String(describing: error))")
  }

  @Test("A folder moves while as many large files run as may")
  func treeBesideLarge() async throws {
    var settings = TransferSettings.small
    settings.concurrentTransfers = 1
    try await ServerFixture.with(settings: settings) { fixture in
      let gate = Gate()
      let engine = fixture.service.transfers
      let large = try await downloadHeld(at: gate, fixture)
      let file = try fixture.file("small.bin", size: 10)
      let files: [TransferRequest] = ["one", "two"].map {
        .upload(file, to: fixture.location($0), attributes: .init(), ifExists: .overwrite)
      }
      let tree = await engine.enqueue(TransferTree(.list(files)))
      _ = try await engine.result(of: tree)
      #expect(await state(of: large, fixture) == .running)
      #expect(try await fixture.keys() == ["big.bin", "one", "two"])
      gate.open()
      _ = try await engine.result(of: large)
    }
  }

  @Test("Those that wait run in the order in which they were put")
  func move() async throws {
    var settings = TransferSettings.small
    settings.concurrentTransfers = 1
    try await ServerFixture.with(settings: settings) { fixture in
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if request.method == .put { await gate.pass() }
      }
      let engine = fixture.service.transfers
      let ids = try await enqueue(["one", "two", "three", "four"], fixture)
      await gate.arrived()
      await engine.move(ids[3], by: -1)
      #expect(await engine.status().map(\.id) == [ids[0], ids[1], ids[3], ids[2]])
      await engine.move(ids[1], by: 99)
      #expect(await engine.status().map(\.id) == [ids[0], ids[3], ids[2], ids[1]])
      // One that is tried again is the last of all, once.
      await engine.cancel(ids[3])
      await engine.retry(ids[3])
      #expect(await engine.status().map(\.id) == [ids[0], ids[2], ids[1], ids[3]])
      await engine.move(ids[3], by: -2)
      #expect(await engine.status().map(\.id) == [ids[0], ids[3], ids[2], ids[1]])
      // One that runs keeps its place.
      await engine.move(ids[0], by: 1)
      await engine.move(ids[3], by: -1)
      #expect(await engine.status().map(\.id) == [ids[0], ids[3], ids[2], ids[1]])
      gate.open()
      for id in ids { _ = try await engine.result(of: id) }
      #expect(fixture.transport.sentChanges.map(\.key.text) == ["one", "four", "three", "two"])
    }
  }

  @Test("All together are as far as their sums, and tell no time that is not known")
  func overview() {
    func status(
      _ id: Int, moved: Int64, of total: Int64?, rate: Double, _ state: TransferStatus.State
    ) -> TransferStatus {
      TransferStatus(
        id: TransferID(id), direction: .upload, name: [],
        location: ObjectLocation(bucket: BucketName("b"), key: ObjectKey("k")), localPath: "/f",
        total: total.map { ByteCount($0) }, moved: ByteCount(moved), rate: rate, state: state)
    }
    let running = status(1, moved: 50, of: 150, rate: 10, .running)
    let waiting = status(2, moved: 0, of: 100, rate: 0, .waiting)
    let over = status(3, moved: 7, of: 7, rate: 0, .cancelled)
    let overview = TransferOverview([running, waiting, over])
    #expect(overview.unfinished == 2 && overview.moved == ByteCount(50))
    #expect(overview.total == ByteCount(250) && overview.timeLeft == .seconds(20))
    let unknown = status(4, moved: 0, of: nil, rate: 0, .waiting)
    #expect(TransferOverview([running, unknown]).total == nil)
    #expect(TransferOverview([running, unknown]).timeLeft == nil)
    #expect(TransferOverview([waiting]).timeLeft == nil)
    #expect(TransferOverview([over]).total == nil)
  }

  private func enqueue(
    _ names: [String], _ fixture: ServerFixture
  ) async throws -> [TransferID] {
    let file = try fixture.file("up.bin", size: 100)
    return await fixture.service.transfers.enqueue(
      names.map {
        .upload(file, to: fixture.location($0), attributes: .init(), ifExists: .overwrite)
      })
  }
}
