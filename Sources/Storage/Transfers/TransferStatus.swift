public import S3
public import SystemPackage

/// Names one transfer of this process, in the order in which they came.
public struct TransferID: Sendable, Hashable, Comparable {
  public let value: Int
  public init(_ value: Int) { self.value = value }

  public static func < (left: TransferID, right: TransferID) -> Bool { left.value < right.value }
}

public enum TransferDirection: Sendable, Hashable {
  case upload
  case download
}

/// One transfer as a person sees it.
public struct TransferStatus: Sendable, Hashable, Identifiable {
  public enum State: Sendable, Hashable {
    case waiting
    case running
    /// A request failed and is sent again.
    case retrying(RetryStatus)
    /// Stands still on a person's wish until it is resumed, and keeps what has moved.
    case paused
    case finished(TransferResult)
    case failed(StorageError)
    /// The multipart upload is being aborted, or the partial file removed.
    case cancelling
    case cancelled

    /// Whether nothing more will happen unless someone asks.
    public var isOver: Bool {
      switch self {
      case .finished, .failed, .cancelled: true
      case .waiting, .running, .retrying, .paused, .cancelling: false
      }
    }
  }

  public var id: TransferID
  public var direction: TransferDirection
  /// The name to show: the bytes of the file's name or of the key's last segment.
  public var name: [UInt8]
  public var location: ObjectLocation
  public var localPath: FilePath
  /// nil until it is known.
  public var total: ByteCount?
  /// Bytes that have moved; falls when a part is sent again.
  public var moved: ByteCount
  /// Bytes a second, as a moving average; 0 while nothing moves.
  public var rate: Double
  /// nil while it cannot be told.
  public var timeLeft: Duration?
  /// How long no byte has moved that should, in whole seconds; nil while it goes well, or is told to
  /// be tried again.
  public var stalledFor: Duration?
  public var state: State
  /// Of one file that has arrived: its name, where that is not the name of what it was made from.
  public var otherName: ObjectKey?
  /// Set for a folder or prefix: how many of its files have moved.
  public var tree: TreeStatus?
  /// nil while waiting.
  public var startedAt: Timestamp?

  public init(
    id: TransferID, direction: TransferDirection, name: [UInt8], location: ObjectLocation,
    localPath: FilePath, total: ByteCount? = nil, moved: ByteCount = .zero, rate: Double = 0,
    timeLeft: Duration? = nil, stalledFor: Duration? = nil, state: State = .waiting,
    otherName: ObjectKey? = nil, tree: TreeStatus? = nil, startedAt: Timestamp? = nil
  ) {
    self.id = id
    self.direction = direction
    self.name = name
    self.location = location
    self.localPath = localPath
    self.total = total
    self.moved = moved
    self.rate = rate
    self.timeLeft = timeLeft
    self.stalledFor = stalledFor
    self.state = state
    self.otherName = otherName
    self.tree = tree
    self.startedAt = startedAt
  }

  /// Whether it ended because all was being stopped, to go on later.
  public var isStopped: Bool {
    guard case .failed(let error) = state else { return false }
    return error.kind == .stopped
  }

  /// How much has moved, of 100; nil while the size is not known. 100 only when it is over: until
  /// the last answer is there, what was sent may have to be sent again.
  public var percent: Int? {
    guard let total, total.bytes > 0 else { return nil }
    let share = Int(min(max(Double(moved.bytes) / Double(total.bytes), 0), 1) * 100)
    return state.isOver ? share : min(share, 99)
  }
}
