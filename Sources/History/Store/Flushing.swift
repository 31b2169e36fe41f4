internal import GRDB

extension DatabaseWriter {
  /// As `write`, for what a loss of power may take back: it outlives the process, and the next commit
  /// of another kind brings it to the disk.
  ///
  /// Without a WAL it is flushed like all else, since SQLite might damage the file otherwise.
  /// See <https://www.sqlite.org/pragma.html#pragma_synchronous>.
  func writeUnflushed(_ body: (Database) throws -> Void) throws {
    try writeWithoutTransaction { db in
      let level = try Int.fetchOne(db, sql: "PRAGMA synchronous")
      guard level == StoreSettings.Journal.wal.synchronous.number else {
        return try db.inTransaction(body)
      }
      try db.execute(sql: "PRAGMA synchronous = NORMAL")
      let result = Result { try db.inTransaction(body) }
      // Whatever came of it.
      try db.execute(sql: "PRAGMA synchronous = \(StoreSettings.Journal.wal.synchronous.name)")
      try result.get()
    }
  }
}

extension Database {
  fileprivate func inTransaction(_ body: (Database) throws -> Void) throws {
    try inTransaction {
      try body(self)
      return .commit
    }
  }
}
