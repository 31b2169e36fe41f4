public import S3
internal import Synchronization

/// How far a stream has come; written by its requests, and looked at by whoever shows it.
public final class StreamProgress: Sendable {
  private struct State {
    var stillness = Stillness()
    var isHeld = false
  }

  let transfer = TransferProgress()
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  public init() {}

  /// The bytes that have moved, and for how long none has although some are under way; nil while
  /// all goes well. To be asked every second or so.
  public func look() -> (moved: ByteCount, stalledFor: Duration?) {
    let seen = transfer.snapshot
    let time = start.duration(to: .now)
    let stalledFor = state.withLock { state in
      state.stillness.look(
        moved: seen.moved, isUnderWay: seen.isUnderWay && !state.isHeld, at: time)
      return state.stillness.stalledFor
    }
    return (seen.moved, stalledFor)
  }

  /// While whoever takes the bytes is at work, the line is not to blame.
  func holding<Result>(_ take: () -> Result) -> Result {
    state.withLock { $0.isHeld = true }
    defer { state.withLock { $0.isHeld = false } }
    return take()
  }
}
