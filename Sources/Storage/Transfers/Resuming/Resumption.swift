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

    /// Follows "since".
    public var words: String {
      switch self {
      case .sourceChanged: "the file has changed"
      case .objectChanged: "the object has changed"
      case .attributesChanged: "it is to be stored in another way"
      case .uploadGone: "the server has nothing of it any more"
      case .partFileGone: "what had arrived is not there any more"
      }
    }
  }

  /// What was there already was kept.
  case resumed(kept: ByteCount)
  /// Nothing of it could be kept.
  case startedOver(Reason)

  /// For the history's row of the attempt.
  var detail: String {
    switch self {
    case .resumed: "resumed"
    case .startedOver(let reason): "started over: \(reason)"
    }
  }
}
