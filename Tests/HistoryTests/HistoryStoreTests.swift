import GRDB
import S3
import SystemPackage
import Testing

@testable import History

@Suite("History store")
struct HistoryStoreTests {
  let folder: TemporaryFolder
  let store: HistoryStore

  init() throws {
    folder = try TemporaryFolder()
    store = try HistoryStore(path: folder.history)
  }

  @Test("A change comes back as it was recorded, with its outcome")
  func roundTrip() async throws {
    var draft = ChangeDraft.test()
    draft.key = ObjectKey(bytes: [0x2f, 0xff, 0x00, 0x0a, 0x1b, 0x65, 0xcc, 0x81])
    draft.versionID = VersionID("v0")
    draft.localPath = FilePath(platformString: [0x2f, -1, 0x0a, 0x78, 0])
    draft.detail = "PUT, 900 s"
    draft.author.user = "änä \u{202e}"
    let id = try #require(try await store.begin([draft]).first)

    let begun = try #require(try await store.page(HistoryQuery(), limit: 10).first)
    #expect(begun.outcome == .started)
    #expect(begun.finishedAt == nil)
    #expect(begun.versionID == VersionID("v0"))
    #expect(begun.size == ByteCount(12_697))

    try await store.finish([.test(id, .failed)])
    let entries = try await store.page(HistoryQuery(), limit: 10)
    let entry = try #require(entries.first)
    #expect(entries.count == 1)
    #expect(entry.id == id)
    #expect(entry.action == .upload)
    #expect(entry.author == draft.author)
    #expect(entry.accessKeyID == "AKIAEXAMPLE")
    #expect(entry.endpoint == "http://127.0.0.1:8333")
    #expect(entry.bucket == BucketName("reports"))
    #expect(entry.key == draft.key)
    #expect(entry.localPath == draft.localPath)
    #expect(entry.detail == "PUT, 900 s")
    #expect(entry.startedAt == draft.startedAt)
    #expect(entry.outcome == .failed)
    #expect(entry.finishedAt == .test(second: 60))
    #expect(entry.etag == ETag("9b2cf535f27731c974343645a3985328"))
    #expect(entry.versionID == VersionID("v1"))
    #expect(entry.size == ByteCount(12_700))
    #expect(entry.checksum == "CRC64NVME:rosUhgp5mIg=")
    #expect(entry.errorCode == "AccessDenied")
  }

  @Test("What may be missing may be missing")
  func sparse() async throws {
    var draft = ChangeDraft.test(action: .createBucket)
    draft.author = Author(
      user: "0", loginUID: 0, auditUID: nil, host: "", sshClient: nil, bootID: "", processID: 1,
      processStart: 0)
    draft.accessKeyID = nil
    draft.key = nil
    draft.size = nil
    draft.localPath = nil
    let id = try #require(try await store.begin([draft]).first)
    try await store.finish([
      ChangeOutcome(id, Ending(outcome: .cancelled), finishedAt: .test(second: 1))
    ])
    let entry = try #require(try await store.page(HistoryQuery(), limit: 1).first)
    #expect(entry.author == draft.author)
    #expect(entry.key == nil)
    #expect(entry.size == nil)
    #expect(entry.localPath == nil)
    #expect(entry.etag == nil)
    #expect(try await store.verify().isIntact)
  }

  @Test("A text with NUL, which SQLite would cut, is recorded whole and keeps the chain")
  func textWithNUL() async throws {
    let id = try #require(try await store.begin([.test()]).first)
    var outcome = ChangeOutcome.test(id)
    outcome.ending.versionID = VersionID("before\0after")
    try await store.finish([outcome])
    let entry = try #require(try await store.page(HistoryQuery(), limit: 1).first)
    #expect(entry.versionID == VersionID("before\u{2400}after"))
    #expect(try await store.verify().isIntact)
  }

  @Test("Numbers come in the order of the changes, and go on when the file is opened again")
  func numbers() async throws {
    let first = try await store.begin((0..<600).map { .test("k\($0)") })
    #expect(first.map(\.value) == Array(1...600))
    let again = try HistoryStore(path: folder.history)
    #expect(try await again.begin([.test()]) == [ChangeID(601)])
    #expect(try await store.begin([.test()]) == [ChangeID(602)])
    #expect(try await store.begin([]) == [])
  }

  @Test("A change has one outcome, and an outcome a change")
  func oneOutcome() async throws {
    let ids = try await store.begin([.test("a"), .test("b")])
    try await store.finish([.test(ids[0], .interrupted)])
    await #expect(throws: HistoryError.alreadyFinished(ids[0])) {
      try await store.finish([.test(ids[1]), .test(ids[0])])
    }
    await #expect(throws: HistoryError.unknownChange(ChangeID(99))) {
      try await store.finish([.test(ChangeID(99))])
    }
    let entries = try await store.page(HistoryQuery(), limit: 10)
    #expect(Set(entries.map(\.outcome)) == [.interrupted, .started])
    #expect(try await store.verify().isIntact)
  }

  @Test("What is wrong with one call leaves those in the same commit alone")
  func isolation() async throws {
    let known = try #require(try await store.begin([.test()]).first)
    let results = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<60 {
        group.addTask { [store] in
          do {
            if number.isMultiple(of: 3) {
              try await store.finish([.test(ChangeID(5000 + Int64(number)))])
            } else {
              _ = try await store.begin([.test("k\(number)"), .test("l\(number)")])
            }
            return true
          } catch HistoryError.unknownChange {
            return false
          }
        }
      }
      return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(results == 40)
    try await store.finish([.test(known)])
    let report = try await store.verify()
    #expect(report.isIntact)
    #expect(report.changes == 81)
    #expect(report.outcomes == 1)
  }

  @Test("A draft that the schema refuses is refused, and `started` is no outcome")
  func refusedRows() async throws {
    var draft = ChangeDraft.test()
    draft.size = ByteCount(-1)
    await #expect(throws: HistoryError.self) { try await store.begin([draft]) }
    let id = try #require(try await store.begin([.test()]).first)
    await #expect(throws: HistoryError.self) { try await store.finish([.test(id, .started)]) }
    #expect(try await store.page(HistoryQuery(), limit: 10).count == 1)
    #expect(try await store.verify().isIntact)
  }

  @Test("Outcomes wait for others that are to come, and for nobody who begins a change")
  func gathering() async throws {
    var settings = StoreSettings()
    settings.gatheringTime = .seconds(3600)
    let store = try HistoryStore(
      path: folder.path.appending("gathering.sqlite"), settings: settings)
    let ids = try await store.begin((0..<4).map { .test("k\($0)") })
    let early = ids.prefix(2).map { id in Task { try await store.finish([.test(id)]) } }
    while await store.callersWaiting < 2 { await Task.yield() }
    #expect(await store.commits == 1)
    let urgent = try await store.begin([.test("urgent")])
    for task in early { try await task.value }
    #expect(await store.commits == 2)
    // Inserted together: with the changes first, whoever came first.
    #expect(urgent == [ChangeID(5)])

    let late = Task { try await store.finish([.test(ids[2])]) }
    while await store.callersWaiting < 1 { await Task.yield() }
    // One of two: the other, and the urgent one, are still to come.
    #expect(await store.commits == 2)
    try await store.finish([.test(ids[3]), .test(try #require(urgent.first))])
    try await late.value
    #expect(await store.commits == 3)
    #expect(try await store.verify().isIntact)
  }

  @Test("Many outcomes wait for no others")
  func manyOutcomes() async throws {
    var settings = StoreSettings()
    settings.gatheringTime = .seconds(3600)
    let store = try HistoryStore(path: folder.path.appending("many.sqlite"), settings: settings)
    let ids = try await store.begin((0..<200).map { .test("k\($0)") })
    let many = ids.prefix(HistoryStore.rowsWorthCommit)
    let ended = Task { try await store.finish(many.map { .test($0) }) }
    while await store.commits < 2, await !store.isGathering { await Task.yield() }
    #expect(await !store.isGathering)
    // Ends the wait that there should not be.
    _ = try await store.begin([.test("urgent")])
    try await ended.value
    #expect(try await store.verify().outcomes == many.count)
  }

  @Test("Callers that come while a commit runs share the next one")
  func grouping() async throws {
    // Held by somebody else, the file keeps the first commit until all callers wait.
    let lock = try ForeignLock(on: folder.history)
    let first = Task { [store] in try await store.begin([.test("first")]) }
    while await store.isIdle { await Task.yield() }
    let others = (0..<700).map { number in
      Task { [store] in try await store.begin([.test("k\(number)")]) }
    }
    while await store.callersWaiting < 700 { await Task.yield() }
    try lock.release()
    var ids = try await first.value
    for other in others { ids += try await other.value }
    #expect(Set(ids.map(\.value)) == Set(1...701))
    // 1, then 512, then the rest.
    #expect(await store.commits == 3)
    #expect(try await store.verify().isIntact)
  }

  @Test("A commit takes along the outcomes that wait beside its changes")
  func takenAlong() async throws {
    let open = try await store.begin((0..<400).map { .test("open\($0)") })
    let lock = try ForeignLock(on: folder.history)
    let first = Task { [store] in try await store.begin([.test("first")]) }
    while await store.isIdle { await Task.yield() }
    let begun = [400, 200].map { count in
      Task { [store] in try await store.begin((0..<count).map { .test("k\($0)") }).count }
    }
    let ended = Task { [store] in try await store.finish(open.map { .test($0) }) }
    while await store.callersWaiting < 3 { await Task.yield() }
    try lock.release()
    _ = try await first.value
    for task in begun { _ = try await task.value }
    try await ended.value
    // The open ones, the first, one lot of changes with all outcomes, and the other lot.
    #expect(await store.commits == 4)
    let report = try await store.verify()
    #expect(report.isIntact && report.changes == 1001 && report.outcomes == 400)
  }

  @Test("A cancelled caller still gets the numbers of what was recorded")
  func cancelled() async throws {
    let task = Task { [store] in
      withUnsafeCurrentTask { $0?.cancel() }
      return try await store.begin([.test()])
    }
    #expect(try await task.value == [ChangeID(1)])
  }

  @Test("Nothing recorded can be altered, removed or replaced, nor a number left out")
  func appendOnly() async throws {
    let ids = try await store.begin([.test("a"), .test("b")])
    try await store.finish([.test(ids[0])])
    let statements = [
      "UPDATE changes SET user = 'eve' WHERE id = 1",
      "DELETE FROM changes WHERE id = 2",
      "UPDATE outcomes SET outcome = 'failed'",
      "DELETE FROM outcomes",
      "INSERT OR REPLACE INTO changes SELECT * FROM changes WHERE id = 1",
      "INSERT OR REPLACE INTO outcomes SELECT * FROM outcomes",
      """
      INSERT OR REPLACE INTO outcomes (id, previous, change, outcome, finishedAt)
      SELECT 4, previous, change, 'failed', 0 FROM outcomes
      """,
      """
      INSERT INTO outcomes (id, previous, change, outcome, finishedAt)
      SELECT 9, previous, 2, 'failed', 0 FROM outcomes
      """,
    ]
    for statement in statements {
      #expect(throws: DatabaseError.self, "\(statement)") {
        try withForeignConnection(to: folder.history) { try $0.execute(sql: statement) }
      }
    }
    // The connection that records does without these triggers, and has its own.
    let writer = try await store.database
    for statement in statements.dropLast() {
      await #expect(throws: DatabaseError.self, "\(statement)") {
        try await writer.writeWithoutTransaction { try $0.execute(sql: statement) }
      }
    }
    #expect(try await store.verify().isIntact)
    #expect(try await store.page(HistoryQuery(), limit: 9).map(\.outcome) == [.started, .done])
  }

  @Test("Changes of ended processes are found, those of running ones and other hosts are not")
  func abandoned() async throws {
    let here = Author.current(user: "ana")
    var dead = ChangeDraft.test("dead")
    dead.author = here
    dead.author.processStart += 1
    var beforeBoot = ChangeDraft.test("before the boot")
    beforeBoot.author = here
    beforeBoot.author.bootID = "another boot"
    var elsewhere = dead
    elsewhere.author.host = "elsewhere"
    var another = dead
    another.author.loginUID = here.loginUID + 1
    var running = ChangeDraft.test("running")
    running.author = here
    var settled = dead
    settled.key = ObjectKey("settled")

    let ids = try await store.begin([dead, elsewhere, another, running, settled, beforeBoot])
    try await store.finish([.test(ids[4])])
    let found = try await store.abandoned(by: here, limit: 10)
    #expect(found.map(\.id) == [ids[0], ids[5]])
    #expect(try await store.abandoned(by: here, limit: 1).map(\.id) == [ids[0]])
    #expect(try await store.abandoned(by: here, after: ids[0], limit: 9).map(\.id) == [ids[5]])
  }
}
