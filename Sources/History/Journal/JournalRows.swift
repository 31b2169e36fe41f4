internal import Foundation
internal import GRDB
internal import S3
internal import SystemPackage

/// The statements of ``TransferJournal``.
enum JournalRows {
  /// The columns that make two requests the same transfer.
  private static let sameTransfer = """
    direction = ? AND endpoint = ? AND bucket = ? AND key = ? AND versionID = ? \
    AND localPath = ? AND name = ?
    """

  private static func identity(_ request: JournalRequest) throws -> [DatabaseValue] {
    // A file has a name, and a tree what finds its files.
    let name = try request.tree.map { try StoredTree($0).json } ?? request.name?.bytes ?? []
    return [
      .text(request.direction.rawValue), .text(request.endpoint), .text(request.bucket.text),
      bytes(request.key.bytes), .text(request.versionID?.text ?? ""),
      bytes(request.localPath.bytes), bytes(name),
    ]
  }

  /// An empty blob and no NULL, which would be equal to nothing.
  private static func bytes(_ bytes: [UInt8]) -> DatabaseValue { Data(bytes).databaseValue }

  static func find(_ request: JournalRequest, in db: Database) throws -> JournalEntry? {
    try Row.fetchOne(
      db, sql: "\(selection) WHERE \(sameTransfer)",
      arguments: StatementArguments(try identity(request))
    ).map(JournalEntry.init)
  }

  static func find(_ id: JournalID, in db: Database) throws -> JournalEntry? {
    try Row.fetchOne(db, sql: "\(selection) WHERE id = ?", arguments: [id.value])
      .map(JournalEntry.init)
  }

  static func all(in db: Database) throws -> [JournalEntry] {
    try Row.fetchAll(db, sql: "\(selection) ORDER BY id").map(JournalEntry.init)
  }

  @discardableResult
  static func insert(
    _ request: JournalRequest, at time: Timestamp, into db: Database
  ) throws -> JournalID {
    let values =
      try identity(request) + [
        .text(request.region), .text(request.profile), .text(request.ifExists.rawValue),
        .text(try StoredAttributes(request.attributes).json),
        .number(time.databaseNanoseconds), .number(time.databaseNanoseconds),
        .number(request.tree == nil ? 0 : 1),
      ]
    try db.cachedStatement(
      sql: """
        INSERT INTO transfers (direction, endpoint, bucket, key, versionID, localPath, name, \
        region, profile, ifExists, attributes, createdAt, updatedAt, isTree) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: StatementArguments(values))
    return JournalID(db.lastInsertedRowID)
  }

  /// What may differ between two requests for the same transfer.
  static func update(_ id: JournalID, to request: JournalRequest, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE transfers SET region = ?, profile = ?, ifExists = ?, attributes = ? WHERE id = ?
        """,
      arguments: [
        request.region, request.profile, request.ifExists.rawValue,
        try StoredAttributes(request.attributes).json, id.value,
      ])
  }

  static func setBegun(_ id: JournalID, at time: Timestamp, in db: Database) throws {
    try db.execute(
      sql: "UPDATE transfers SET begunAt = ? WHERE id = ?",
      arguments: [time.databaseNanoseconds, id.value])
  }

  static func setParent(_ parent: JournalID?, of id: JournalID, in db: Database) throws {
    try db.execute(
      sql: "UPDATE transfers SET parent = ? WHERE id = ?", arguments: [parent?.value, id.value])
  }

  static func setLease(_ lease: JournalLease?, of id: JournalID, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE transfers SET user = ?, host = ?, bootID = ?, processID = ?, processStart = ? \
        WHERE id = ?
        """,
      arguments: StatementArguments(
        (lease?.columns ?? Array(repeating: .null, count: 5)) + [.number(id.value)]))
  }

  /// Forgets the pieces of what it was before.
  static func setSubject(
    _ subject: JournalSubject?, of id: JournalID, in db: Database
  ) throws {
    try db.execute(sql: "DELETE FROM pieces WHERE transfer = ?", arguments: [id.value])
    try db.execute(
      sql: """
        UPDATE transfers SET size = ?, modified = ?, etag = ?, pinnedVersionID = ?, \
        partSize = ?, uploadID = ? WHERE id = ?
        """,
      arguments: [
        subject?.size.bytes, subject?.modified?.signedNanoseconds, subject?.etag?.text,
        subject?.versionID?.text, subject?.partSize.bytes, subject?.uploadID?.text, id.value,
      ])
  }

  static func add(
    _ pieces: [JournalPiece], to id: JournalID, at time: Timestamp, in db: Database
  ) throws {
    let insertion = try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO pieces (transfer, place, size, crc64nvme, crc32c, etag) \
        SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM transfers WHERE id = ?)
        """)
    for piece in pieces {
      try insertion.execute(arguments: [
        id.value, piece.place, piece.size, Int64(bitPattern: piece.crc64nvme),
        piece.crc32c.map { Int64($0) }, piece.etag?.text, id.value,
      ])
    }
    try db.execute(
      sql: "UPDATE transfers SET updatedAt = ? WHERE id = ?",
      arguments: [time.databaseNanoseconds, id.value])
  }

  static func pieces(of id: JournalID, in db: Database) throws -> [JournalPiece] {
    try Row.fetchAll(
      db, sql: "SELECT * FROM pieces WHERE transfer = ? ORDER BY place", arguments: [id.value]
    ).map { row in
      JournalPiece(
        place: row["place"], size: row["size"],
        crc64nvme: UInt64(bitPattern: row["crc64nvme"] as Int64),
        crc32c: (row["crc32c"] as Int64?).map { UInt32(truncatingIfNeeded: $0) },
        etag: (row["etag"] as String?).map { ETag($0) })
    }
  }

  static func remove(_ id: JournalID, from db: Database) throws {
    try db.execute(sql: "DELETE FROM transfers WHERE id = ?", arguments: [id.value])
  }

  static func removePieces(_ places: [Int64], of id: JournalID, in db: Database) throws {
    for place in places {
      try db.execute(
        sql: "DELETE FROM pieces WHERE transfer = ? AND place = ?", arguments: [id.value, place])
    }
  }

  private static let selection = """
    SELECT *, (SELECT coalesce(sum(size), 0) FROM pieces WHERE transfer = id) AS kept \
    FROM transfers
    """
}

extension JournalEntry {
  /// Whether the process of its lease still runs is not asked here.
  fileprivate init(_ row: Row) throws {
    let id = JournalID(row["id"])
    guard let direction = JournalRequest.Direction(rawValue: row["direction"]),
      let ifExists = JournalRequest.ExistingDestination(rawValue: row["ifExists"])
    else { throw HistoryError.corrupt("transfer \(id)") }
    var name = row.bytes("name") ?? []
    var tree: JournalTree?
    if row["isTree"] {
      guard let found = try StoredTree(json: name).tree else {
        throw HistoryError.corrupt("transfer \(id)")
      }
      (tree, name) = (found, [])
    }
    let version: String = row["versionID"]
    let request = JournalRequest(
      direction, endpoint: row["endpoint"], region: row["region"], profile: row["profile"],
      bucket: BucketName(row["bucket"]), key: ObjectKey(bytes: row.bytes("key") ?? []),
      versionID: version.isEmpty ? nil : VersionID(version),
      localPath: FilePath(bytes: row.bytes("localPath") ?? []),
      name: name.isEmpty ? nil : ObjectKey(bytes: name), ifExists: ifExists,
      attributes: try StoredAttributes(json: row["attributes"]).attributes, tree: tree)
    var subject: JournalSubject?
    if let size: Int64 = row["size"], let partSize: Int64 = row["partSize"] {
      subject = JournalSubject(
        size: ByteCount(size),
        modified: (row["modified"] as Int64?).map { Timestamp(signedNanoseconds: $0) },
        etag: (row["etag"] as String?).map { ETag($0) },
        versionID: (row["pinnedVersionID"] as String?).map { VersionID($0) },
        partSize: ByteCount(partSize),
        uploadID: (row["uploadID"] as String?).map { UploadID($0) })
    }
    self.init(
      id: id, request: request, parent: (row["parent"] as Int64?).map { JournalID($0) },
      subject: subject, state: JournalLease(row).map { .running($0) } ?? .stopped,
      kept: ByteCount(row["kept"]),
      createdAt: Timestamp(databaseNanoseconds: row["createdAt"]),
      updatedAt: Timestamp(databaseNanoseconds: row["updatedAt"]))
    begunAt = (row["begunAt"] as Int64?).map { Timestamp(databaseNanoseconds: $0) }
  }
}

extension JournalLease {
  /// nil where no process holds the row.
  init?(_ row: Row) {
    guard let host: String = row["host"], let bootID: String = row["bootID"],
      let processID = Int32(exactly: row["processID"] as Int64? ?? 0)
    else { return nil }
    self.init(
      user: row["user"] ?? "", host: host, bootID: bootID, processID: processID,
      processStart: UInt64(clamping: row["processStart"] as Int64? ?? 0))
  }

  /// `user`, `host`, `bootID`, `processID` and `processStart`.
  var columns: [DatabaseValue] {
    [
      .text(user), .text(host), .text(bootID), .number(Int64(processID)),
      .number(Int64(clamping: processStart)),
    ]
  }
}

extension Timestamp {
  /// A file's time may lie before 1970; one that no number of nanoseconds can say stays the nearest.
  fileprivate var signedNanoseconds: Int64 {
    let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isStillTooLarge) = whole.addingReportingOverflow(Int64(nanoseconds))
    return isTooLarge || isStillTooLarge ? (seconds < 0 ? .min : .max) : sum
  }

  fileprivate init(signedNanoseconds value: Int64) {
    let (seconds, rest) = value.quotientAndRemainder(dividingBy: 1_000_000_000)
    self.init(
      seconds: rest < 0 ? seconds - 1 : seconds,
      nanoseconds: Int32(rest < 0 ? rest + 1_000_000_000 : rest))
  }
}
