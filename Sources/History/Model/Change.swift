public import S3
public import SystemPackage

/// Names one change in its history file: 1 or more, growing with time, with gaps.
///
/// Changes and outcomes are numbered together, in the order in which they were recorded.
public struct ChangeID: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let value: Int64

  public init(_ value: Int64) {
    self.value = value
  }

  public var description: String { String(value) }

  public static func < (left: ChangeID, right: ChangeID) -> Bool { left.value < right.value }
}

/// A change that is about to be made.
public struct ChangeDraft: Sendable, Hashable {
  public var action: ChangeAction
  public var author: Author
  /// nil for requests that are not signed. The secret key is never recorded.
  public var accessKeyID: String?
  /// Scheme, host and port, never user information.
  public var endpoint: String
  public var bucket: BucketName
  /// nil for changes of the bucket itself.
  public var key: ObjectKey?
  /// The version that is changed; nil for the current one.
  public var versionID: VersionID?
  /// What is uploaded or deleted, where that is known.
  public var size: ByteCount?
  /// The file that is uploaded.
  public var localPath: FilePath?
  /// What the other fields have no room for: method and expiry of a presigned URL.
  public var detail: String?
  public var startedAt: Timestamp

  public init(
    action: ChangeAction, author: Author, accessKeyID: String?, endpoint: String,
    bucket: BucketName, key: ObjectKey? = nil, versionID: VersionID? = nil,
    size: ByteCount? = nil, localPath: FilePath? = nil, detail: String? = nil,
    startedAt: Timestamp
  ) {
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
  }
}

/// How one change ended.
public struct ChangeOutcome: Sendable, Hashable {
  public var change: ChangeID
  /// Any but `started`, which is what a change without an outcome has.
  public var outcome: Outcome
  public var etag: ETag?
  /// The version that came of it: of the object, or of the delete marker.
  public var versionID: VersionID?
  /// Name and value, such as `CRC64NVME:rosUhgp5mIg=`.
  public var checksum: String?
  /// What was really moved, where that differs from the draft or was not known.
  public var size: ByteCount?
  /// S3's code, or our own word for what failed here.
  public var errorCode: String?
  public var finishedAt: Timestamp

  public init(
    change: ChangeID, outcome: Outcome, etag: ETag? = nil, versionID: VersionID? = nil,
    checksum: String? = nil, size: ByteCount? = nil, errorCode: String? = nil,
    finishedAt: Timestamp
  ) {
    self.change = change
    self.outcome = outcome
    self.etag = etag
    self.versionID = versionID
    self.checksum = checksum
    self.size = size
    self.errorCode = errorCode
    self.finishedAt = finishedAt
  }
}
