public import S3

/// All transfers of an engine together, as far as they are not over.
public struct TransferOverview: Sendable, Hashable {
  /// Files and trees that move, wait or are paused.
  public var unfinished: Int
  /// Bytes that have moved of them.
  public var moved: ByteCount
  /// Bytes of all of them; nil while one of them is not known.
  public var total: ByteCount?
  /// Bytes a second, as a moving average.
  public var rate: Double
  /// nil while it cannot be told: nothing moves, or it is not known how much there is.
  public var timeLeft: Duration?

  /// - Parameter rate: of all that move, as ``TransferEngine/rate`` has it; nil for the sum of theirs.
  public init(_ statuses: some Sequence<TransferStatus>, rate overall: Double? = nil) {
    unfinished = 0
    moved = .zero
    var rate = 0.0
    var total: ByteCount? = .zero
    for status in statuses where !status.state.isOver {
      unfinished += 1
      moved += status.moved
      rate += status.rate
      total = total.flatMap { sum in status.total.map { sum + $0 } }
    }
    self.total = unfinished > 0 ? total : nil
    rate = overall ?? rate
    self.rate = rate
    timeLeft = self.total.flatMap { [moved] total in
      guard rate > 0, rate.isFinite, total >= moved else { return nil }
      let seconds = Double(total.bytes - moved.bytes) / rate
      // Beyond a year the figure says nothing, and Duration's own limits come near.
      return seconds < 31_536_000 ? .seconds(seconds) : nil
    }
  }
}
