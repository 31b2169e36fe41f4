import S3

/// How many requests of one kind are under way at once: as many as the way to the server holds.
///
/// While answers come as fast as more requests are sent, there is room on the way and more are let
/// out; once more of them only make each slower, they wait in our own queue instead of the
/// network's. Reads no clock.
struct ConcurrencyPlan: Sendable, Hashable {
  /// What a request is about, as far as that decides how many may run.
  enum Kind: Sendable, Hashable, CaseIterable {
    /// A body of a part's size: bound by bandwidth, processors and the memory of its buffers.
    case part
    /// An object small enough for the time of the way and back to be most of its time.
    case small

    /// A whole object of this size at most moves as ``small``.
    static let largestSmallObject = ByteCount.kibibytes(256)

    init(objectOf size: ByteCount) {
      self = size <= Self.largestSmallObject ? .small : .part
    }
  }

  let range: ClosedRange<Int>
  /// How many may be under way now, always within ``range``.
  private(set) var limit: Int

  /// What has been seen since the limit was last thought over.
  private var answers = 0
  private var windowStart: Duration?
  /// The shortest time from a request to its answer: that of the way, when nobody stood in line.
  private var shortest: Duration?

  /// - Parameter limit: how many to begin with.
  init(_ range: ClosedRange<Int>, startingAt limit: Int) {
    self.range = range
    self.limit = min(max(limit, range.lowerBound), range.upperBound)
  }

  /// For a machine with this many processors.
  init(_ kind: Kind, cores: Int) {
    switch kind {
    // Each has some hundred kibibytes of buffers: more of them would show in the memory that a large
    // file takes.
    case .part: self.init(4...8, startingAt: 2 * cores)
    // Fewer would leave the processors idle while others are recorded, opened or flushed.
    case .small: self.init(32...256, startingAt: 16 * cores)
    }
  }

  /// Always the same number, as a person asked for it.
  init(fixed limit: Int) {
    let limit = max(limit, 1)
    self.init(limit...limit, startingAt: limit)
  }

  /// The same with no more than `most`, which is 1 or more, under way.
  func limited(to most: Int) -> ConcurrencyPlan {
    let most = max(most, 1)
    return ConcurrencyPlan(
      min(range.lowerBound, most)...min(range.upperBound, most), startingAt: limit)
  }

  /// An answer came.
  ///
  /// - Parameters:
  ///   - latency: since its request was let out.
  ///   - time: since any fixed moment; never less than before.
  ///   - wasFull: whether as many were under way as may be: otherwise the answers tell nothing
  ///     about more of them.
  mutating func answered(after latency: Duration, at time: Duration, wasFull: Bool) {
    guard range.count > 1 else { return }
    guard wasFull, let start = windowStart else {
      windowStart = time
      answers = 0
      return
    }
    shortest = min(shortest ?? latency, latency)
    answers += 1
    // Each that was under way has been answered twice.
    guard answers >= 2 * limit, let shortest, time > start else { return }
    // Little's law: so many would be under way if none of them had to wait for another.
    let unhindered = Double(answers) * (shortest / (time - start))
    // Each of them takes memory, so those that would only wait are few.
    let wanted =
      switch unhindered / Double(limit) {
      case 0.8...: Double(limit) * 2
      case 0.65...: Double(limit) * 1.5
      default: max(unhindered * 1.6, Double(limit) / 2)
      }
    limit = min(max(Int(wanted), range.lowerBound), range.upperBound)
    windowStart = time
    answers = 0
  }
}
