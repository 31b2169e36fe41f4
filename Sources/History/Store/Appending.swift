internal import GRDB
internal import S3

/// Adds what several calls want recorded, each of them whole or not at all.
///
/// What the triggers of the file demand of a new row is seen to here, since they are left out; see
/// ``prepareForAppending(_:)``. In a transaction, so that nobody else adds rows meanwhile.
///
/// - Throws: What keeps all of them from being recorded, such as a full disk. What is wrong with
///   one call is that call's result.
func append(
  _ group: [Records], to db: Database
) throws -> [Result<[ChangeID], HistoryError>] {
  guard try !isArchived(db) else { return group.map { _ in .failure(.archived) } }
  let start = try ChainTip.fetch(db)
  do {
    var ids: [[ChangeID]] = []
    // A savepoint for each call would cost as much as a row.
    try db.inSavepoint {
      var tip = start
      ids = try insert(group, after: &tip, into: db)
      return .commit
    }
    return ids.map { .success($0) }
  } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
    return try appendOneByOne(group, to: db, after: start)
  }
}

func isArchived(_ db: Database) throws -> Bool {
  try Bool.fetchOne(db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM ending)")) ?? false
}

/// Finds out which calls are refused, and records the others.
private func appendOneByOne(
  _ group: [Records], to db: Database, after start: ChainTip
) throws -> [Result<[ChangeID], HistoryError>] {
  var tip = start
  return try group.map { records in
    let before = tip
    do {
      var ids: [ChangeID] = []
      try db.inSavepoint {
        ids = try insert([records], after: &tip, into: db).flatMap(\.self)
        return .commit
      }
      return .success(ids)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
      tip = before
      return .failure(try reason(for: error, refusing: records, in: db))
    }
  }
}

/// Inserts changes first, since an outcome is of a change that has its row by then.
///
/// - Returns: the numbers of each call's changes.
private func insert(
  _ group: [Records], after tip: inout ChainTip, into db: Database
) throws -> [[ChangeID]] {
  var ids: [[ChangeID]] = Array(repeating: [], count: group.count)
  for table in [RecordTable.changes, .outcomes] {
    let calls = group.enumerated().filter { $0.element.table == table }
    let start = tip.number
    var insertion = Insertion(
      of: calls.reduce(0) { $0 + $1.element.count }, into: table, of: db)
    for (index, records) in calls {
      let first = tip.number + 1
      try insertion.add(records.rows, after: &tip)
      if table == .changes { ids[index] = (first..<tip.number + 1).map { ChangeID($0) } }
    }
    switch table {
    case .changes where tip.number > start: try open(start + 1...tip.number, in: db)
    case .changes: break
    case .outcomes: try close(calls.flatMap(\.element.ended), in: db)
    }
  }
  return ids
}

/// Changes are open from their row on.
private func open(_ changes: ClosedRange<Int64>, in db: Database) throws {
  try db.cachedStatement(
    sql: "INSERT INTO openChanges SELECT id FROM changes WHERE id BETWEEN ? AND ?"
  ).execute(arguments: [changes.lowerBound, changes.upperBound])
}

/// Changes are open until there is a row of their outcome. Most that end together have begun together,
/// and go as one range.
private func close(_ changes: [ChangeID], in db: Database) throws {
  let statement = try db.cachedStatement(
    sql: "DELETE FROM openChanges WHERE change BETWEEN ? AND ?")
  var rest = changes.map(\.value).sorted()[...]
  while let first = rest.popFirst() {
    var last = first
    while rest.first == last + 1 {
      last += 1
      rest.removeFirst()
    }
    try statement.execute(arguments: [first, last])
  }
}

/// Inserts rows into one table, with as few statements as can be.
private struct Insertion: ~Copyable {
  private let db: Database
  private let table: RecordTable
  /// How many rows are still to be inserted.
  private var left: Int
  /// Those that the next statement takes along.
  private var rows: CanonicalRows
  private var hash = SHA256()

  init(of count: Int, into table: RecordTable, of db: Database) {
    self.db = db
    self.table = table
    left = count
    rows = CanonicalRows(of: table)
  }

  mutating func add(_ added: CanonicalRows, after tip: inout ChainTip) throws {
    for index in 0..<added.count {
      tip = rows.place(index, of: added, after: tip, hashing: &hash)
      guard let count = RecordTable.rowsOfStatements.first(where: { $0 <= left }),
        rows.count == count
      else { continue }
      try rows.execute(db.cachedStatement(sql: table.insertion(of: count)))
      left -= count
      rows.removeAll()
    }
  }
}

/// What a constraint leaves unsaid.
private func reason(
  for error: DatabaseError, refusing records: Records, in db: Database
) throws -> HistoryError {
  var seen: Set<ChangeID> = []
  for change in records.ended {
    let arguments: StatementArguments = [change.value]
    let isKnown = try Bool.fetchOne(
      db, sql: "SELECT EXISTS (SELECT 1 FROM changes WHERE id = ?)", arguments: arguments)
    guard isKnown == true else { return .unknownChange(change) }
    let isFinished = try Bool.fetchOne(
      db, sql: "SELECT EXISTS (SELECT 1 FROM outcomes WHERE change = ?)", arguments: arguments)
    guard isFinished == false, seen.insert(change).inserted else { return .alreadyFinished(change) }
  }
  return HistoryError(error)
}
