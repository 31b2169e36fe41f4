internal import CSQLite
internal import GRDB
internal import Glibc
internal import SystemPackage

/// What a database of ours holds, and how others are told from it.
struct DatabaseSchema: Sendable {
  /// Of its connections, for whoever debugs them.
  var label: String
  /// In the header of the file.
  var applicationID: Int
  /// Everything the schema is.
  var migrator: @Sendable () -> DatabaseMigrator
  /// Whether a setgid folder makes the file its group's.
  var mayBeShared: Bool
  /// Whether what lies in a journal without its file is refused rather than lost.
  var isRecord: Bool
  /// Readies the connection that writes, once the schema is there.
  var prepareWriter: @Sendable (Database) throws -> Void = { _ in }

  static let history = DatabaseSchema(
    label: "pail.history", applicationID: historyApplicationID, migrator: makeMigrator,
    mayBeShared: true, isRecord: true, prepareWriter: prepareForAppending)
}

/// How a store opens its file. The defaults are those of the history; tests have others.
struct StoreSettings {
  enum Journal {
    /// Readers and one writer at a time, each with a flush: needs memory shared between processes.
    case wal
    /// Works where processes share a file and no memory, as on network file systems.
    case delete

    /// What SQLite calls the flush of every commit.
    var synchronous: (name: String, number: Int) {
      switch self {
      case .wal: ("FULL", 2)
      // FULL does not flush the folder after the journal is removed, so that a commit could be
      // rolled back after a loss of power.
      case .delete: ("EXTRA", 3)
      }
    }
  }

  /// How long to wait for a lock that another process holds.
  var busyTimeout: Duration = .seconds(10)
  /// So long outcomes wait for others, at most, while more of them are to come.
  var gatheringTime: Duration = .milliseconds(5)
  /// nil lets the file system decide.
  var journal: Journal?
  /// Whose file it has to be.
  var user: UInt32 = geteuid()
  var schema = DatabaseSchema.history
  /// Whether a file that may be read and not written is opened all the same, to be read.
  var readsProtected = false
}

/// Said once, before the first database of the process is opened; later it has no effect.
private let isConfigured =
  pail_sqlite_count_no_memory() == SQLITE_OK && pail_sqlite_take_uris() == SQLITE_OK

/// Opens, checks and brings up to date the database at `path`, and makes it when there is none.
func openDatabase(
  at path: FilePath, settings: StoreSettings
) throws(HistoryError) -> any DatabaseWriter {
  _ = isConfigured
  do {
    if settings.readsProtected,
      let file = try protectedFile(
        at: path, user: settings.user, mayBeShared: settings.schema.mayBeShared)
    {
      return try connect(toRead: file, settings: settings)
    }
    if settings.schema.isRecord { try refuseLeftovers(at: path) }
    let file = try prepareFile(
      at: path, user: settings.user, mayBeShared: settings.schema.mayBeShared)
    let journal = try settings.journal ?? chooseJournal(for: file.removingLastComponent())
    // Switching to WAL and recovering after a crash may answer "busy" without having waited.
    let clock = ContinuousClock()
    let deadline = clock.now + settings.busyTimeout
    while true {
      do {
        return try connect(to: file, journal: journal, settings: settings)
      } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
        guard clock.now < deadline else { throw error }
        poll(nil, 0, 5)
      }
    }
  } catch let problem as HistoryError.OpenProblem {
    throw .cannotOpen(path, problem)
  } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN {
    throw .cannotOpen(path, .file(Errno(rawValue: errno == 0 ? EIO : errno)))
  } catch {
    throw HistoryError(error)
  }
}

private func connect(
  to path: FilePath, journal: StoreSettings.Journal, settings: StoreSettings
) throws -> any DatabaseWriter {
  let configuration = configuration(settings)
  let writer: any DatabaseWriter =
    switch journal {
    case .wal: try DatabasePool(path: path.string, configuration: configuration)
    case .delete: try DatabaseQueue(path: path.string, configuration: configuration)
    }
  if journal == .delete {
    try writer.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
  }
  // Not flushed yet where there is a WAL: the first commit of rows flushes it as a whole.
  try migrate(writer, settings.schema.migrator())
  // GRDB itself sets NORMAL with WAL, which may lose the last commits with the power.
  let synchronous = journal.synchronous
  try writer.writeWithoutTransaction { db in
    try db.execute(sql: "PRAGMA synchronous = \(synchronous.name)")
    guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == synchronous.number else {
      throw HistoryError.sqlite(code: 0, message: "PRAGMA synchronous has no effect")
    }
    // Each insertion could be taken back alone, for which SQLite keeps a copy of the pages it
    // touches: 11 writes to a temporary file for each row, unless they stay in memory.
    try db.execute(sql: "PRAGMA temp_store = MEMORY")
  }
  try writer.writeWithoutTransaction(settings.schema.prepareWriter)
  return writer
}

private func configuration(_ settings: StoreSettings) -> Configuration {
  var configuration = Configuration()
  configuration.label = settings.schema.label
  configuration.busyMode = .timeout(settings.busyTimeout / .seconds(1))
  configuration.maximumReaderCount = 2
  // Before anything is written, the journal mode included.
  let applicationID = settings.schema.applicationID
  configuration.prepareDatabase { db in
    try requireOwnDatabase(db, applicationID)
  }
  return configuration
}

/// - Throws: ``HistoryError/readOnly`` for a file that an older Pail wrote: it would have to be brought
///   up to date.
private func connect(
  toRead file: ProtectedFile, settings: StoreSettings
) throws -> any DatabaseWriter {
  var configuration = configuration(settings)
  configuration.readonly = true
  // Else SQLite makes files beside one that has had a WAL, or fails where it cannot.
  let reader = try DatabaseQueue(
    path: file.isFixed ? "\(file.uri)?immutable=1" : file.path.string,
    configuration: configuration)
  let migrator = settings.schema.migrator()
  let isUpToDate = try reader.read { db in
    guard try !migrator.hasBeenSuperseded(db) else { throw HistoryError.newer }
    return try migrator.hasCompletedMigrations(db)
  }
  guard isUpToDate else { throw HistoryError.readOnly }
  return reader
}

private func migrate(_ writer: any DatabaseWriter, _ migrator: DatabaseMigrator) throws {
  // Another process may do the same at once: it makes GRDB's own table between the statements of our
  // look, or runs a migration between our look and our lock. Ours then fails as a whole, and the next
  // look finds it done; there is one such moment for that table and one for each migration.
  var racesLeft = migrator.migrations.count + 1
  while true {
    do {
      let isDone = try writer.read { db in
        guard try !migrator.hasBeenSuperseded(db) else { throw HistoryError.newer }
        return try migrator.hasCompletedMigrations(db)
      }
      if !isDone { try migrator.migrate(writer) }
      return
    } catch let error as DatabaseError {
      let isRace = [.SQLITE_ERROR, .SQLITE_CONSTRAINT].contains(error.resultCode)
      guard isRace, racesLeft > 0 else { throw error }
      racesLeft -= 1
    }
  }
}

/// Refuses a database that something else made. What GRDB makes before the first migration has
/// run, in whatever process, is ours.
private func requireOwnDatabase(_ db: Database, _ applicationID: Int) throws {
  let foreign = try Int.fetchOne(
    db,
    sql: """
      SELECT count(*) FROM sqlite_master, pragma_application_id
      WHERE application_id <> \(applicationID)
        AND name NOT GLOB 'grdb_*' AND name NOT GLOB 'sqlite_*'
      """)
  guard foreign == 0 else { throw HistoryError.OpenProblem.otherDatabase }
}

private func chooseJournal(for folder: FilePath) throws -> StoreSettings.Journal {
  guard isOnSharedFileSystem(folder) else { return .wal }
  guard try locksWork(in: folder) else { throw HistoryError.OpenProblem.noLocks }
  return .delete
}
