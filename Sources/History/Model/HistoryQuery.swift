public import S3

/// Which changes are wanted; every condition given must hold.
public struct HistoryQuery: Sendable, Hashable {
  /// How ``HistoryQuery/user`` and ``HistoryQuery/bucket`` are compared.
  public enum Matching: Sendable, Hashable {
    /// The whole name, byte for byte: for commands.
    case exact
    /// Any part of it, letters A to Z alike in either case: for filters applied while typing.
    case containing
  }

  public var user: String?
  public var bucket: BucketName?
  /// The beginning of the key, byte for byte.
  public var prefix: ObjectKey?
  public var action: ChangeAction?
  /// Changes that started then or later.
  public var since: Timestamp?
  /// Words, separated by blanks. Each must occur in the user, the action, the bucket, the key or
  /// the outcome, letters A to Z alike in either case.
  public var text: String?
  public var matching: Matching

  public init(
    user: String? = nil, bucket: BucketName? = nil, prefix: ObjectKey? = nil,
    action: ChangeAction? = nil, since: Timestamp? = nil, text: String? = nil,
    matching: Matching = .exact
  ) {
    self.user = user
    self.bucket = bucket
    self.prefix = prefix
    self.action = action
    self.since = since
    self.text = text
    self.matching = matching
  }
}
