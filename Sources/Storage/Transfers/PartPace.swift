import S3

/// How many parts of a transfer share a slow line.
///
/// Of a transfer that is interrupted only those parts are kept that have arrived whole. Where many
/// creep along side by side, none is whole for minutes; a few at a time arrive just as soon, and
/// little is lost with the line. Reads no clock.
struct PartPace: Sendable, Hashable {
  /// A part that is longer under way is too much to lose.
  private static let bearable = Duration.seconds(20)
  /// How long a line is looked at before it is judged: the kernel takes the first seconds of a slow
  /// one into its buffers.
  private static let trial = Duration.seconds(5)
  /// Where fewer parts move less than this share of what more of them did, each connection is slow by
  /// itself, and many are better.
  private static let leastShare = 0.6
  /// So much faster than it must be a line is before one more part is let out, so that the number
  /// does not change to and fro.
  private static let reserve = 1.5

  /// Those that are given up need this long to end, and what they have moved is taken back then.
  private static let change = Duration.seconds(1)

  /// How many may be under way, 1 or more; nil for as many as there is room for.
  private(set) var limit: Int?

  private var meter = RateMeter(window: trial)
  /// Since when so many as now have been under way.
  private var start: Duration?
  /// What more parts moved, in bytes a second, while fewer are tried.
  private var rateBefore: Double?
  /// What fewer moved, once it was too little, while more are tried: the line may have become slower.
  private var rateOfFewer: Double?
  /// How many there were before they became fewer.
  private var usual = 1
  private var isSettled = false

  /// To be called every second or more often.
  ///
  /// - Parameters:
  ///   - moved: the bytes that the transfer has moved so far.
  ///   - underWay: the parts that are being moved now.
  ///   - partSize: 1 byte or more.
  ///   - time: since any fixed moment; never less than before.
  /// - Returns: whether ``limit`` has changed.
  mutating func look(
    moved: ByteCount, underWay: Int, partSize: ByteCount, at time: Duration
  ) -> Bool {
    guard !isSettled else { return false }
    // Paused, or waiting for a turn.
    guard underWay > 0 else {
      watchAnew(from: nil)
      return false
    }
    let start = start ?? time
    self.start = start
    guard time >= start else { return false }
    meter.add(moved: moved, at: time)
    let rate = meter.rate
    guard time - start >= Self.trial, rate > 0 else { return false }

    if let rateBefore {
      self.rateBefore = nil
      if rate < rateBefore * Self.leastShare {
        rateOfFewer = rate
        return change(to: nil, at: time)
      }
    } else if let rateOfFewer {
      self.rateOfFewer = nil
      isSettled = rateOfFewer < rate * Self.leastShare
      if isSettled { return false }
    }
    let room = rate * (Self.bearable / .seconds(1)) / Double(partSize.bytes)
    if let limit {
      let more = Int(min(room / Self.reserve, Double(usual)))
      if more > limit { return change(to: more == usual ? nil : more, at: time) }
    }
    let fewer = Int(min(max(room, 1), Double(underWay)))
    guard fewer < min(underWay, limit ?? underWay) else { return false }
    if limit == nil { usual = underWay }
    rateBefore = rate
    return change(to: fewer, at: time)
  }

  private mutating func change(to limit: Int?, at time: Duration) -> Bool {
    self.limit = limit
    // What was seen of another number of parts tells nothing about this one.
    watchAnew(from: time + Self.change)
    return true
  }

  private mutating func watchAnew(from start: Duration?) {
    meter = RateMeter(window: Self.trial)
    self.start = start
  }
}
