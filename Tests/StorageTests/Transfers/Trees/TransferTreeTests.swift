import Foundation
import Glibc
import HTTP
import History
import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("Transfer tree")
struct TransferTreeTests {
  private func run(
    _ tree: TransferTree, _ fixture: ServerFixture, unread: Int = 2
  ) async -> (id: TransferID, status: TreeStatus, stoppedBy: StorageError?, outcomes: [TreeOutcome])
  {
    let engine = fixture.service.transfers
    let outcomes = TreeOutcomes(limit: unread)
    let id = await engine.enqueue(tree, reporting: outcomes)
    var read: [TreeOutcome] = []
    for await outcome in outcomes { read.append(outcome) }
    let end = await engine.treeEnd(of: id)
    return (id, end.status, end.stoppedBy, read)
  }

  private func upload(
    _ folder: String, to prefix: String, _ fixture: ServerFixture
  ) -> TransferTree {
    TransferTree(
      .upload(
        folder: fixture.local.path.appending(folder), bucket: fixture.bucket,
        prefix: ObjectKey(prefix), attributes: ObjectAttributes()),
      ifExists: .overwrite)
  }

  private func download(
    _ prefix: String, to folder: String, _ fixture: ServerFixture
  ) -> TransferTree {
    TransferTree(
      .download(
        bucket: fixture.bucket, KeySelection(prefix: ObjectKey(prefix)),
        dropping: ObjectKey(prefix), folder: fixture.local.path.appending(folder)),
      ifExists: .overwrite)
  }

  @Test("A listing that is sent again shows before the first file moves", .timeLimit(.minutes(1)))
  func retrying() async throws {
    let policy = RetryPolicy(
      maxAttempts: 3, base: .milliseconds(1), cap: .milliseconds(1), deadline: .seconds(5))
    try await ServerFixture.with(retryPolicy: policy) { fixture in
      try await fixture.put("p/a")
      let (refusals, asked, gate) = (Countdown(1), Countdown(1), Gate())
      fixture.transport.answerInPlace { request in
        request.query["list-type"] != nil && refusals.next() ? .refusal(503, "SlowDown") : nil
      }
      fixture.transport.beforeEach { request in
        guard SentRequest(request).query["list-type"] != nil, !asked.next() else { return }
        await gate.pass()
      }
      let engine = fixture.service.transfers
      let id = await engine.enqueue(download("p/", to: "down", fixture))
      let slowDown = RetryStatus(attempt: 2, of: 3, code: "SlowDown")
      for await statuses in engine.updates() where statuses.first?.state == .retrying(slowDown) {
        break
      }
      gate.open()
      let end = await engine.treeEnd(of: id)
      #expect(end.stoppedBy == nil && end.status.done == 1)
    }
  }

  @Test("A folder goes up as one transfer and comes down as it was, empty folders too")
  func roundTrip() async throws {
    try await ServerFixture.with { fixture in
      let names = ["a/b/c.txt", "a/d.txt", "e.html", "поставка.csv"]
      for name in names { try fixture.local.write("up/\(name)", "content of \(name)") }
      _ = try fixture.local.makeFolder("up/empty/inner")

      let up = await run(upload("up", to: "p/", fixture), fixture)
      #expect(up.stoppedBy == nil)
      #expect(up.status.done == 5 && up.status.failed == 0 && up.status.isComplete)
      #expect(up.status.found == 5)
      #expect(
        try await fixture.keys() == [
          "p/a/b/c.txt", "p/a/d.txt", "p/e.html", "p/empty/inner/", "p/поставка.csv",
        ])
      #expect(
        try await fixture.service.details(fixture.location("p/e.html")).contentType
          == "text/html")
      let rows = try await fixture.rows()
      #expect(rows.count == 5 && rows.allSatisfy { $0.outcome == .done && $0.action == .upload })
      let status = try #require(await fixture.service.transfers.status().first)
      #expect(status.tree == up.status && status.moved == up.status.bytes)
      guard case .finished = status.state else {
        Issue.record("\(status.state)")
        return
      }

      let down = await run(download("p/", to: "down", fixture), fixture)
      #expect(down.stoppedBy == nil && down.status.done == 5)
      for name in names {
        #expect(try fixture.local.content("down/\(name)") == "content of \(name)")
      }
      #expect(try fixture.localNames().contains("down/empty/inner"))
      #expect(try !fixture.localNames().contains { $0.hasSuffix(".part") })
    }
  }

  @Test("What cannot be read is reported, and all else moves")
  func leftOut() async throws {
    try await ServerFixture.with { fixture in
      try fixture.local.write("up/good.txt")
      try fixture.local.write("outside/secret.txt")
      try fixture.local.link("up/away", to: "../outside")
      try fixture.local.link("up/inside", to: "good.txt")
      #expect(mkfifo(fixture.local.path.appending("up/pipe").string, 0o600) == 0)
      let up = await run(upload("up", to: "", fixture), fixture)
      #expect(up.stoppedBy == nil)
      #expect(up.status.done == 2 && up.status.failed == 2)
      #expect(try await fixture.keys() == ["good.txt", "inside"])
      let failures = await fixture.service.transfers.failures(of: up.id)
      #expect(
        failures.compactMap(\.localPath?.lastComponent?.string).sorted() == ["away", "pipe"])
      #expect(up.outcomes.count == 4)
      guard case .failed(let error) = await fixture.service.transfers.status().first?.state else {
        Issue.record("it shows as done")
        return
      }
      #expect(error.kind == .incomplete && error.message.hasPrefix("2 of 4 could not be uploaded"))

      // Tried again, what it has moved is neither moved once more nor in its way.
      let before = fixture.transport.sentChanges.count
      await fixture.service.transfers.retry(up.id)
      let again = await fixture.service.transfers.treeEnd(of: up.id)
      #expect(again.status.done == 2 && again.status.failed == 2)
      #expect(fixture.transport.sentChanges.count == before)

      var all = upload("up", to: "", fixture)
      all.links = .all
      #expect(await run(all, fixture).status.done == 3)
      #expect(try await fixture.keys().contains("away/secret.txt"))
    }
  }

  @Test("Patterns choose what moves")
  func filter() async throws {
    try await ServerFixture.with { fixture in
      for name in ["a.txt", "b.log", "sub/c.log", "sub/keep.log"] {
        try fixture.local.write("up/\(name)")
      }
      var tree = upload("up", to: "p/", fixture)
      tree.filter = KeyFilter([
        .init(KeyPattern("*.log"), isIncluded: false),
        .init(KeyPattern("sub/keep*"), isIncluded: true),
      ])
      #expect(await run(tree, fixture).status.found == 2)
      #expect(try await fixture.keys() == ["p/a.txt", "p/sub/keep.log"])
    }
  }

  @Test("One refusal stops nothing else, and trying again sends that one alone")
  func retry() async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<20 { try fixture.local.write("up/\(number)") }
      fixture.transport.changeAnswers { request, response in
        guard request.method == .put, request.key == ObjectKey("7") else { return response }
        return .refusal(403, "AccessDenied")
      }
      let up = await run(upload("up", to: "", fixture), fixture)
      #expect(up.stoppedBy == nil)
      #expect(up.status.done == 19 && up.status.failed == 1)
      let failed = up.outcomes.filter { if case .failed = $0.end { true } else { false } }
      #expect(failed.map(\.location?.key) == [ObjectKey("7")])

      fixture.transport.changeAnswers { $1 }
      let before = fixture.transport.sentChanges.count
      let engine = fixture.service.transfers
      await engine.retry(up.id)
      _ = try await engine.result(of: up.id)
      #expect(fixture.transport.sentChanges.count == before + 1)
      #expect(await engine.status().first?.tree?.done == 1)
    }
  }

  @Test("What every file would fail from ends the tree at once")
  func stopped() async throws {
    try await ServerFixture.with(isReadOnly: true) { fixture in
      for number in 0..<200 { try fixture.local.write("up/\(number)") }
      let up = await run(upload("up", to: "", fixture), fixture)
      #expect(up.stoppedBy?.kind == .readOnly)
      #expect(up.status.failed < 200)
      #expect(fixture.transport.sent.isEmpty)
    }
  }

  private static let impatient = RetryPolicy(
    maxAttempts: 2, base: .milliseconds(1), cap: .milliseconds(1), deadline: .seconds(5))

  @Test(
    "Keys at which the server alone fails are each told, and all others move",
    .timeLimit(.minutes(5)), arguments: [(true, 150), (false, 40)])
  func failingKeys(isUpload: Bool, failing: Int) async throws {
    var settings = TransferSettings.small
    settings.patience = .seconds(5)
    try await ServerFixture.with(settings: settings, retryPolicy: Self.impatient) { fixture in
      // Fewer than are begun at once.
      let good = ["a/0", "a/1", "c/0", "c/1", "c/2", "c/3"]
      for name in good + (0..<failing).map({ "b/\($0)" }) {
        if isUpload {
          try fixture.local.write("up/\(name)")
        } else {
          try await fixture.put("p/\(name)")
        }
      }
      // The server has answered before any fails, and the last move when all those have failed.
      let first = TransferRequest.upload(
        try fixture.local.write("first"), to: fixture.location("first"), attributes: .init())
      for id in await fixture.service.transfers.enqueue([first]) {
        _ = try await fixture.service.transfers.result(of: id)
      }
      let haveFailed = Gate()
      fixture.transport.beforeEach { request in
        if SentRequest(request).key.text.hasPrefix("p/c/") { await haveFailed.pass() }
      }
      fixture.transport.answerInPlace { request in
        request.key.text.hasPrefix("p/b/") ? .refusal(500, "InternalError") : nil
      }
      let engine = fixture.service.transfers
      let outcomes = TreeOutcomes()
      let id = await engine.enqueue(
        isUpload ? upload("up", to: "p/", fixture) : download("p/", to: "down", fixture),
        reporting: outcomes)
      var failed = 0
      for await outcome in outcomes {
        if case .failed = outcome.end { failed += 1 }
        if failed == failing { haveFailed.open() }
      }
      let end = await engine.treeEnd(of: id)
      #expect(end.stoppedBy == nil)
      #expect(end.status.failed == failing && end.status.done == good.count)
    }
  }

  @Test(
    "A server that fails at everything ends a tree long before all in it was tried",
    .timeLimit(.minutes(5)))
  func failingServer() async throws {
    var settings = TransferSettings.small
    settings.concurrentRequests = 8
    try await ServerFixture.with(settings: settings, retryPolicy: Self.impatient) { fixture in
      for number in 0..<1_000 { try fixture.local.write("up/\(number)") }
      fixture.transport.answerInPlace { _ in .refusal(500, "InternalError") }
      let end = await run(upload("up", to: "", fixture), fixture, unread: 2_000)
      #expect(end.stoppedBy?.kind == .busy)
      #expect(end.status.failed < 500 && end.status.done == 0)
    }
  }

  @Test("Small objects are waited for as long as others are", .timeLimit(.minutes(5)))
  func patientDownloads() async throws {
    var settings = TransferSettings.small
    settings.patience = .seconds(600)
    try await ServerFixture.with(settings: settings, retryPolicy: Self.impatient) { fixture in
      try await fixture.put("first/a", "p/one answer")
      let larger = ServerFixture.bytes(Int(SmallDownload.largestSize.bytes) + 1)
      try await fixture.put("p/a file", content: larger)
      _ = await run(download("first/", to: "down", fixture), fixture)
      let refusals = ["p/one answer": Countdown(5), "p/a file": Countdown(5)]
      fixture.transport.answerInPlace { request in
        refusals[request.key.text]?.next() == true ? .refusal(503, "SlowDown") : nil
      }
      let end = await run(download("p/", to: "down", fixture), fixture)
      #expect(end.stoppedBy == nil && end.status.done == 2)
      #expect(try fixture.bytes("down/a file") == larger)
    }
  }

  @Test("Cancelling a tree ends its files, and each recorded one has an outcome")
  func cancel() async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<100 { try fixture.local.write("up/\(number)") }
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if request.method == .put { await gate.pass() }
      }
      let engine = fixture.service.transfers
      let id = await engine.enqueue(upload("up", to: "", fixture))
      await gate.arrived()
      await engine.cancel(id)
      await #expect(throws: StorageError.self) { try await engine.result(of: id) }
      #expect(await engine.status().first?.state == .cancelled)
      #expect(try await fixture.keys().isEmpty)
      let rows = try await fixture.rows()
      #expect(!rows.isEmpty && rows.allSatisfy { $0.outcome == .cancelled })
    }
  }

  @Test("A destination that is there is skipped, and counted so")
  func skip() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("p/a", "p/b")
      try fixture.local.write("down/a", "mine")
      var tree = download("p/", to: "down", fixture)
      tree.ifExists = .skip
      let down = await run(tree, fixture)
      #expect(down.status.done == 1 && down.status.skipped == 1)
      #expect(try fixture.local.content("down/a") == "mine")
    }
  }

  @Test("The object of an empty folder replaces none that comes meanwhile")
  func markerMeanwhile() async throws {
    try await ServerFixture.with { fixture in
      _ = try fixture.local.makeFolder("up/empty")
      let writes = Countdown(1)
      fixture.transport.beforeEach { request in
        guard request.method == .put, writes.next() else { return }
        do {
          try await fixture.put("empty/")
        } catch {
          Issue.record(error)
        }
      }
      var tree = upload("up", to: "", fixture)
      tree.ifExists = .skip
      let up = await run(tree, fixture)
      #expect(up.status.skipped == 1 && up.status.failed == 0)
      #expect(try await fixture.rows(.upload).map(\.errorCode) == ["PreconditionFailed"])
    }
  }

  @Test(
    "Small files that replace nothing are looked for together, and one that comes meanwhile stays",
    arguments: [TransferRequest.ExistingDestination.fail, .skip])
  func together(_ ifExists: TransferRequest.ExistingDestination) async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<20 { try fixture.local.write("up/\(number)") }
      try await fixture.put("p/7", "p/70", content: [1])
      let quick = Countdown(1)
      fixture.transport.beforeEach { request in
        let sent = SentRequest(request)
        guard sent.method == .put, sent.key == ObjectKey("p/12"), quick.next() else { return }
        try? await fixture.put("p/12", content: [2])
      }
      var tree = upload("up", to: "p/", fixture)
      tree.ifExists = ifExists
      let result = await run(tree, fixture, unread: 100)
      #expect(result.status.done == 18)
      #expect((ifExists == .skip ? result.status.skipped : result.status.failed) == 2)
      // Those two alone were asked for one by one.
      let heads = fixture.transport.sent.filter { $0.method == .head }.map(\.key.text)
      #expect(heads.sorted() == ["p/12", "p/7"])
      #expect(fixture.transport.sent.count { $0.query["list-type"] != nil } == 1)
      for (key, size) in [("p/7", 1), ("p/12", 1), ("p/8", 7)] {
        #expect(
          try await fixture.outside.headObject(fixture.location(key)).size.bytes == Int64(size))
      }
    }
  }

  @Test("Keys that a listing of a page does not reach are asked for one by one")
  func takenTogether() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("a/0", "a/1", "a/10", "a/3", "b")
      func taken(_ keys: String...) async -> Set<ObjectKey>? {
        await fixture.outside.taken(among: keys.map { fixture.location($0) })
      }
      #expect(await taken("a/1", "a/2", "a/3") == [ObjectKey("a/1"), ObjectKey("a/3")])
      #expect(await taken("a/0") == [ObjectKey("a/0")])
      #expect(await taken("a/4", "a/5") == [])
      #expect(await taken("a/0", "b", "c") == [ObjectKey("a/0"), ObjectKey("b")])
      #expect(await taken("é/1", "é/ü") == [])
      // Here `a/` stands before `a-`, so that what begins at `a-b` has none of it.
      try await fixture.put("a-b")
      #expect(await taken("a-b", "a/0") == nil)
      #expect(await taken("a-b", "a-c") == [ObjectKey("a-b")])
      #expect(await taken() == [])
      var elsewhere = fixture.location("a/1")
      elsewhere.bucket = BucketName("\(fixture.bucket)-none")
      #expect(await fixture.outside.taken(among: [elsewhere]) == nil)
      #expect(
        await fixture.outside.taken(among: [fixture.location("a/1"), elsewhere]) == nil)
    }
    var cut = ObjectPage(objects: [ObjectSummary(key: ObjectKey("b"), size: .zero)])
    cut.next = ContinuationToken("t")
    #expect(cut.taken(among: [ObjectKey("a"), ObjectKey("b")]) == [ObjectKey("b")])
    #expect(cut.taken(among: [ObjectKey("b"), ObjectKey("c")]) == nil)
    let inFolder = ObjectPage(
      objects: [ObjectSummary(key: ObjectKey("a/1"), size: .zero)], next: ContinuationToken("t"))
    #expect(inFolder.taken(among: [ObjectKey("a-b")]) == [])
    #expect(inFolder.taken(among: [ObjectKey("a-b")], isByFolder: true) == nil)
    cut.next = nil
    #expect(cut.taken(among: [ObjectKey("b"), ObjectKey("c")]) == [ObjectKey("b")])
  }

  @Test("What is there already is found in both directions, and no more than was asked for")
  func takenNames() async throws {
    try await ServerFixture.with { fixture in
      for name in ["a", "b/c", "d"] {
        try fixture.local.write("here/p/\(name)", "mine")
        try await fixture.put("p/\(name)")
      }
      try await fixture.put("p/other", "p/folder/")
      try fixture.local.write("here/p/folder/x")
      let (here, service) = (fixture.local.path.appending("here"), fixture.service)
      let up = upload("here/p", to: "p/", fixture)
      let found = try await service.takenNames(of: up, limit: 9)
      #expect(found.map(\.key.text) == ["p/a", "p/b/c", "p/d"])
      #expect(found.first?.size == ByteCount(4) && found.first?.existingSize == ByteCount(7))
      #expect(try await service.takenNames(of: up, limit: 1).count == 2)

      let selection = KeySelection(prefix: ObjectKey("p/"))
      var down = TransferTree(
        .download(bucket: fixture.bucket, selection, dropping: .empty, folder: here))
      let there = try await service.takenNames(of: down, limit: 9)
      #expect(
        there.map(\.path) == ["a", "b/c", "d"].map { here.appending("p").pushing(.init($0)) })
      #expect(there.first?.size == ByteCount(7) && there.first?.existingSize == ByteCount(4))
      #expect(try await service.takenNames(of: down, limit: 1).count == 2)
      // A folder that is not there yet needs no listing.
      let before = fixture.transport.sent.count
      down.work = .download(
        bucket: fixture.bucket, selection, dropping: .empty,
        folder: fixture.local.path.appending("new"))
      #expect(try await service.takenNames(of: down, limit: 9).isEmpty)
      #expect(fixture.transport.sent.count == before)
    }
  }

  @Test("Decisions on single files come before what holds for the others")
  func decisions() async throws {
    try await ServerFixture.with { fixture in
      for name in ["a", "b", "c", "d"] { try fixture.local.write("up/\(name)", "new") }
      try await fixture.put("p/a", "p/b", "p/c", "p/d")
      var tree = upload("up", to: "p/", fixture)
      tree.ifExists = .fail
      tree.decisions = [
        ObjectKey("p/a"): .skip, ObjectKey("p/b"): .overwrite, ObjectKey("p/c"): .rename,
      ]
      let up = await run(tree, fixture, unread: 9)
      #expect(up.status.done == 2 && up.status.skipped == 1 && up.status.failed == 1)
      #expect(try await fixture.keys() == ["p/a", "p/b", "p/c", "p/c (1)", "p/d"])
      #expect(try await fixture.service.details(fixture.location("p/b")).size == ByteCount(3))
    }
  }

  @Test("Many small files are under way at once", .timeLimit(.minutes(5)))
  func manySmall() async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<100 { try fixture.local.write("up/\(number)") }
      let crowd = Crowd(of: 16)
      fixture.transport.beforeEach { request in
        if request.method == .put { await crowd.join() }
      }
      let up = await run(upload("up", to: "", fixture), fixture, unread: 1_000)
      #expect(up.status.done == 100)
      #expect(try await fixture.rows().count == 100)
    }
  }

  @Test("What is skipped or fails is not still to move")
  func bytesLeft() {
    let progress = TreeProgress()
    for size in [1, 20, 300] { progress.found(ByteCount(Int64(size))) }
    let location = ObjectLocation(bucket: BucketName("b"), key: ObjectKey("k"))
    let skipped = TransferResult(
      location: location, localPath: "f", size: nil, isSkipped: true)
    let ends: [(TreeOutcome.End, Int64)] = [(.finished(skipped), 20), (.failed(.exists("f")), 300)]
    for (end, size) in ends {
      progress.end(
        nil, TreeOutcome(direction: .upload, location: location, localPath: "f", end: end), nil,
        size: ByteCount(size))
    }
    #expect(progress.status.bytes == ByteCount(1))
  }

  @Test("A small file that changed while it waited is not sent as it was")
  func staleContents() async throws {
    try await ServerFixture.with { fixture in
      let tools = await fixture.service.transfers.tools
      let path = try fixture.local.write("small", bytes: [1, 2, 3])
      // Read in an hour, so that no slow machine makes it old.
      for wait in [Duration.seconds(-3600), .seconds(5)] {
        try fixture.local.write("small", bytes: [1, 2, 3])
        let readAt = ContinuousClock.now
        let source = try await SourceFile.open(path, readingUpTo: SmallUpload.largestRead)
        try fixture.local.write("small", bytes: [1, 2, 3, 4])
        let upload = SmallUpload(
          source: source, location: fixture.location("k\(wait)"), attributes: .init(),
          condition: .none, tools: tools, progress: TransferProgress(), readAt: readAt - wait)
        do throws(StorageError) {
          _ = try await upload.run()
          #expect(wait < .zero)
        } catch {
          #expect(error.kind == .fileChanged && wait > .zero)
        }
      }
      #expect(try await fixture.keys().count == 1)
    }
  }
}

/// Lets nobody pass before so many are there at once, and then everybody. Who is cancelled while
/// waiting lets everybody pass as well, so that a test that fails comes to its end.
private actor Crowd {
  private let size: Int
  private var isComplete = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(of size: Int) {
    self.size = size
  }

  func join() async {
    guard !isComplete, !Task.isCancelled else { return open() }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiting.append(continuation)
        if waiting.count == size { open() }
      }
    } onCancel: {
      Task { await open() }
    }
  }

  private func open() {
    isComplete = true
    for continuation in waiting { continuation.resume() }
    waiting = []
  }
}
