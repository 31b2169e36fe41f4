public import S3
public import SystemPackage

/// One change with its outcome, as the history tells it.
public struct HistoryEntry: Sendable, Hashable {
  public var id: ChangeID
  public var action: ChangeAction
  public var author: Author
  public var accessKeyID: String?
  public var endpoint: String
  public var bucket: BucketName
  /// nil for changes of the bucket itself.
  public var key: ObjectKey?
  /// The version that came of the change, else the one it was made to.
  public var versionID: VersionID?
  /// What was moved, else what was going to be.
  public var size: ByteCount?
  public var localPath: FilePath?
  public var detail: String?
  public var startedAt: Timestamp
  /// `started` while no outcome is recorded.
  public var outcome: Outcome
  public var finishedAt: Timestamp?
  public var etag: ETag?
  public var checksum: String?
  public var errorCode: String?

  public init(
    id: ChangeID, action: ChangeAction, author: Author, accessKeyID: String?, endpoint: String,
    bucket: BucketName, key: ObjectKey?, versionID: VersionID?, size: ByteCount?,
    localPath: FilePath?, detail: String?, startedAt: Timestamp, outcome: Outcome,
    finishedAt: Timestamp? = nil, etag: ETag? = nil, checksum: String? = nil,
    errorCode: String? = nil
  ) {
    self.id = id
    self.action = action
    self.author = author
    self.accessKeyID = accessKeyID
    self.endpoint = endpoint
    self.bucket = bucket
    self.key = key
    self.versionID = versionID
    self.size = size
    self.localPath = localPath
    self.detail = detail
    self.startedAt = startedAt
    self.outcome = outcome
    self.finishedAt = finishedAt
    self.etag = etag
    self.checksum = checksum
    self.errorCode = errorCode
  }
}
