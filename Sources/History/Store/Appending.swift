internal import GRDB
internal import S3

/// Adds what several calls want recorded, each of them whole or not at all.
///
/// - Throws: What keeps all of them from being recorded, such as a full disk. What is wrong with
///   one call is that call's result.
func append(
  _ group: [Records], to db: Database
) throws -> [Result<[ChangeID], HistoryError>] {
  var tip = try ChainTip.fetch(db)
  var results: [Result<[ChangeID], HistoryError>] = []
  for records in group {
    let start = tip
    do {
      var ids: [ChangeID] = []
      try db.inSavepoint {
        ids = try append(records, to: db, after: &tip)
        return .commit
      }
      results.append(.success(ids))
    } catch let error as HistoryError {
      tip = start
      results.append(.failure(error))
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
      tip = start
      results.append(.failure(HistoryError(error)))
    }
  }
  return results
}

private func append(
  _ records: Records, to db: Database, after tip: inout ChainTip
) throws -> [ChangeID] {
  switch records {
  case .changes(let drafts):
    return try drafts.map { draft in
      let values = draft.values(id: tip.number + 1, previous: tip.hash)
      return ChangeID(try insert(values, into: .changes, of: db, after: &tip))
    }
  case .outcomes(let outcomes):
    for outcome in outcomes {
      try requireOpen(outcome.change, in: db)
      let values = outcome.values(id: tip.number + 1, previous: tip.hash)
      _ = try insert(values, into: .outcomes, of: db, after: &tip)
    }
    return []
  }
}

private func insert(
  _ values: [DatabaseValue], into table: RecordTable, of db: Database, after tip: inout ChainTip
) throws -> Int64 {
  try db.cachedStatement(sql: table.insertion).execute(arguments: StatementArguments(values))
  tip = ChainTip(number: tip.number + 1, hash: ChainHash(of: values, in: table))
  return tip.number
}

/// Finds out what the constraints would refuse without saying why.
private func requireOpen(_ change: ChangeID, in db: Database) throws {
  let statement = try db.cachedStatement(
    sql: """
      SELECT EXISTS (SELECT 1 FROM changes WHERE id = :id) AS isKnown,
        EXISTS (SELECT 1 FROM outcomes WHERE change = :id) AS isFinished
      """)
  guard let row = try Row.fetchOne(statement, arguments: ["id": change.value]) else { return }
  guard row["isKnown"] else { throw HistoryError.unknownChange(change) }
  if row["isFinished"] { throw HistoryError.alreadyFinished(change) }
}
