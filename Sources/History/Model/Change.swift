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

/// What one change does, to what.
public struct Change: Sendable, Hashable {
  public var action: ChangeAction
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

  public init(
    _ action: ChangeAction, bucket: BucketName, key: ObjectKey? = nil,
    versionID: VersionID? = nil, size: ByteCount? = nil, localPath: FilePath? = nil,
    detail: String? = nil
  ) {
    self.action = action
    self.bucket = bucket
    self.key = key
    self.versionID = versionID
    self.size = size
    self.localPath = localPath
    self.detail = detail
  }
}

/// A change that is about to be made, with who makes it, where and when.
@dynamicMemberLookup
public struct ChangeDraft: Sendable, Hashable {
  public var change: Change
  public var author: Author
  /// nil for requests that are not signed. The secret key is never recorded.
  public var accessKeyID: String?
  /// Scheme, host and port, never user information.
  public var endpoint: String
  public var startedAt: Timestamp

  public init(
    _ change: Change, author: Author, accessKeyID: String?, endpoint: String, startedAt: Timestamp
  ) {
    self.change = change
    self.author = author
    self.accessKeyID = accessKeyID
    self.endpoint = endpoint
    self.startedAt = startedAt
  }

  public subscript<Value>(dynamicMember member: WritableKeyPath<Change, Value>) -> Value {
    get { change[keyPath: member] }
    set { change[keyPath: member] = newValue }
  }
}

/// How one change ended.
public struct Ending: Sendable, Hashable {
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

  public init(
    outcome: Outcome, etag: ETag? = nil, versionID: VersionID? = nil, checksum: String? = nil,
    size: ByteCount? = nil, errorCode: String? = nil
  ) {
    self.outcome = outcome
    self.etag = etag
    self.versionID = versionID
    self.checksum = checksum
    self.size = size
    self.errorCode = errorCode
  }
}

/// How and when one change ended.
public struct ChangeOutcome: Sendable, Hashable {
  public var change: ChangeID
  public var ending: Ending
  public var finishedAt: Timestamp

  public init(_ change: ChangeID, _ ending: Ending, finishedAt: Timestamp) {
    self.change = change
    self.ending = ending
    self.finishedAt = finishedAt
  }
}
