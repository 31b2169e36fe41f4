internal import Foundation
internal import GRDB
public import S3

/// A multipart upload of this user that nothing can resume: of a stream, or of a copy in the store.
///
/// Kept so that no other process takes it for abandoned while its own works on it.
public struct JournalUpload: Sendable, Hashable {
  public enum Source: Sendable, Hashable {
    /// What can be read only once, such as standard input.
    case stream
    case copy(of: ObjectLocation)
  }

  /// Scheme, host and port, never user information.
  public var endpoint: String
  /// What it will be; without a version.
  public var location: ObjectLocation
  public var uploadID: UploadID
  public var source: Source
  public var createdAt: Timestamp
  public var state: JournalEntry.State

  public init(
    endpoint: String, location: ObjectLocation, uploadID: UploadID, source: Source,
    createdAt: Timestamp = .now(), state: JournalEntry.State = .stopped
  ) {
    self.endpoint = endpoint
    self.location = location
    self.uploadID = uploadID
    self.source = source
    self.createdAt = createdAt
    self.state = state
  }

  /// The process that works on it; nil when none does any more.
  public var holder: JournalLease? { state.holder }
}

extension TransferJournal {
  /// What a dead process has left is forgotten after that, though the server may still have it.
  private static let longestMemory = Duration.seconds(30 * 86_400)

  /// Keeps that this process works on an upload.
  public func begin(_ upload: JournalUpload, for holder: Author) async throws(JournalError) {
    let oldest = Timestamp.now().advanced(by: .zero - Self.longestMemory)
    try await write { db in
      for old in try UploadRows.all(before: oldest, in: db) where old.holder == nil {
        try UploadRows.remove(old, from: db)
      }
      try UploadRows.insert(upload, JournalLease(holder), into: db)
    }
  }

  /// Its process gives it up, and parts of it stay on the server.
  public func release(_ upload: JournalUpload) async throws(JournalError) {
    try await write { db in try UploadRows.setLease(nil, of: upload, in: db) }
  }

  /// Forgets one that the server has no longer.
  public func remove(_ upload: JournalUpload) async throws(JournalError) {
    try await write { db in try UploadRows.remove(upload, from: db) }
  }

  /// All of them, oldest first, also those that are under way.
  public func uploads() async throws(JournalError) -> [JournalUpload] {
    guard source.isThere else { return [] }
    return try await write { db in try UploadRows.all(in: db) }
  }
}

/// The statements about ``JournalUpload``.
enum UploadRows {
  private static let isThis = "endpoint = ? AND bucket = ? AND key = ? AND uploadID = ?"

  private static func identity(_ upload: JournalUpload) -> [DatabaseValue] {
    [
      .text(upload.endpoint), .text(upload.location.bucket.text),
      Data(upload.location.key.bytes).databaseValue, .text(upload.uploadID.text),
    ]
  }

  static func insert(
    _ upload: JournalUpload, _ lease: JournalLease, into db: Database
  ) throws {
    var copied: ObjectLocation?
    if case .copy(let source) = upload.source { copied = source }
    let values: [DatabaseValue] =
      identity(upload) + [
        .text(copied?.bucket.text), .blob(copied?.key.bytes),
        .number(upload.createdAt.databaseNanoseconds),
      ] + lease.columns
    try db.execute(
      sql: """
        INSERT OR REPLACE INTO uploads (endpoint, bucket, key, uploadID, sourceBucket, sourceKey, \
        createdAt, user, host, bootID, processID, processStart) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """, arguments: StatementArguments(values))
  }

  static func setLease(
    _ lease: JournalLease?, of upload: JournalUpload, in db: Database
  ) throws {
    let columns = lease?.columns ?? Array(repeating: .null, count: 5)
    try db.execute(
      sql: """
        UPDATE uploads SET user = ?, host = ?, bootID = ?, processID = ?, processStart = ? \
        WHERE \(isThis)
        """, arguments: StatementArguments(columns + identity(upload)))
  }

  static func remove(_ upload: JournalUpload, from db: Database) throws {
    try db.execute(
      sql: "DELETE FROM uploads WHERE \(isThis)",
      arguments: StatementArguments(identity(upload)))
  }

  /// - Parameter before: only those that began earlier.
  static func all(before: Timestamp? = nil, in db: Database) throws -> [JournalUpload] {
    try Row.fetchAll(
      db, sql: "SELECT * FROM uploads WHERE createdAt < ? ORDER BY createdAt, uploadID",
      arguments: [before?.databaseNanoseconds ?? .max]
    ).map(JournalUpload.init)
  }
}

extension JournalUpload {
  fileprivate init(_ row: Row) {
    var source = Source.stream
    if let bucket: String = row["sourceBucket"], let key = row.bytes("sourceKey") {
      source = .copy(of: ObjectLocation(bucket: BucketName(bucket), key: ObjectKey(bytes: key)))
    }
    var state = JournalEntry.State.stopped
    if let lease = JournalLease(row) {
      state = lease.isRunning ? .running(lease) : .abandoned(lease)
    }
    self.init(
      endpoint: row["endpoint"],
      location: ObjectLocation(
        bucket: BucketName(row["bucket"]), key: ObjectKey(bytes: row.bytes("key") ?? [])),
      uploadID: UploadID(row["uploadID"]), source: source,
      createdAt: Timestamp(databaseNanoseconds: row["createdAt"]), state: state)
  }
}
