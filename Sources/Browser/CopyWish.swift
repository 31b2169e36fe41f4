public import S3
public import Storage

/// Objects and prefixes that are to be copied or moved within the store.
public struct CopyWish: Sendable {
  public enum Item: Sendable, Hashable {
    case object(ObjectKey, to: ObjectLocation)
    /// Everything that begins with a prefix; `to` is what takes the prefix's place.
    case prefix(ObjectKey, to: ObjectLocation)
  }

  public var bucket: BucketName
  public var items: [Item]
  public var isMove: Bool
  public var ifExists: TransferRequest.ExistingDestination

  public init(
    bucket: BucketName, items: [Item], isMove: Bool,
    ifExists: TransferRequest.ExistingDestination
  ) {
    self.bucket = bucket
    self.items = items
    self.isMove = isMove
    self.ifExists = ifExists
  }
}

/// How far copying has come.
public struct CopyProgress: Sendable, Hashable {
  public var copied: Int
  public var failed: Int

  public init(copied: Int = 0, failed: Int = 0) {
    self.copied = copied
    self.failed = failed
  }
}

/// What came of a ``CopyWish``.
public struct CopyReport: Sendable {
  /// How many failures are kept.
  public static let mostFailures = 200

  public var copied = 0
  /// The destination was there, and is left alone.
  public var skipped = 0
  public var failed = 0
  /// The first ones.
  public var failures: [StorageError] = []
  public var isStopped = false
  /// The last one about an outcome that could not be recorded.
  public var warning: StorageError?
  /// Where something has come.
  public var buckets: Set<BucketName> = []

  public init() {}

  public mutating func note(_ result: Result<CopyResult, StorageError>) {
    switch result {
    case .success(let result) where result.isSkipped: skipped += 1
    case .success(let result):
      copied += 1
      buckets.insert(result.destination.bucket)
      warning = result.warning ?? warning
    case .failure(let error) where error.isCancellation: isStopped = true
    case .failure(let error):
      failed += 1
      if failures.count < Self.mostFailures { failures.append(error) }
    }
  }
}
