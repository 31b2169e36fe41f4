public import S3

/// What became of a transfer that an earlier run had left unfinished.
public enum Resumption: Sendable, Hashable {
  public enum Reason: Sendable, Hashable, CaseIterable {
    /// The local file is not the one whose parts were sent.
    case sourceChanged
    /// The object is not the one whose ranges were fetched.
    case objectChanged
    /// The object was to be stored in another way: metadata, storage class, encryption.
    case attributesChanged
    /// The server has no such upload any more.
    case uploadGone
    /// What had arrived is not on the disk any more.
    case partFileGone
  }

  /// What was there already was kept.
  case resumed(kept: ByteCount)
  /// Nothing of it could be kept.
  case startedOver(Reason)
}
