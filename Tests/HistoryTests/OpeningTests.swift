import Foundation
import GRDB
import Glibc
import S3
import SystemPackage
import TestSupport
import Testing

@testable import History

@Suite("Opening a history")
struct OpeningTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  private func mode(_ path: FilePath) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  private func setMode(_ path: FilePath, _ mode: Int) throws {
    #expect(chmod(path.string, mode_t(mode)) == 0)
  }

  @Test("The writing connection flushes with every commit, in WAL as in a rollback journal")
  func synchronous() async throws {
    let wal = try HistoryStore(path: folder.history)
    let modes = try await wal.database.writeWithoutTransaction { db in
      (
        try String.fetchOne(db, sql: "PRAGMA journal_mode"),
        try Int.fetchOne(db, sql: "PRAGMA synchronous"),
        try Int.fetchOne(db, sql: "PRAGMA busy_timeout")
      )
    }
    #expect(modes == ("wal", 2, 10_000))

    let shared = try HistoryStore(
      path: folder.path.appending("shared.sqlite"), settings: StoreSettings(journal: .delete))
    let sharedModes = try await shared.database.writeWithoutTransaction { db in
      (
        try String.fetchOne(db, sql: "PRAGMA journal_mode"),
        try Int.fetchOne(db, sql: "PRAGMA synchronous")
      )
    }
    #expect(sharedModes == ("delete", 3))
  }

  @Test(
    "What may be lost with the power is not flushed, where there is a WAL, and all else is then",
    arguments: [(StoreSettings.Journal.wal, 1, 2), (.delete, 3, 3)])
  func unflushed(journal: StoreSettings.Journal, within: Int, after: Int) async throws {
    struct Problem: Error {}
    let store = try HistoryStore(path: folder.history, settings: StoreSettings(journal: journal))
    let writer = try await store.database
    let isUnflushed = try await writer.writeUnflushed { db in
      let level = try Int.fetchOne(db, sql: "PRAGMA synchronous")
      #expect(level == within)
      try db.execute(sql: "CREATE TABLE kept (value INTEGER)")
    }
    #expect(isUnflushed == (journal == .wal))
    await #expect(throws: Problem.self) {
      try await writer.writeUnflushed { db in
        try db.execute(sql: "CREATE TABLE undone (value INTEGER)")
        throw Problem()
      }
    }
    try await writer.writeWithoutTransaction { db in
      let level = try Int.fetchOne(db, sql: "PRAGMA synchronous")
      #expect(level == after)
      #expect(try db.tableExists("kept"))
      #expect(try !db.tableExists("undone"))
    }
  }

  @Test("A history opened at first use makes nothing before, and its errors come with that use")
  func firstUse() async throws {
    let store = HistoryStore(openingAtFirstUse: folder.history)
    #expect(!FileManager.default.fileExists(atPath: folder.history.string))
    try store.close()
    let id = try #require(try await store.begin([.test()]).first)
    #expect(FileManager.default.fileExists(atPath: folder.history.string))
    #expect(try await store.page(HistoryQuery(), limit: 1).first?.id == id)

    let impossible = HistoryStore(openingAtFirstUse: folder.path)
    await #expect(throws: HistoryError.self) { try await impossible.begin([.test()]) }

    let homeless = HistoryStore(openingAtFirstUse: nil)
    let noHome = HistoryError.cannotOpen("pail/history.sqlite", .noHome)
    await #expect(throws: noHome) { try await homeless.begin([.test()]) }
    await #expect(throws: noHome) { try await homeless.page(HistoryQuery(), limit: 1) }
    try homeless.close()
  }

  @Test("What is made ready is opened where it is, makes nothing, and keeps its errors for its use")
  func prepared() async throws {
    let missing = DatabaseSource(path: folder.history, settings: StoreSettings())
    missing.prepare()
    missing.queue.sync {}
    #expect(!FileManager.default.fileExists(atPath: folder.history.string))

    let kept = try await HistoryStore(path: folder.history).begin([.test()])
    let there = DatabaseSource(path: folder.history, settings: StoreSettings())
    there.prepare()
    there.queue.sync {}
    // Found open: nothing of the file is looked at any more.
    try FileManager.default.removeItem(atPath: folder.history.string)
    let count = try await there.opened().read {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM changes")
    }
    #expect(count == kept.count)

    let impossible = HistoryStore(openingAtFirstUse: folder.path)
    impossible.prepare()
    await #expect(throws: HistoryError.self) { try await impossible.begin([.test()]) }
  }

  @Test("Who asked while an opening failed is told so, and who asks later tries again")
  func sharedFailure() throws {
    let source = DatabaseSource(path: folder.history, settings: StoreSettings())
    let before = ContinuousClock.now
    try FileManager.default.createDirectory(
      atPath: folder.history.string, withIntermediateDirectories: true)
    let failure = try #require(throws: HistoryError.self) { try source.opened() }
    try FileManager.default.removeItem(atPath: folder.history.string)
    #expect(throws: failure) { try source.opened(askedAt: before) }
    _ = try source.opened()
    try source.close()
  }

  @Test("A history with a rollback journal records and verifies, also after having had a WAL")
  func rollbackJournal() async throws {
    let wal = try HistoryStore(path: folder.history)
    let id = try #require(try await wal.begin([.test()]).first)
    try wal.close()
    let store = try HistoryStore(
      path: folder.history, settings: StoreSettings(journal: .delete))
    try await store.finish([.test(id)])
    #expect(try await store.page(HistoryQuery(), limit: 1).first?.outcome == .done)
    #expect(try await store.verify().isIntact)
  }

  @Test("Folders are made 0700 and the file 0600, its companions too, whatever the umask")
  func privateModes() async throws {
    let path = folder.path.appending("state").appending("pail").appending("history.sqlite")
    let store = try HistoryStore(path: path)
    _ = try await store.begin([.test()])
    #expect(try mode(path.removingLastComponent()) == 0o700)
    #expect(try mode(path.removingLastComponent().removingLastComponent()) == 0o700)
    for suffix in ["", "-wal", "-shm"] {
      #expect(try mode(FilePath(path.string + suffix)) == 0o600, "history.sqlite\(suffix)")
    }
  }

  @Test("In a setgid folder the file and its companions are the group's as well")
  func sharedModes() async throws {
    try setMode(folder.path, 0o2770)
    let store = try HistoryStore(path: folder.history)
    _ = try await store.begin([.test()])
    for suffix in ["", "-wal", "-shm"] {
      #expect(
        try mode(FilePath(folder.history.string + suffix)) == 0o660, "history.sqlite\(suffix)")
    }
  }

  @Test("Opening it again keeps what is there, also through a relative path")
  func again() async throws {
    _ = try await HistoryStore(path: folder.history).begin([.test()])
    let store = try await HistoryStore.open(path: folder.history)
    #expect(try await store.page(HistoryQuery(), limit: 9).count == 1)
  }

  @Test("A file where a folder should be")
  func fileAsFolder() throws {
    let path = folder.path.appending("file")
    try Data().write(to: URL(fileURLWithPath: path.string))
    let below = path.appending("history.sqlite")
    #expect(throws: HistoryError.cannotOpen(below, .folder(.notDirectory))) {
      try HistoryStore(path: below)
    }
    let further = path.appending("pail").appending("history.sqlite")
    #expect(throws: HistoryError.cannotOpen(further, .folder(.notDirectory))) {
      try HistoryStore(path: further)
    }
  }

  @Test("A folder where the file should be")
  func folderAsFile() throws {
    #expect(throws: HistoryError.cannotOpen(folder.path, .notARegularFile)) {
      try HistoryStore(path: folder.path)
    }
  }

  @Test("A folder that may not be written")
  func unwritableFolder() throws {
    let closed = folder.path.appending("closed")
    try FileManager.default.createDirectory(
      atPath: closed.string, withIntermediateDirectories: false)
    giveToUnprivileged(folder.path)
    giveToUnprivileged(closed)
    try setMode(closed, 0o500)
    for path in [
      closed.appending("history.sqlite"), closed.appending("pail").appending("history.sqlite"),
    ] {
      let expected =
        path.removingLastComponent() == closed
        ? HistoryError.cannotOpen(path, .file(.permissionDenied))
        : HistoryError.cannotOpen(path, .folder(.permissionDenied))
      #expect(throws: expected) {
        try withoutPrivileges { _ = try HistoryStore(path: path) }
      }
    }
    try setMode(closed, 0o700)
  }

  @Test("A file that may only be read")
  func readOnlyFile() throws {
    let path = folder.history
    giveToUnprivileged(folder.path)
    try withoutPrivileges { try HistoryStore(path: path).close() }
    try setMode(path, 0o400)
    #expect(throws: HistoryError.cannotOpen(path, .file(.permissionDenied))) {
      try withoutPrivileges { _ = try HistoryStore(path: path) }
    }
  }

  @Test(
    "A protected file is read, nothing is made beside it, and nothing is recorded in it",
    arguments: [StoreSettings.Journal.wal, .delete], [0o700, 0o500])
  func protectedFile(journal: StoreSettings.Journal, folderMode: Int) async throws {
    let path = folder.path.appending("an archive, 100%?.sqlite")
    giveToUnprivileged(folder.path)
    let made = try withoutPrivileges {
      try HistoryStore(path: path, settings: StoreSettings(journal: journal))
    }
    let change = try #require(try await made.begin([.test()]).first)
    try await made.database.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
    }
    try made.close()
    for suffix in ["-wal", "-shm"] { unlink(path.string + suffix) }
    try setMode(path, 0o400)
    try setMode(folder.path, folderMode)
    let store = try withoutPrivileges {
      try HistoryStore(path: path, settings: StoreSettings(readsProtected: true))
    }
    #expect(try await store.page(HistoryQuery(), limit: 2).map(\.id) == [change])
    #expect(try await store.verify().isIntact)
    await #expect(throws: HistoryError.readOnly) { try await store.begin([.test()]) }
    try store.close()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path.string).count == 1)
    try setMode(folder.path, 0o700)
  }

  @Test("A protected file whose WAL holds rows is read with them")
  func protectedFileWithWAL() async throws {
    let path = folder.history
    giveToUnprivileged(folder.path)
    let writing = try withoutPrivileges { try HistoryStore(path: path) }
    let change = try #require(try await writing.begin([.test()]).first)
    try setMode(path, 0o400)
    let store = try withoutPrivileges {
      try HistoryStore(path: path, settings: StoreSettings(readsProtected: true))
    }
    #expect(try await store.page(HistoryQuery(), limit: 2).map(\.id) == [change])
    try store.close()
    try setMode(path, 0o600)
    try writing.close()
  }

  @Test("A protected file of an older Pail has to be written first, and is told so")
  func protectedOlderFile() throws {
    let path = folder.history
    giveToUnprivileged(folder.path)
    try withoutPrivileges {
      let queue = try DatabaseQueue(path: path.string)
      try makeMigrator().migrate(queue, upTo: "1")
      try queue.close()
    }
    try setMode(path, 0o400)
    #expect(throws: HistoryError.readOnly) {
      try withoutPrivileges {
        _ = try HistoryStore(path: path, settings: StoreSettings(readsProtected: true))
      }
    }
  }

  @Test("A file system in which nothing can be made")
  func unusableFileSystem() throws {
    let path: FilePath = "/proc/pail/history.sqlite"
    #expect(throws: HistoryError.cannotOpen(path, .folder(.noSuchFileOrDirectory))) {
      try HistoryStore(path: path)
    }
  }

  @Test("A database that turns read-only under the store")
  func turnsReadOnly() async throws {
    let store = try HistoryStore(path: folder.history)
    try await store.database.writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA query_only = ON")
    }
    await #expect(throws: HistoryError.readOnly) { try await store.begin([.test()]) }
  }

  @Test("A file that everybody may write, or replace")
  func writableByAll() throws {
    try HistoryStore(path: folder.history).close()
    try setMode(folder.history, 0o606)
    #expect(throws: HistoryError.cannotOpen(folder.history, .writableByAll)) {
      try HistoryStore(path: folder.history)
    }
    try setMode(folder.history, 0o600)
    try setMode(folder.path, 0o777)
    #expect(throws: HistoryError.cannotOpen(folder.history, .writableByAll)) {
      try HistoryStore(path: folder.history)
    }
    // As in /tmp: others may add files, and not replace this one.
    try setMode(folder.path, 0o1777)
    try HistoryStore(path: folder.history).close()
  }

  @Test("A link to nowhere, and a link to a history")
  func links() throws {
    let link = folder.path.appending("link.sqlite")
    try FileManager.default.createSymbolicLink(
      atPath: link.string, withDestinationPath: folder.history.string)
    #expect(throws: HistoryError.cannotOpen(link, .file(.noSuchFileOrDirectory))) {
      try HistoryStore(path: link)
    }
    try HistoryStore(path: folder.history).close()
    try HistoryStore(path: link).close()

    // What counts is where the link leads.
    let open = folder.path.appending("open")
    try FileManager.default.createDirectory(
      atPath: open.string, withIntermediateDirectories: false)
    let history = open.appending("history.sqlite")
    try HistoryStore(path: history).close()
    try setMode(open, 0o777)
    let other = folder.path.appending("other.sqlite")
    try FileManager.default.createSymbolicLink(
      atPath: other.string, withDestinationPath: history.string)
    #expect(throws: HistoryError.cannotOpen(other, .writableByAll)) {
      try HistoryStore(path: other)
    }
  }

  @Test("A file of another user is refused, by root it is not, nor where a group shares the folder")
  func ownedByAnother() throws {
    try HistoryStore(path: folder.history).close()
    let owner = geteuid()
    let other = StoreSettings(user: owner + 1)
    #expect(throws: HistoryError.cannotOpen(folder.history, .ownedByAnother(owner))) {
      try HistoryStore(path: folder.history, settings: other)
    }
    try HistoryStore(path: folder.history, settings: StoreSettings(user: 0)).close()
    try setMode(folder.path, 0o2770)
    try HistoryStore(path: folder.history, settings: other).close()
  }

  @Test("A file that another process keeps locked")
  func locked() async throws {
    var settings = StoreSettings()
    settings.busyTimeout = .milliseconds(20)
    let store = try HistoryStore(path: folder.history, settings: settings)
    let lock = try ForeignLock(on: folder.history)
    await #expect(throws: HistoryError.busy) { try await store.begin([.test()]) }
    try lock.release()
    #expect(try await store.begin([.test()]) == [ChangeID(1)])
  }

  @Test("A full disk refuses the change, and the next one is recorded when there is room")
  func full() async throws {
    let store = try HistoryStore(path: folder.history)
    let pages = try await store.database.writeWithoutTransaction { db in
      let pages = try #require(try Int.fetchOne(db, sql: "PRAGMA page_count"))
      _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
      return pages
    }
    await #expect(throws: HistoryError.full) {
      try await store.begin((0..<500).map { .test("k\($0)") })
    }
    try await store.database.writeWithoutTransaction {
      _ = try Int.fetchOne($0, sql: "PRAGMA max_page_count = \(pages + 1000)")
    }
    #expect(try await store.begin([.test()]) == [ChangeID(1)])
    #expect(try await store.verify().isIntact)
  }

  @Test("A file that is no database, and a damaged one")
  func corrupt() async throws {
    let noise = folder.path.appending("noise.sqlite")
    try Data(repeating: 0x5a, count: 8192).write(to: URL(fileURLWithPath: noise.string))
    #expect { try HistoryStore(path: noise) } throws: { error in
      guard case .corrupt = error as? HistoryError else { return false }
      return true
    }

    let store = try HistoryStore(path: folder.history)
    _ = try await store.begin((0..<500).map { .test("k\($0)") })
    try store.close()
    // What lies in the WAL would stand in for the pages that are damaged below.
    try withForeignConnection(to: folder.history) {
      try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
    }
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: folder.history.string))
    let size = try file.seekToEnd()
    for page in stride(from: 2, to: size / 4096, by: 1) {
      try file.seek(toOffset: page * 4096)
      try file.write(contentsOf: Data(repeating: 0xff, count: 100))
    }
    try file.close()
    await #expect {
      let damaged = try HistoryStore(path: folder.history)
      _ = try await damaged.verify()
    } throws: { error in
      guard case .corrupt = error as? HistoryError else { return false }
      return true
    }
  }

  @Test("A file that a newer Pail wrote")
  func newer() throws {
    try HistoryStore(path: folder.history).close()
    try withForeignConnection(to: folder.history) {
      try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')")
    }
    #expect(throws: HistoryError.newer) { try HistoryStore(path: folder.history) }
  }

  @Test("A database of another program is left as it is")
  func otherDatabase() throws {
    try withForeignConnection(to: folder.history) {
      try $0.execute(sql: "CREATE TABLE songs (name TEXT)")
    }
    let before = try Data(contentsOf: URL(fileURLWithPath: folder.history.string))
    #expect(throws: HistoryError.cannotOpen(folder.history, .otherDatabase)) {
      try HistoryStore(path: folder.history)
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.history.string)) == before)
  }

  @Test("The default path follows XDG_STATE_HOME when that is absolute, else the home folder")
  func defaultPath() throws {
    #expect(
      try HistoryStore.defaultPath(environment: ["XDG_STATE_HOME": "/var/s"], home: "/home/ana")
        == "/var/s/pail/history.sqlite")
    #expect(
      try HistoryStore.defaultPath(environment: ["XDG_STATE_HOME": "s"], home: "/home/ana")
        == "/home/ana/.local/state/pail/history.sqlite")
    #expect(throws: HistoryError.cannotOpen("pail/history.sqlite", .noHome)) {
      try HistoryStore.defaultPath(environment: [:], home: nil)
    }
    #expect(throws: HistoryError.cannotOpen("pail/history.sqlite", .noHome)) {
      try HistoryStore.defaultPath(environment: ["XDG_STATE_HOME": ""], home: "")
    }
  }
}
