internal import CSQLite
internal import GRDB

/// Readies the connection that records. It alone does without the triggers of the file, which watch
/// over those of everybody else.
///
/// For each row these look through both tables, and for that SQLite copies all rows of a statement
/// to a table of its own first: together they take as long as everything else about a row. What they
/// demand of a new row ``append(_:to:)`` does, in the transaction that adds it. Alterations are
/// refused here as well, by triggers of the connection, which SQLite goes through for them alone.
func prepareForAppending(_ db: Database) throws {
  guard pail_sqlite_leave_out_triggers(db.sqliteConnection) == SQLITE_OK else {
    throw HistoryError.sqlite(code: 0, message: "triggers cannot be left out")
  }
  // A row that REPLACE removes then goes through the trigger for deletions.
  try db.execute(sql: "PRAGMA recursive_triggers = ON")
  try refuseAlterations(of: ["changes", "outcomes", "beginning", "ending"], by: db)
}

private func refuseAlterations(of tables: [String], by db: Database) throws {
  for table in tables {
    for verb in ["UPDATE", "DELETE"] {
      try db.execute(
        sql: """
          CREATE TEMP TRIGGER \(table)Keep\(verb) BEFORE \(verb) ON main.\(table)
          BEGIN SELECT RAISE(ABORT, 'the history only grows'); END
          """)
    }
  }
}

/// Takes away all rows, which are to lie in an archive already, and what keeps them meanwhile.
///
/// To be called in a transaction, with foreign keys off: rows then go all at once.
func removeArchivedRows(_ db: Database) throws {
  let tables = ["outcomes", "changes", "beginning"]
  for table in tables {
    for verb in ["UPDATE", "DELETE"] {
      try db.execute(sql: "DROP TRIGGER temp.\(table)Keep\(verb)")
    }
    try db.execute(sql: "DELETE FROM \(table)")
  }
  try db.execute(sql: "DELETE FROM openChanges")
  try refuseAlterations(of: tables, by: db)
}
