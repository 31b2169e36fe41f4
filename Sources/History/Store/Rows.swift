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

extension ChangeDraft {
  /// The columns of `RecordTable.changes` after the first two, in their order.
  func write(to row: inout CanonicalRows) {
    row.text(change.action.rawValue)
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
    row.text(change.bucket.text)
    row.blob(change.key?.bytes)
    row.text(change.versionID?.text)
    row.number(change.size?.bytes)
    row.blob(change.localPath?.bytes)
    row.text(change.detail)
    row.number(startedAt.databaseNanoseconds)
  }
}

extension ChangeOutcome {
  /// The columns of `RecordTable.outcomes` after the first two, in their order.
  func write(to row: inout CanonicalRows) {
    row.number(change.value)
    row.text(ending.outcome.rawValue)
    row.text(ending.etag?.text)
    row.text(ending.versionID?.text)
    row.text(ending.checksum)
    row.number(ending.size?.bytes)
    row.text(ending.errorCode)
    row.number(finishedAt.databaseNanoseconds)
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
enum Records: Sendable {
  case changes([ChangeDraft])
  case outcomes([ChangeOutcome])

  var areChanges: Bool { table == .changes }

  var table: RecordTable {
    switch self {
    case .changes: .changes
    case .outcomes: .outcomes
    }
  }

  var count: Int {
    switch self {
    case .changes(let changes): changes.count
    case .outcomes(let outcomes): outcomes.count
    }
  }
}
