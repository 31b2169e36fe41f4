internal import GRDB

extension DatabaseWriter {
  /// As `write`, for what a loss of power may take back: it outlives the process, and ``flush()`` or
  /// the next commit of another kind brings it to the disk.
  ///
  /// Without a WAL it is flushed like all else, since SQLite might damage the file otherwise.
  /// See <https://www.sqlite.org/pragma.html#pragma_synchronous>.
  ///
  /// - Returns: whether it is unflushed.
  func writeUnflushed(
    _ body: @escaping @Sendable (Database) throws -> Void
  ) async throws -> Bool {
    try await writeWithoutTransaction { db in
      let level = try Int.fetchOne(db, sql: "PRAGMA synchronous")
      guard level == StoreSettings.Journal.wal.synchronous.number else {
        try db.inTransaction(body)
        return false
      }
      try db.execute(sql: "PRAGMA synchronous = NORMAL")
      let result = Result { try db.inTransaction(body) }
      // Whatever came of it.
      try db.execute(sql: "PRAGMA synchronous = \(StoreSettings.Journal.wal.synchronous.name)")
      try result.get()
      return true
    }
  }

  /// Brings to the disk what was written unflushed.
  func flush() async throws {
    try await write { db in
      // SQLite flushes with a commit, and commits what has changed: writing a field of the file's
      // header counts as that, whatever was in it.
      let id = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
      try db.execute(sql: "PRAGMA application_id = \(id)")
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
