internal import Foundation
internal import GRDB
internal import S3
internal import SystemPackage

/// The chain of hashes that runs through changes and outcomes, in the order of their numbers.
///
/// The hash of a row is the SHA-256 of its canonical form, which holds the hash of the row before:
///
///     pail history\n          these 13 bytes
///     changes\n or outcomes\n the table
///     then for each column that is not NULL, in the order of `RecordTable.columns`:
///       place    1 byte, from 0
///       type     1 byte: `i` integer, `t` text, `b` blob
///       length   4 bytes, big endian; 8 for an integer
///       value    big endian two's complement, UTF-8, or the bytes
///
/// The first row is number 1 and has 32 zero bytes as the hash of the row before.
struct ChainTip {
  var number: Int64
  var hash: ChainHash

  static let start = ChainTip(number: 0, hash: .zero)

  /// The last row recorded, by whatever process.
  static func fetch(_ db: Database) throws -> ChainTip {
    var tip = try ChainBeginning.fetch(db)?.tip ?? .start
    for table in [RecordTable.changes, .outcomes] {
      let statement = try db.cachedStatement(sql: table.selectionOfLast)
      guard let row = try Row.fetchOne(statement) else { continue }
      let number: Int64 = row["id"]
      guard number > tip.number else { continue }
      tip = ChainTip(number: number, hash: ChainHash(of: row.databaseValues, in: table))
    }
    return tip
  }
}

/// Where a chain begins that goes on from an archive.
struct ChainBeginning {
  var tip: ChainTip
  var predecessor: ChainReport.Predecessor

  static func fetch(_ db: Database) throws -> ChainBeginning? {
    let statement = try db.cachedStatement(
      sql: "SELECT number, hash, archive, archivedAt FROM beginning")
    guard let row = try Row.fetchOne(statement) else { return nil }
    guard let hash = row.bytes("hash").flatMap({ ChainHash(bytes: $0) }) else {
      throw HistoryError.corrupt("the beginning")
    }
    return ChainBeginning(
      tip: ChainTip(number: row["number"], hash: hash),
      predecessor: ChainReport.Predecessor(
        file: FilePath(bytes: row.bytes("archive") ?? []), head: hash,
        archivedAt: Timestamp(databaseNanoseconds: row["archivedAt"])))
  }
}

/// Compares each row with what the next one says about it, in one walk through both tables.
func walkChain(_ db: Database, expecting: ChainHash?) throws -> ChainReport {
  let changes = try Row.fetchCursor(db, sql: RecordTable.changes.selectionOfAll)
  let outcomes = try Row.fetchCursor(db, sql: RecordTable.outcomes.selectionOfAll)
  var change = try changes.next().map { ChainLink($0, in: .changes) }
  var outcome = try outcomes.next().map { ChainLink($0, in: .outcomes) }

  let beginning = try ChainBeginning.fetch(db)
  let start = beginning?.tip ?? .start
  var report = ChainReport(head: start.hash, changes: 0, outcomes: 0)
  report.predecessor = beginning?.predecessor
  report.isArchive = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM ending)") ?? false
  var hasExpected = expecting == start.hash
  var last: ChainReport.Row?
  while let link = ChainLink.first(change, outcome) {
    let isNext =
      link.row.number == 1 + (last?.number ?? start.number) && link.previous == report.head
    if !isNext, report.firstBroken == nil { report.firstBroken = last ?? link.row }
    report.head = link.hash
    // What follows a broken row is no proof of anything.
    if report.firstBroken == nil, link.hash == expecting { hasExpected = true }
    last = link.row
    switch link.row.kind {
    case .change:
      report.changes += 1
      change = try changes.next().map { ChainLink($0, in: .changes) }
    case .outcome:
      report.outcomes += 1
      outcome = try outcomes.next().map { ChainLink($0, in: .outcomes) }
    }
  }
  if expecting != nil { report.hasExpected = hasExpected }
  return report
}

/// What the walk keeps of a row.
private struct ChainLink {
  let row: ChainReport.Row
  let previous: ChainHash?
  let hash: ChainHash

  init(_ row: Row, in table: RecordTable) {
    self.row = ChainReport.Row(kind: table == .changes ? .change : .outcome, number: row["id"])
    previous = row.bytes("previous").flatMap { ChainHash(bytes: $0) }
    hash = ChainHash(of: row.databaseValues, in: table)
  }

  static func first(_ left: ChainLink?, _ right: ChainLink?) -> ChainLink? {
    guard let left else { return right }
    guard let right else { return left }
    return left.row.number < right.row.number ? left : right
  }
}
