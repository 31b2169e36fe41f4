/// Tells when nothing has moved for too long. A slow line is not a stalled one: one byte is enough.
struct StallWatch {
  private let timeout: Duration
  private var mark: Int64
  private var since: ContinuousClock.Instant

  init(timeout: Duration, at now: ContinuousClock.Instant) {
    self.timeout = timeout
    mark = 0
    since = now
  }

  /// How often `isStalled` should be asked to be right to a quarter of the timeout, or to a second.
  var interval: Duration { max(min(timeout / 4, .seconds(1)), .milliseconds(5)) }

  /// - Parameter mark: any number that changes whenever something moves.
  mutating func isStalled(mark: Int64, at now: ContinuousClock.Instant) -> Bool {
    if mark != self.mark {
      self.mark = mark
      since = now
    }
    return now - since >= timeout
  }
}
