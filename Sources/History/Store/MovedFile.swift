internal import CSQLite
internal import GRDB
internal import Glibc
internal import SystemPackage

/// The files that SQLite keeps beside a database while it is open, and after a process that died.
private let companions = ["-wal", "-shm", "-journal"]

/// Refuses to go on with a file that does not lie any more where it was opened: nobody who looks for
/// the rows would find them.
///
/// One look at the file's status, for a whole commit. A file that is moved between this and the end
/// of the commit is noticed by the next commit, which is that of the outcomes at the latest.
///
/// - Throws: ``HistoryError/moved(_:)``; ``HistoryError/cannotOpen(_:_:)`` when one cannot tell.
func requireInPlace(_ db: Database) throws {
  var hasMoved: Int32 = 0
  // Of the file that SQLite has open, whose inode no other file can have meanwhile.
  guard
    sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_HAS_MOVED, &hasMoved)
      == SQLITE_OK, hasMoved != 0, let path = path(of: db)
  else { return }
  // SQLite calls a file moved as well when it cannot look at it.
  var status = stat()
  guard stat(path.string, &status) == 0 || isMissing(errno) else {
    throw HistoryError.cannotOpen(path, .file(Errno(rawValue: errno)))
  }
  throw HistoryError.moved(path)
}

/// Brings into a moved file what was committed: the journal stays behind at the old place, and whoever
/// opens the file at the new one does not see what is in it. SQLite does not do so on closing.
///
/// What cannot be done is left as it is.
func saveMovedFile(_ database: any DatabaseWriter) {
  try? database.writeWithoutTransaction { db in
    // Where another file lies there by now, the journal may be used for that one.
    guard let path = path(of: db), !isThere(path) else { return }
    let isBusy = try Bool.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
    guard isBusy == false, !isThere(path) else { return }
    // They hold nothing now. Nobody makes a new history while they are there.
    for companion in companions { unlink(path.string + companion) }
  }
}

/// Makes sure that no new history takes the place of one that was moved or removed without its
/// journal: SQLite removes a journal before it begins a new file, and processes that still have the old
/// one open would share their memory of it.
///
/// - Throws: ``HistoryError/OpenProblem/leftover(_:)``
func refuseLeftovers(at path: FilePath) throws {
  for companion in companions {
    let file = FilePath(path.string + companion)
    // In this order: whoever makes a history at this moment makes the history's own file first.
    if isThere(file), !isThere(path) { throw HistoryError.OpenProblem.leftover(file) }
  }
}

private func path(of db: Database) -> FilePath? {
  sqlite3_db_filename(db.sqliteConnection, "main").map { FilePath(platformString: $0) }
}

private func isThere(_ path: FilePath) -> Bool {
  var status = stat()
  return lstat(path.string, &status) == 0 || !isMissing(errno)
}

private func isMissing(_ error: Int32) -> Bool { error == ENOENT || error == ENOTDIR }
