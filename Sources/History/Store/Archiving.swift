internal import GRDB
internal import Glibc
internal import S3
internal import SystemPackage

/// Moves the rows of a history to a file of their own.
///
/// The history stays the same file and only gets empty: other processes have it open, with its
/// journal beside it, and a file that is renamed under them would take their rows along or lose
/// them. The copy is made while they go on; what they add meanwhile is copied under their lock.
struct Archiver {
  let database: any DatabaseWriter
  private(set) var file: FilePath
  /// Other hosts of which the caller knows that no process of theirs makes a change any more.
  var deadHosts: Set<String> = []

  mutating func run() throws -> ArchiveReport {
    var status = stat()
    guard lstat(file.string, &status) != 0 else { throw HistoryError.archiveExists(file) }
    // Asked before anything is copied, and once more when nobody else can write.
    try database.read { db in
      guard try !isArchived(db) else { throw HistoryError.archived }
      guard try ChainTip.fetch(db).number > (try ChainBeginning.fetch(db)?.tip.number ?? 0) else {
        throw HistoryError.nothingToArchive
      }
      _ = try changesToCarry(db)
    }
    let draft = try prepareDraft()
    defer { unlink(draft.string) }
    // From the root and without links, as the history shall name it.
    if let name = file.lastComponent { file = draft.removingLastComponent().appending(name) }
    let copy = try DatabaseQueue(path: draft.string)
    defer { try? copy.close() }
    try database.backup(to: copy)
    let copied = try prepare(copy)
    let report = try moveRows(draft: draft, copy: copy, copied: copied)
    // Gives back the room. Not done while others keep the file busy, and then done by SQLite in
    // time, as rows are added.
    try? database.writeWithoutTransaction { db in
      try db.execute(sql: "VACUUM")
      try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
    }
    return report
  }

  // MARK: The copy

  /// Beside the archive, so that it can be linked to its name when it is whole.
  private func prepareDraft() throws -> FilePath {
    let name = ".\(file.lastComponent?.string ?? "history").\(getpid()).part"
    do {
      return try prepareFile(
        at: file.removingLastComponent().appending(name), user: geteuid())
    } catch let problem as HistoryError.OpenProblem {
      throw HistoryError.cannotOpen(file, problem)
    }
  }

  /// - Returns: what has been copied, all of which is intact.
  private func prepare(_ copy: DatabaseQueue) throws -> ChainReport {
    try copy.writeWithoutTransaction { db in
      // One file, which can be moved; flushed with its folder.
      try db.execute(sql: "PRAGMA journal_mode = DELETE")
      try db.execute(sql: "PRAGMA synchronous = EXTRA")
      let report = try walkChain(db, expecting: nil)
      if let row = report.firstBroken { throw HistoryError.corrupt("row \(row.number)") }
      return report
    }
  }

  private func moveRows(
    draft: FilePath, copy: DatabaseQueue, copied: ChainReport
  ) throws -> ArchiveReport {
    var report = ArchiveReport(
      file: file, changes: copied.changes, outcomes: copied.outcomes, head: copied.head,
      carriedOver: 0)
    try database.writeWithoutTransaction { db in
      // Rows that others refer to cannot go all at once, and nothing refers to them afterwards.
      try db.execute(sql: "PRAGMA foreign_keys = OFF")
      defer { try? db.execute(sql: "PRAGMA foreign_keys = ON") }
      try db.inTransaction(.immediate) {
        try requireInPlace(db)
        let carried = try changesToCarry(db)
        let archivedAt = Timestamp.now()
        let tip = try ChainTip.fetch(db)
        try copyRest(from: db, to: copy, &report)
        try end(copy, at: archivedAt, tip: tip)
        try publish(draft)
        try removeArchivedRows(db)
        try db.execute(
          sql: "INSERT INTO beginning VALUES (1, ?, ?, ?, ?)",
          arguments: [
            tip.number, DatabaseValue.blob(tip.hash.bytes), DatabaseValue.blob(file.bytes),
            archivedAt.databaseNanoseconds,
          ])
        for result in try append([Records(carried)], to: db) { _ = try result.get() }
        report.head = tip.hash
        report.carriedOver = carried.count
        return .commit
      }
    }
    return report
  }

  /// The rows that came since the copy was made.
  private func copyRest(
    from db: Database, to copy: DatabaseQueue, _ report: inout ArchiveReport
  ) throws {
    var added = report
    try copy.write { target in
      let last = try ChainTip.fetch(target).number
      var rows: [(table: RecordTable, values: [DatabaseValue])] = []
      for table in [RecordTable.changes, .outcomes] {
        let found = try Row.fetchAll(
          db,
          sql: "SELECT \(table.columns.joined(separator: ", ")) FROM \(table) WHERE id > ?",
          arguments: [last])
        rows += found.map { (table, Array($0.databaseValues)) }
        if table == .changes { added.changes += found.count } else { added.outcomes += found.count }
      }
      // In the order of their numbers, which come first in both tables.
      let ordered = rows.sorted { left, right in
        Int64.fromDatabaseValue(left.values[0]) ?? 0 < Int64.fromDatabaseValue(right.values[0]) ?? 0
      }
      for (table, values) in ordered {
        try target.cachedStatement(sql: table.insertion(of: 1))
          .execute(arguments: StatementArguments(values))
      }
    }
    report = added
  }

  /// Closes the copy for good, once it is known to hold everything.
  private func end(_ copy: DatabaseQueue, at archivedAt: Timestamp, tip: ChainTip) throws {
    try copy.write { db in
      let end = try ChainTip.fetch(db)
      guard end.number == tip.number, end.hash == tip.hash else {
        throw HistoryError.corrupt("the copy differs at row \(end.number)")
      }
      try db.execute(
        sql: "INSERT INTO ending VALUES (1, ?)", arguments: [archivedAt.databaseNanoseconds])
    }
    try copy.close()
  }

  /// Gives the copy its name; nothing that lies there is replaced.
  private func publish(_ draft: FilePath) throws {
    guard link(draft.string, file.string) == 0 else {
      let error = Errno(rawValue: errno)
      throw error == .fileExists
        ? HistoryError.archiveExists(file) : .cannotOpen(file, .file(error))
    }
    do {
      try flush(file.removingLastComponent())
    } catch let problem as HistoryError.OpenProblem {
      throw HistoryError.cannotOpen(file, problem)
    }
  }

  // MARK: Open changes

  /// Changes without an outcome whose processes are dead.
  ///
  /// - Throws: ``HistoryError/changesUnderWay(_:_:)`` when some may live: theirs would be recorded
  ///   for rows that are gone.
  private func changesToCarry(_ db: Database) throws -> [ChangeDraft] {
    var processes = ProcessTable()
    var carried: [ChangeDraft] = []
    var living: (count: Int, author: Author)?
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT \(HistoryEntry.columns)
        FROM openChanges p JOIN changes c ON c.id = p.change
          LEFT JOIN outcomes o ON o.change = c.id
        ORDER BY p.change
        """)
    while let row = try rows.next() {
      let entry = try HistoryEntry(row)
      let isDead = deadHosts.contains(entry.author.host) && !entry.author.isOfThisHost
      if !isDead, processes.isRunning(entry.author) {
        living = ((living?.count ?? 0) + 1, living?.author ?? entry.author)
      } else {
        carried.append(entry.draft)
      }
    }
    if let living { throw HistoryError.changesUnderWay(living.count, living.author) }
    return carried
  }
}
