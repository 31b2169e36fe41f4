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
  /// milliseconds: for a page of 50 among ten million rows both cost the same near 22,000.
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
    let others = otherConditions
    var indexed = indexedConditions
    guard let prefix = query.prefix, !prefix.isEmpty else {
      return select(from: "changes c", where: indexed + others)
    }
    guard let bucket = exactBucket, try isRare(prefix, in: bucket, db) else {
      // The unary + hides the key from the choice of an index.
      indexed.addRange(of: prefix, column: "+c.key")
      return select(from: "changes c", where: indexed + others)
    }
    // Found and sorted in the index alone; of the table only the rows of the page are read.
    indexed.addRange(of: prefix, column: "c.key")
    let source = """
      (SELECT c.id FROM changes c INDEXED BY changesByKey \(indexed.clause)
      ORDER BY \(Self.order) LIMIT ?) p JOIN changes c ON c.id = p.id
      """
    let inner = indexed.arguments + [others.isEmpty ? limit : -1]
    return select(from: source, inner, where: others)
  }

  private func select(
    from source: String, _ arguments: StatementArguments = [], where conditions: Conditions
  ) -> (sql: String, arguments: StatementArguments) {
    let sql = """
      SELECT \(HistoryEntry.columns)
      FROM \(source) LEFT JOIN outcomes o ON o.change = c.id
      \(conditions.clause) ORDER BY \(Self.order) LIMIT ?
      """
    return (sql, arguments + conditions.arguments + [limit])
  }

  /// Of columns that the index by key holds.
  private var indexedConditions: Conditions {
    var conditions = Conditions()
    if let bucket = exactBucket { conditions.add("c.bucket = ?", bucket.text) }
    if let since = query.since {
      conditions.add("c.startedAt >= ?", since.databaseNanoseconds)
    }
    if let before {
      conditions.add(
        "(c.startedAt, c.id) < (SELECT startedAt, id FROM changes WHERE id = ?)", before.value)
    }
    return conditions
  }

  private var otherConditions: Conditions {
    var conditions = Conditions()
    if let action = query.action { conditions.add("c.action = ?", action.rawValue) }
    switch query.matching {
    case .exact:
      if let user = query.user { conditions.add("c.user = ?", user) }
    case .containing:
      if let user = query.user { conditions.add([.like(user, in: "c.user")]) }
      if let bucket = query.bucket { conditions.add([.like(bucket.text, in: "c.bucket")]) }
    }
    for word in (query.text ?? "").unicodeScalars.split(separator: " ") {
      conditions.add(anywhere(String(word)))
    }
    return conditions
  }

  private var exactBucket: BucketName? { query.matching == .exact ? query.bucket : nil }

  /// The names of actions and outcomes are looked through here, once, and not in every row.
  private func anywhere(_ word: String) -> [Conditions.Part] {
    let columns = ["c.user", "c.bucket", "CAST(c.key AS TEXT)"]
    var parts = columns.map { Conditions.Part.like(word, in: $0) }
    let actions = ChangeAction.allCases.map(\.rawValue).filter { contains(word, in: $0) }
    if !actions.isEmpty { parts.append(.oneOf(actions, "c.action")) }
    let outcomes = Outcome.allCases.map(\.rawValue).filter { contains(word, in: $0) }
    if !outcomes.isEmpty {
      parts.append(.oneOf(outcomes, "coalesce(o.outcome, '\(Outcome.started.rawValue)')"))
    }
    return parts
  }

  private func contains(_ word: String, in name: String) -> Bool {
    name.lowercased().contains(word.lowercased())
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
  /// One condition, and what stands for its question marks.
  struct Part {
    let sql: String
    let arguments: StatementArguments

    /// SQLite's LIKE finds letters A to Z alike in either case, and no others.
    static func like(_ text: String, in column: String) -> Part {
      var pattern = ""
      // Scalars, as SQLite sees them: with a combining mark `%` is another character, and would
      // still stand for anything.
      for scalar in text.unicodeScalars {
        if "%_\\".unicodeScalars.contains(scalar) { pattern.unicodeScalars.append("\\") }
        pattern.unicodeScalars.append(scalar)
      }
      return Part(sql: "\(column) LIKE ? ESCAPE '\\'", arguments: ["%\(pattern)%"])
    }

    static func oneOf(_ values: [String], _ column: String) -> Part {
      let places = values.map { _ in "?" }.joined(separator: ", ")
      return Part(sql: "\(column) IN (\(places))", arguments: StatementArguments(values))
    }
  }

  private var parts: [String] = []
  private(set) var arguments = StatementArguments()

  var isEmpty: Bool { parts.isEmpty }
  var clause: String { parts.isEmpty ? "" : "WHERE " + parts.joined(separator: " AND ") }

  mutating func add(_ sql: String, _ argument: any DatabaseValueConvertible) {
    parts.append(sql)
    arguments += [argument]
  }

  /// Holds when one of them does.
  mutating func add(_ alternatives: [Part]) {
    parts.append("(" + alternatives.map(\.sql).joined(separator: " OR ") + ")")
    for alternative in alternatives { arguments += alternative.arguments }
  }

  mutating func addRange(of prefix: ObjectKey, column: String) {
    add("\(column) >= ?", Data(prefix.bytes))
    if let end = prefix.endOfRange { add("\(column) < ?", Data(end)) }
  }

  static func + (left: Conditions, right: Conditions) -> Conditions {
    var sum = left
    sum.parts += right.parts
    sum.arguments += right.arguments
    return sum
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

/// Changes of the same object that had not ended when `entry` began, or have not ended at all.
func fetchRivals(_ db: Database, of entry: HistoryEntry, limit: Int) throws -> [HistoryEntry] {
  guard let key = entry.key else { return [] }
  let rows = try Row.fetchCursor(
    db,
    sql: """
      SELECT \(HistoryEntry.columns)
      FROM changes c INDEXED BY changesByKey LEFT JOIN outcomes o ON o.change = c.id
      WHERE c.bucket = ? AND c.key = ? AND c.endpoint = ? AND c.id <> ?
        AND (o.outcome IS NULL
          OR (o.outcome NOT IN (?, ?) AND o.finishedAt >= ?))
      ORDER BY c.startedAt, c.id LIMIT ?
      """,
    arguments: [
      entry.bucket.text, Data(key.bytes), entry.endpoint, entry.id.value,
      Outcome.failed.rawValue, Outcome.cancelled.rawValue, entry.startedAt.databaseNanoseconds,
      limit,
    ])
  var entries: [HistoryEntry] = []
  while let row = try rows.next() { entries.append(try HistoryEntry(row)) }
  return entries
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
