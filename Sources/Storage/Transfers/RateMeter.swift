public import S3

/// Bytes a second over the last few seconds, and the time left at that rate.
///
/// Keeps a few samples and forgets those older than `window`, so that a stall shows within that
/// time and one quick burst does not promise the end. Reads no clock.
public struct RateMeter: Sendable, Hashable {
  private struct Sample: Sendable, Hashable {
    var time: Duration
    var moved: Int64
  }

  /// How far back the average looks.
  public let window: Duration
  private var samples: [Sample] = []

  public init(window: Duration = .seconds(5)) {
    self.window = window
  }

  /// - Parameters:
  ///   - moved: the bytes moved so far. It falls when some are given up that will move again.
  ///   - time: since any fixed moment; never less than before.
  public mutating func add(moved: ByteCount, at time: Duration) {
    // Nobody looked meanwhile: nothing was to move.
    if let last = samples.last, time - last.time > window { samples.removeAll() }
    samples.append(Sample(time: time, moved: moved.bytes))
    // The newest sample that is old enough stays: it is where the window begins.
    while samples.count > 2, samples[1].time <= time - window { samples.removeFirst() }
  }

  /// Bytes a second; 0 before half a second has been seen.
  public var rate: Double {
    guard let first = samples.first, let last = samples.last else { return 0 }
    let elapsed = last.time - first.time
    guard elapsed >= .milliseconds(500) else { return 0 }
    return max(Double(last.moved - first.moved) / (elapsed / .seconds(1)), 0)
  }

  /// nil while nothing moves or the total is unknown.
  public func timeLeft(total: ByteCount?) -> Duration? {
    guard let total, let moved = samples.last?.moved else { return nil }
    let rate = rate
    guard rate > 0, total.bytes >= moved else { return nil }
    let seconds = Double(total.bytes - moved) / rate
    // Beyond a year the figure says nothing, and Duration's own limits come near.
    return seconds < 31_536_000 ? .seconds(seconds) : nil
  }
}
