internal import GRDB
internal import S3
internal import SystemPackage

/// The columns of the two tables, in the order in which they are hashed.
///
/// A column added later goes at the end and may be NULL: rows from before then hash as they did.
enum RecordTable: String {
  case changes
  case outcomes

  var columns: [String] {
    switch self {
    case .changes:
      [
        "id", "previous", "action", "user", "loginUID", "auditUID", "host", "sshClient", "bootID",
        "processID", "processStart", "accessKeyID", "endpoint", "bucket", "key", "versionID",
        "size", "localPath", "detail", "startedAt",
      ]
    case .outcomes:
      [
        "id", "previous", "change", "outcome", "etag", "versionID", "checksum", "size",
        "errorCode", "finishedAt",
      ]
    }
  }

  /// How many rows the statements add that there are, most first. SQLite's own work for a statement
  /// costs as much as a row, and more of them in one make no difference.
  static let rowsOfStatements = [64, 32, 16, 8, 4, 2, 1]

  /// Adds as many rows as one of ``rowsOfStatements`` says.
  func insertion(of rows: Int) -> String {
    let insertions =
      switch self {
      case .changes: Self.insertions.changes
      case .outcomes: Self.insertions.outcomes
      }
    return insertions[rows] ?? ""
  }

  /// All columns, newest row first.
  var selectionOfLast: String { "\(selection) DESC LIMIT 1" }

  /// All columns, oldest row first.
  var selectionOfAll: String { selection }

  private var selection: String {
    "SELECT \(columns.joined(separator: ", ")) FROM \(rawValue) ORDER BY id"
  }

  private static let insertions = (
    changes: RecordTable.changes.allInsertions, outcomes: RecordTable.outcomes.allInsertions
  )

  private var allInsertions: [Int: String] {
    let names = columns.joined(separator: ", ")
    let places = "(" + columns.map { _ in "?" }.joined(separator: ", ") + ")"
    return Dictionary(
      uniqueKeysWithValues: Self.rowsOfStatements.map { rows in
        let all = Array(repeating: places, count: rows).joined(separator: ", ")
        return (rows, "INSERT INTO \(rawValue) (\(names)) VALUES \(all)")
      })
  }
}

extension CanonicalRows {
  /// Without their places in the chain.
  init(_ drafts: [ChangeDraft]) {
    self.init(of: .changes)
    // Most have their origin in common.
    var last: (draft: ChangeDraft, origin: EncodedColumns)?
    for draft in drafts {
      beginUnplaced()
      text(draft.change.action.rawValue)
      if let last, last.draft.hasOrigin(of: draft) {
        add(last.origin)
      } else {
        last = (draft, columns { draft.writeOrigin(to: &$0) })
      }
      text(draft.change.bucket.text)
      blob(draft.change.key?.bytes)
      text(draft.change.versionID?.text)
      number(draft.change.size?.bytes)
      blob(draft.change.localPath?.bytes)
      text(draft.change.detail)
      number(draft.startedAt.databaseNanoseconds)
    }
  }

  /// Without their places in the chain.
  init(_ outcomes: [ChangeOutcome]) {
    self.init(of: .outcomes)
    for outcome in outcomes {
      beginUnplaced()
      number(outcome.change.value)
      text(outcome.ending.outcome.rawValue)
      text(outcome.ending.etag?.text)
      text(outcome.ending.versionID?.text)
      text(outcome.ending.checksum)
      number(outcome.ending.size?.bytes)
      text(outcome.ending.errorCode)
      number(outcome.finishedAt.databaseNanoseconds)
    }
  }
}

extension ChangeDraft {
  /// Whether both come from the same process and go to the same place.
  fileprivate func hasOrigin(of other: ChangeDraft) -> Bool {
    author == other.author && accessKeyID == other.accessKeyID && endpoint == other.endpoint
  }

  fileprivate func writeOrigin(to row: inout CanonicalRows) {
    row.text(author.user)
    row.number(Int64(author.loginUID))
    row.number(author.auditUID.map { Int64($0) })
    row.text(author.host)
    row.text(author.sshClient)
    row.text(author.bootID)
    row.number(Int64(author.processID))
    row.number(Int64(clamping: author.processStart))
    row.text(accessKeyID)
    row.text(endpoint)
  }
}

extension HistoryEntry {
  /// What ``init(_:)`` reads, from `changes c LEFT JOIN outcomes o`.
  static let columns = """
    c.id, c.action, c.user, c.loginUID, c.auditUID, c.host, c.sshClient, c.bootID, c.processID, \
    c.processStart, c.accessKeyID, c.endpoint, c.bucket, c.key, \
    c.versionID, c.size, c.localPath, c.detail, c.startedAt, o.outcome, o.finishedAt, o.etag, \
    o.versionID AS newVersionID, o.checksum, o.size AS movedSize, o.errorCode
    """

  init(_ row: Row) throws {
    guard let action = ChangeAction(rawValue: row["action"]),
      let outcome = Outcome(rawValue: row["outcome"] ?? Outcome.started.rawValue),
      let loginUID = UInt32(exactly: row["loginUID"] as Int64),
      let processID = Int32(exactly: row["processID"] as Int64)
    else { throw HistoryError.corrupt("row \(row["id"] as Int64)") }
    let author = Author(
      user: row["user"], loginUID: loginUID,
      auditUID: (row["auditUID"] as Int64?).map { UInt32(truncatingIfNeeded: $0) },
      host: row["host"], sshClient: row["sshClient"], bootID: row["bootID"], processID: processID,
      processStart: UInt64(clamping: row["processStart"] as Int64))
    let change = Change(
      action, bucket: BucketName(row["bucket"]),
      key: row.bytes("key").map { ObjectKey(bytes: $0) },
      versionID: (row["versionID"] as String?).map { VersionID($0) },
      size: (row["size"] as Int64?).map { ByteCount($0) },
      localPath: row.bytes("localPath").map { FilePath(bytes: $0) }, detail: row["detail"])
    let ending = Ending(
      outcome: outcome, etag: (row["etag"] as String?).map { ETag($0) },
      versionID: (row["newVersionID"] as String?).map { VersionID($0) }, checksum: row["checksum"],
      size: (row["movedSize"] as Int64?).map { ByteCount($0) }, errorCode: row["errorCode"])
    self.init(
      id: ChangeID(row["id"]),
      ChangeDraft(
        change, author: author, accessKeyID: row["accessKeyID"], endpoint: row["endpoint"],
        startedAt: Timestamp(databaseNanoseconds: row["startedAt"])),
      ending,
      finishedAt: (row["finishedAt"] as Int64?).map { Timestamp(databaseNanoseconds: $0) })
  }
}

/// The changes or the outcomes of one call.
struct Records: Sendable {
  let table: RecordTable
  /// Without their places in the chain.
  let rows: CanonicalRows
  /// Those that end; none when they begin.
  let ended: [ChangeID]

  init(_ changes: [ChangeDraft]) {
    table = .changes
    rows = CanonicalRows(changes)
    ended = []
  }

  init(_ outcomes: [ChangeOutcome]) {
    table = .outcomes
    rows = CanonicalRows(outcomes)
    ended = outcomes.map(\.change)
  }

  var areChanges: Bool { table == .changes }
  var count: Int { rows.count }
}
