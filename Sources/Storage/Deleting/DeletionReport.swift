public import S3

/// What the targets of a deletion hold, counted live.
public struct DeletionCount: Sendable, Hashable {
  public var objects: Int
  public var bytes: ByteCount
  /// `false` while more pages may come: the numbers are then a lower bound.
  public var isComplete: Bool

  public init(objects: Int = 0, bytes: ByteCount = .zero, isComplete: Bool = false) {
    self.objects = objects
    self.bytes = bytes
    self.isComplete = isComplete
  }
}

/// How far a deletion has come.
public struct DeletionProgress: Sendable, Hashable {
  public var deleted: Int
  public var failed: Int

  public init(deleted: Int = 0, failed: Int = 0) {
    self.deleted = deleted
    self.failed = failed
  }
}

/// One object that is still there, and why.
public struct DeletionFailure: Sendable, Hashable {
  public var key: ObjectKey
  public var versionID: VersionID?
  /// The S3 code, or a word of ours where no server answered.
  public var code: String
  public var message: String
  /// What to try, as a sentence.
  public var recovery: String?

  public init(
    key: ObjectKey, versionID: VersionID? = nil, code: String, message: String,
    recovery: String? = nil
  ) {
    self.key = key
    self.versionID = versionID
    self.code = code
    self.message = message
    self.recovery = recovery
  }
}

/// What a deletion did.
public struct DeletionReport: Sendable, Hashable {
  /// Kept at most of ``failures``; the rest are only counted.
  public static let failuresKept = 1_000

  /// Objects, versions and delete markers deleted.
  public var deleted: Int
  /// The sizes of what was deleted, as far as a listing told them.
  public var bytes: ByteCount
  /// The first ``failuresKept`` failures.
  public var failures: [DeletionFailure]
  /// All failures, listed or not.
  public var failed: Int
  /// Objects of which nobody knows whether they are deleted: it was cancelled before an answer came.
  public var unknown: Int
  /// Objects left alone because they are newer than the confirmation.
  public var leftNewer: Int
  /// Objects that a person named and that were not there. Nothing was sent for them: S3 would call
  /// that a success, and in a versioned bucket leave a delete marker for nothing.
  public var missing: Int
  /// Prefixes, selections, and keys of which every version was meant, in which nothing was found at
  /// all; none where the deletion ended early.
  public var unmatched: Set<DeletionTarget>
  /// Multipart uploads aborted.
  public var abortedUploads: Int
  /// Whether the bucket keeps versions, so that delete markers were added.
  public var isVersioned: Bool
  /// Set when the deletion ended early: cancelled, or no longer possible. What stands above is done.
  public var stoppedBy: StorageError?
  /// Set when objects were deleted whose outcome the history could not take.
  public var warning: StorageError?

  public init(
    deleted: Int = 0, bytes: ByteCount = .zero, failures: [DeletionFailure] = [],
    failed: Int? = nil, unknown: Int = 0, leftNewer: Int = 0, missing: Int = 0,
    unmatched: Set<DeletionTarget> = [], abortedUploads: Int = 0, isVersioned: Bool = false,
    stoppedBy: StorageError? = nil, warning: StorageError? = nil
  ) {
    self.deleted = deleted
    self.bytes = bytes
    self.failures = failures
    self.failed = failed ?? failures.count
    self.unknown = unknown
    self.leftNewer = leftNewer
    self.missing = missing
    self.unmatched = unmatched
    self.abortedUploads = abortedUploads
    self.isVersioned = isVersioned
    self.stoppedBy = stoppedBy
    self.warning = warning
  }
}
