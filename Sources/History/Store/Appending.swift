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
  var tip = start
  var rows = NewRows()
  var ids: [[ChangeID]] = Array(repeating: [], count: group.count)
  // Rows have the numbers that follow, and changes are inserted first.
  for areChanges in [true, false] {
    for (index, records) in group.enumerated() where records.areChanges == areChanges {
      ids[index] = rows.add(records, after: &tip)
    }
  }
  do {
    // A savepoint for each call would cost as much as a row.
    try db.inSavepoint {
      try rows.insert(into: db)
      return .commit
    }
    return ids.map { .success($0) }
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
        var rows = NewRows()
        ids = rows.add(records, after: &tip)
        try rows.insert(into: db)
        return .commit
      }
      return .success(ids)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
      tip = before
      return .failure(try reason(for: error, refusing: records, in: db))
    }
  }
}

/// The rows of some calls, in the order of the chain: changes, then outcomes. Inserted with as few
/// statements as can be.
private struct NewRows {
  private var changes: [[DatabaseValue]] = []
  private var outcomes: [[DatabaseValue]] = []

  /// - Returns: the numbers of the changes among them.
  mutating func add(_ records: Records, after tip: inout ChainTip) -> [ChangeID] {
    let first = tip.number + 1
    switch records {
    case .changes(let drafts):
      for draft in drafts {
        changes.append(tip.append(in: .changes) { draft.values(id: $0, previous: $1) })
      }
      return (first..<tip.number + 1).map { ChangeID($0) }
    case .outcomes(let outcomes):
      for outcome in outcomes {
        self.outcomes.append(tip.append(in: .outcomes) { outcome.values(id: $0, previous: $1) })
      }
      return []
    }
  }

  func insert(into db: Database) throws {
    // An outcome is of a change that has its row by then.
    try History.insert(changes, into: .changes, of: db)
    try History.insert(outcomes, into: .outcomes, of: db)
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
    let count = RecordTable.rowsOfStatements.first { $0 <= rest.count } ?? 1
    let group = rest.prefix(count)
    rest = rest.dropFirst(count)
    let statement = try db.cachedStatement(sql: table.insertion(of: count))
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
