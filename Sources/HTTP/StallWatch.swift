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

  /// - Parameters:
  ///   - mark: any number that changes whenever something moves.
  ///   - isServerAtWork: whether it has the whole request and owes the answer: it may then be busy
  ///     with it, or still be reading what the network has taken from us, and gets three times as
  ///     long.
  mutating func isStalled(
    mark: Int64, isServerAtWork: Bool = false, at now: ContinuousClock.Instant
  ) -> Bool {
    if mark != self.mark {
      self.mark = mark
      since = now
    }
    return now - since >= timeout * (isServerAtWork ? 3 : 1)
  }
}
