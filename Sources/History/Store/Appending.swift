internal import GRDB
internal import S3

/// Adds what several calls want recorded, each of them whole or not at all.
///
/// - Throws: What keeps all of them from being recorded, such as a full disk. What is wrong with
///   one call is that call's result.
func append(
  _ group: [Records], to db: Database
) throws -> [Result<[ChangeID], HistoryError>] {
  let start = try ChainTip.fetch(db)
  var results: [Result<[ChangeID], HistoryError>] = []
  do {
    // A savepoint for each call would cost as much as a row.
    try db.inSavepoint {
      var tip = start
      results = try group.map { .success(try append($0, to: db, after: &tip)) }
      return .commit
    }
    return results
  } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
    return try appendOneByOne(group, to: db, after: start)
  }
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
        ids = try append(records, to: db, after: &tip)
        return .commit
      }
      return .success(ids)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
      tip = before
      return .failure(try reason(for: error, refusing: records, in: db))
    }
  }
}

private func append(
  _ records: Records, to db: Database, after tip: inout ChainTip
) throws -> [ChangeID] {
  let first = tip.number + 1
  switch records {
  case .changes(let drafts):
    let rows = drafts.map { draft in
      tip.append(in: .changes) { draft.values(id: $0, previous: $1) }
    }
    try insert(rows, into: .changes, of: db)
    return (first..<tip.number + 1).map { ChangeID($0) }
  case .outcomes(let outcomes):
    let rows = outcomes.map { outcome in
      tip.append(in: .outcomes) { outcome.values(id: $0, previous: $1) }
    }
    try insert(rows, into: .outcomes, of: db)
    return []
  }
}

extension ChainTip {
  /// Adds a row to the chain.
  fileprivate mutating func append(
    in table: RecordTable, _ values: (Int64, ChainHash) -> [DatabaseValue]
  ) -> [DatabaseValue] {
    let row = values(number + 1, hash)
    self = ChainTip(number: number + 1, hash: ChainHash(of: row, in: table))
    return row
  }
}

private func insert(
  _ rows: [[DatabaseValue]], into table: RecordTable, of db: Database
) throws {
  var rest = rows[...]
  while !rest.isEmpty {
    let isMany = rest.count >= RecordTable.rowsOfMany
    let group = rest.prefix(isMany ? RecordTable.rowsOfMany : 1)
    rest = rest.dropFirst(group.count)
    let statement = try db.cachedStatement(sql: isMany ? table.insertionOfMany : table.insertion)
    // Bound one by one: GRDB makes three lists of a list of arguments before it does the same.
    statement.setUncheckedArguments(StatementArguments())
    for (index, value) in zip(Int32(1)..., group.joined()) {
      let code = ResultCode(rawValue: value.bind(to: statement.sqliteStatement, at: index))
      guard code == .SQLITE_OK else { throw DatabaseError(resultCode: code) }
    }
    try statement.execute()
  }
}

/// What a constraint leaves unsaid.
private func reason(
  for error: DatabaseError, refusing records: Records, in db: Database
) throws -> HistoryError {
  guard case .outcomes(let outcomes) = records else { return HistoryError(error) }
  var seen: Set<ChangeID> = []
  for change in outcomes.map(\.change) {
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
