import Foundation
import GRDB
import S3
import SystemPackage
import Testing

@testable import History

@Suite("Archiving")
struct ArchivingTests {
  let folder: TemporaryFolder
  let store: HistoryStore
  let archive: FilePath

  init() throws {
    folder = try TemporaryFolder()
    store = try HistoryStore(path: folder.history)
    archive = folder.path.appending("old.sqlite")
  }

  private func fill(_ count: Int = 3) async throws {
    let ids = try await store.begin((1...count).map { .test("k\($0)", second: Int64($0)) })
    try await store.finish(ids.map { .test($0) })
  }

  @Test("The history goes on with the hash and the number of the archive's last row")
  func chain() async throws {
    try await fill()
    let before = try await store.verify()
    let report = try await store.archive(to: archive)
    #expect(report.changes == 3 && report.outcomes == 3 && report.carriedOver == 0)
    #expect(report.head == before.head)

    let empty = try await store.verify(expecting: before.head)
    #expect(empty.isIntact && empty.changes == 0 && empty.head == before.head)
    #expect(empty.predecessor?.head == before.head)
    #expect(empty.predecessor?.file.lastComponent == archive.lastComponent)
    #expect(try await store.begin([.test("next")]) == [ChangeID(7)])
    #expect(try await store.verify(expecting: before.head).isIntact)
    #expect(try await store.page(HistoryQuery(), limit: 10).map(\.id) == [ChangeID(7)])

    let old = try HistoryStore(path: archive)
    let whole = try await old.verify(expecting: before.head)
    #expect(whole.isIntact && whole.isArchive && whole.head == before.head)
    #expect(whole.changes == 3 && whole.outcomes == 3)
    #expect(try await old.page(HistoryQuery(), limit: 10).count == 3)
  }

  @Test("An archive takes no more rows, changes or outcomes")
  func archiveIsClosed() async throws {
    try await fill()
    var open = ChangeDraft.test("open")
    open.author.host = Author.hostName()
    _ = try await store.begin([open])
    _ = try await store.archive(to: archive)
    let old = try HistoryStore(path: archive)
    await #expect(throws: HistoryError.archived) { _ = try await old.begin([.test("late")]) }
    await #expect(throws: HistoryError.archived) { try await old.finish([.test(ChangeID(7))]) }
    for statement in ["DELETE FROM ending", "UPDATE ending SET archivedAt = 0"] {
      #expect(throws: DatabaseError.self) {
        try withForeignConnection(to: archive) { try $0.execute(sql: statement) }
      }
    }
    #expect(try await old.verify().isIntact)
  }

  @Test("Archives follow one another, each with the head of the one before")
  func twice() async throws {
    try await fill()
    let first = try await store.archive(to: archive)
    try await fill()
    let second = try await store.archive(to: folder.path.appending("newer.sqlite"))
    #expect(second.changes == 3)
    let newer = try HistoryStore(path: folder.path.appending("newer.sqlite"))
    #expect(try await newer.verify().predecessor?.head == first.head)
    #expect(try await store.verify().predecessor?.head == second.head)
    // What is in another file of the chain proves nothing about this one.
    let oldest = try HistoryStore(path: archive)
    #expect(try await store.verify(expecting: first.head).verdict == .unproven)
    #expect(try await oldest.verify(expecting: second.head).verdict == .unproven)
    #expect(try await newer.verify(expecting: second.head).verdict == .intact)
    await #expect(throws: HistoryError.nothingToArchive) {
      _ = try await store.archive(to: folder.path.appending("empty.sqlite"))
    }
  }

  @Test("Changes that dead processes left open are recorded anew")
  func openChanges() async throws {
    // The author of the tests is of another boot, and of this host.
    try await fill()
    var draft = ChangeDraft.test("open")
    draft.author.host = Author.hostName()
    _ = try await store.begin([draft])
    let report = try await store.archive(to: archive)
    #expect(report.carriedOver == 1 && report.changes == 4)
    let entry = try #require(try await store.page(HistoryQuery(), limit: 10).first)
    #expect(entry.id == ChangeID(8) && entry.key == draft.key && entry.outcome == .started)
    #expect(entry.startedAt == draft.startedAt && entry.author == draft.author)
    try await store.finish([.test(entry.id)])
    #expect(try await store.verify().isIntact)
  }

  @Test("Nothing is archived while a change may be under way")
  func changesUnderWay() async throws {
    try await fill()
    var draft = ChangeDraft.test("open")
    draft.author = .current()
    let id = try #require(try await store.begin([draft]).first)
    await #expect(throws: HistoryError.changesUnderWay(1, draft.author)) {
      _ = try await store.archive(to: archive)
    }
    #expect(try contents(of: folder.path).allSatisfy { $0.hasPrefix("history.sqlite") })
    try await store.finish([.test(id)])
    #expect(try await store.archive(to: archive).changes == 4)
  }

  @Test(
    "What another host left open is carried over once it is said to be dead, never what lives here")
  func deadHosts() async throws {
    try await fill()
    var draft = ChangeDraft.test("elsewhere")
    draft.author.host = "build-07"
    _ = try await store.begin([draft])
    await #expect(throws: HistoryError.changesUnderWay(1, draft.author)) {
      _ = try await store.archive(to: archive, deadHosts: ["build-08"])
    }
    var own = ChangeDraft.test("here")
    own.author = .current()
    let id = try #require(try await store.begin([own]).first)
    await #expect(throws: HistoryError.changesUnderWay(1, own.author)) {
      _ = try await store.archive(to: archive, deadHosts: ["build-07", Author.hostName()])
    }
    try await store.finish([.test(id)])
    let report = try await store.archive(to: archive, deadHosts: ["build-07"])
    #expect(report.carriedOver == 1)
    let entry = try #require(try await store.page(HistoryQuery(), limit: 10).first)
    #expect(entry.key == draft.key && entry.author == draft.author && entry.outcome == .started)
    #expect(try await store.verify().isIntact)
  }

  @Test("What lies at the path is not replaced")
  func existing() async throws {
    try await fill()
    try Data("mine".utf8).write(to: URL(fileURLWithPath: archive.string))
    await #expect(throws: HistoryError.archiveExists(archive)) {
      _ = try await store.archive(to: archive)
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: archive.string)) == Data("mine".utf8))
    #expect(try await store.verify().changes == 3)
  }

  @Test("A history whose chain is broken is not archived")
  func broken() async throws {
    try await fill()
    try withForeignConnection(to: folder.history) { db in
      try db.execute(sql: "DROP TRIGGER changesRefuseUPDATE")
      try db.execute(sql: "UPDATE changes SET user = 'nobody' WHERE id = 2")
    }
    await #expect(throws: HistoryError.corrupt("row 2")) {
      _ = try await store.archive(to: archive)
    }
    #expect(try await store.page(HistoryQuery(), limit: 10).count == 3)
  }

  @Test("The archive is private and one file; the history refuses alterations as before")
  func files() async throws {
    try await fill(2_000)
    _ = try await store.archive(to: archive)
    #expect(try archive.mode == 0o600)
    #expect(try contents(of: folder.path).filter { $0.contains("old") } == ["old.sqlite"])
    #expect(try folder.history.size < archive.size / 2)
    try await fill(1)
    for table in ["changes", "outcomes", "beginning"] {
      #expect(throws: DatabaseError.self) {
        try withForeignConnection(to: folder.history) {
          try $0.execute(sql: "DELETE FROM \(table)")
        }
      }
      let writer = try await store.database
      await #expect(throws: DatabaseError.self) {
        try await writer.writeWithoutTransaction { try $0.execute(sql: "DELETE FROM \(table)") }
      }
    }
  }

  @Test("Rows recorded while it is archived are in one file or in the other")
  func concurrently() async throws {
    try await fill(500)
    let other = try HistoryStore(path: folder.history)
    let archiving = Task { () -> ArchiveReport? in
      while !Task.isCancelled {
        do {
          return try await store.archive(to: archive)
        } catch HistoryError.changesUnderWay {
          // Asked for again, as a person would.
        }
      }
      return nil
    }
    var written = 0
    // Dead, so that it is not in the way.
    var draft = ChangeDraft.test("during")
    draft.author.host = Author.hostName()
    while written < 300 {
      let ids = try await other.begin([draft])
      try? await other.finish([.test(ids[0])])
      written += 1
    }
    let report = try #require(try await archiving.value)
    let old = try HistoryStore(path: archive)
    let query = HistoryQuery(prefix: ObjectKey("during"))
    let inArchive = try await old.page(query, limit: 1_000)
    let inHistory = try await store.page(query, limit: 1_000)
    #expect(inArchive.count + inHistory.count == 300 + report.carriedOver)
    #expect(try await store.verify(expecting: report.head).isIntact)
    #expect(try await old.verify().head == report.head)
  }
}

extension FilePath {
  fileprivate var attributes: [FileAttributeKey: Any] {
    get throws { try FileManager.default.attributesOfItem(atPath: string) }
  }
  fileprivate var size: Int { get throws { try #require(try attributes[.size] as? Int) } }
  fileprivate var mode: Int {
    get throws { try #require(try attributes[.posixPermissions] as? Int) }
  }
}
