internal import Foundation
internal import GRDB
internal import S3

/// The SQL of one page of the history.
struct HistorySelection {
  /// The order of a page: a cursor made of the time and, for rows of one moment, the number.
  private static let order = "c.startedAt DESC, c.id DESC"
  /// How many rows of a prefix are sorted rather than looked for among all rows, newest first.
  ///
  /// With more of them, one meets enough of them soon; with fewer, sorting is a matter of
  /// milliseconds. A page of 50 among ten million rows costs the same either way near 22,000.
  static let rowsWorthSorting = 20_000

  private let query: HistoryQuery
  private let before: ChangeID?
  private let limit: Int

  init(_ query: HistoryQuery, before: ChangeID?, limit: Int) {
    self.query = query
    self.before = before
    self.limit = limit
  }

  func fetch(_ db: Database) throws -> [HistoryEntry] {
    let request = try statement(db)
    let statement = try db.cachedStatement(sql: request.sql)
    var entries: [HistoryEntry] = []
    let rows = try Row.fetchCursor(statement, arguments: request.arguments)
    while let row = try rows.next() { entries.append(try HistoryEntry(row)) }
    return entries
  }

  func statement(_ db: Database) throws -> (sql: String, arguments: StatementArguments) {
    var conditions = Conditions()
    addNames(to: &conditions)
    if let action = query.action { conditions.add("c.action = ?", action.rawValue) }
    if let since = query.since {
      conditions.add("c.startedAt >= ?", since.databaseNanoseconds)
    }
    addText(to: &conditions)
    if let before {
      conditions.add(
        "(c.startedAt, c.id) < (SELECT startedAt, id FROM changes WHERE id = ?)", before.value)
    }

    // The unary + hides a condition from the choice of an index.
    var source = "changes c"
    if let prefix = query.prefix, !prefix.isEmpty {
      if let bucket = exactBucket, try isRare(prefix, in: bucket, db) {
        source += " INDEXED BY changesByKey"
        conditions.addRange(of: prefix, column: "c.key")
      } else {
        conditions.addRange(of: prefix, column: "+c.key")
      }
    }
    let sql = """
      SELECT \(HistoryEntry.columns)
      FROM \(source) LEFT JOIN outcomes o ON o.change = c.id
      \(conditions.clause) ORDER BY \(Self.order) LIMIT ?
      """
    return (sql, conditions.arguments + [limit])
  }

  private var exactBucket: BucketName? { query.matching == .exact ? query.bucket : nil }

  private func addNames(to conditions: inout Conditions) {
    switch query.matching {
    case .exact:
      if let user = query.user { conditions.add("c.user = ?", user) }
      if let bucket = query.bucket { conditions.add("c.bucket = ?", bucket.text) }
    case .containing:
      if let user = query.user { conditions.addLike(user, in: "c.user") }
      if let bucket = query.bucket { conditions.addLike(bucket.text, in: "c.bucket") }
    }
  }

  private func addText(to conditions: inout Conditions) {
    for word in (query.text ?? "").split(separator: " ") {
      conditions.addLike(
        String(word),
        in: "c.user", "c.action", "c.bucket", "CAST(c.key AS TEXT)",
        "coalesce(o.outcome, '\(Outcome.started.rawValue)')")
    }
  }

  private func isRare(_ prefix: ObjectKey, in bucket: BucketName, _ db: Database) throws -> Bool {
    var conditions = Conditions()
    conditions.add("c.bucket = ?", bucket.text)
    conditions.addRange(of: prefix, column: "c.key")
    let count = try Int.fetchOne(
      db,
      sql: """
        SELECT count(*) FROM (SELECT 1 FROM changes c INDEXED BY changesByKey
        \(conditions.clause) LIMIT ?)
        """, arguments: conditions.arguments + [Self.rowsWorthSorting])
    return (count ?? 0) < Self.rowsWorthSorting
  }
}

/// Conditions that must all hold, with their arguments.
private struct Conditions {
  private var parts: [String] = []
  private(set) var arguments = StatementArguments()

  var clause: String { parts.isEmpty ? "" : "WHERE " + parts.joined(separator: " AND ") }

  mutating func add(_ sql: String, _ argument: any DatabaseValueConvertible) {
    parts.append(sql)
    arguments += [argument]
  }

  /// SQLite's LIKE finds letters A to Z alike in either case, and no others.
  mutating func addLike(_ text: String, in columns: String...) {
    var pattern = ""
    for character in text {
      if "%_\\".contains(character) { pattern.append("\\") }
      pattern.append(character)
    }
    parts.append(
      "(" + columns.map { "\($0) LIKE ? ESCAPE '\\'" }.joined(separator: " OR ") + ")")
    for _ in columns { arguments += ["%\(pattern)%"] }
  }

  mutating func addRange(of prefix: ObjectKey, column: String) {
    add("\(column) >= ?", Data(prefix.bytes))
    if let end = prefix.endOfRange { add("\(column) < ?", Data(end)) }
  }
}

extension ObjectKey {
  /// The smallest bytes after all keys with this prefix; nil when there are none.
  fileprivate var endOfRange: [UInt8]? {
    var end = bytes
    while let last = end.popLast() {
      if last < 0xff { return end + [last + 1] }
    }
    return nil
  }
}

/// Changes without an outcome of the same user on the same host whose processes are gone.
func fetchAbandoned(
  _ db: Database, author: Author, after: ChangeID?, limit: Int
) throws -> [HistoryEntry] {
  let rows = try Row.fetchCursor(
    db,
    sql: """
      SELECT \(HistoryEntry.columns)
      FROM openChanges p JOIN changes c ON c.id = p.change
        LEFT JOIN outcomes o ON o.change = c.id
      WHERE p.change > ? AND c.loginUID = ? AND c.host = ? ORDER BY p.change
      """, arguments: [after?.value ?? 0, Int64(author.loginUID), author.host])
  var processes = ProcessTable()
  var entries: [HistoryEntry] = []
  while entries.count < limit, let row = try rows.next() {
    let entry = try HistoryEntry(row)
    if !processes.isRunning(entry.author) { entries.append(entry) }
  }
  return entries
}
