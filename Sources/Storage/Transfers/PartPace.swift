import S3

/// How many parts of a transfer share a slow line.
///
/// Of a transfer that is interrupted only those parts are kept that have arrived whole. Where many
/// creep along side by side, none is whole for minutes; a few at a time arrive just as soon, and
/// little is lost with the line. Reads no clock.
///
/// A slow line moves in bursts, as the kernel takes what libcurl has for it: nothing is decided on a
/// moment alone.
struct PartPace: Sendable, Hashable {
  /// What a look at the transfers finds.
  struct Sight: Sendable, Hashable {
    /// The bytes that the transfer has moved so far. It falls when some are given up.
    var moved: ByteCount
    /// Those of all transfers, which share the line.
    var movedByAll: ByteCount
    /// The parts that are being moved now.
    var underWay: Int
    /// 1 byte or more.
    var partSize: ByteCount
    /// Since any fixed moment; never less than before.
    var time: Duration
  }

  /// A change that is due if it stays so.
  private struct Intention: Sendable, Hashable {
    let isMore: Bool
    var limit: Int
    var since: Duration
  }

  /// Fewer parts than before, to find out what becomes of the line.
  private struct Trial: Sendable, Hashable {
    /// In bytes a second, of all.
    var rateBefore: Double
    /// Of that rate: less of it means that each connection is slow by itself, so that many are better.
    var leastShare: Double
    var start: Duration
    /// By all, at the start; nil until then.
    var moved: ByteCount?
  }

  /// A part that is longer under way is too much to lose.
  private static let bearable = Duration.seconds(20)
  /// Over how long a rate is looked at, and for how long it has to ask for a change.
  private static let window = Duration.seconds(5)
  /// A line on which nothing moves for so long stands still, which is another matter.
  private static let standstill = Duration.seconds(10)
  /// A trial is over with so much moved, or after this time.
  private static let trialSize = ByteCount.mebibytes(2)
  private static let longestTrial = Duration.seconds(30)
  /// Where fewer parts move so many times what more of them did, the line was not itself before.
  private static let mostShare = 2.0
  /// So much faster than it must be a line is before one more part is let out, so that the number
  /// does not change to and fro.
  private static let reserve = 1.5
  /// What may be on its way of a part that is given up, in the network's queues.
  private static let queued = ByteCount.kibibytes(256)
  private static let longestChange = Duration.seconds(20)
  /// For how long many stay at first once fewer were no gain.
  private static let firstRest = Duration.seconds(60)

  /// How many may be under way, 1 or more; nil for as many as there is room for.
  private(set) var limit: Int?

  private var meter = RateMeter(window: window)
  /// Without the first seconds, in which the kernel fills its buffers.
  private var all = RateMeter(window: window * 4)
  private var moved = ByteCount.zero
  private var movedAt = Duration.zero
  /// Since when the line has been looked at.
  private var start: Duration?
  private var intention: Intention?
  private var trial: Trial?
  /// How many there were before they became fewer.
  private var usual = 1
  private var restsUntil = Duration.zero
  private var nextRest = firstRest

  /// To be called every second or more often.
  ///
  /// - Returns: whether ``limit`` has changed.
  mutating func look(_ sight: Sight) -> Bool {
    let time = sight.time
    let hasMoved = sight.moved > moved
    // What others had moved is taken back with what they are given up for.
    if sight.moved < moved { watchAnew(at: time) }
    moved = sight.moved
    if hasMoved { movedAt = time }
    guard sight.underWay > 0, time - movedAt < Self.standstill, time >= restsUntil else {
      watchAnew(at: time)
      return false
    }
    guard hasMoved || start != nil else { return false }
    let start = start ?? time
    self.start = start
    meter.add(moved: sight.moved, at: time)
    if time - start >= Self.window { all.add(moved: sight.movedByAll, at: time) }
    // A rate is what it is when something has just moved: until then it falls, and rises again.
    guard hasMoved else { return false }
    if let trial { return judge(trial, sight) }
    guard time - start >= Self.window, meter.rate > 0 else { return false }
    return decide(sight)
  }

  /// - Returns: whether the trial has failed, so that many are let out again.
  private mutating func judge(_ trial: Trial, _ sight: Sight) -> Bool {
    let elapsed = sight.time - trial.start
    guard elapsed >= .zero else { return false }
    guard let before = trial.moved else {
      self.trial?.start = sight.time
      self.trial?.moved = sight.movedByAll
      return false
    }
    let moved = sight.movedByAll.bytes - before.bytes
    guard elapsed >= Self.window,
      moved >= Self.trialSize.bytes || elapsed >= Self.longestTrial
    else { return false }
    self.trial = nil
    let share = Double(moved) / (elapsed / .seconds(1)) / trial.rateBefore
    guard share < trial.leastShare || share > Self.mostShare else { return false }
    limit = nil
    restsUntil = sight.time + nextRest
    nextRest *= 2
    watchAnew(at: sight.time)
    return true
  }

  /// - Returns: whether there are more or fewer parts now.
  private mutating func decide(_ sight: Sight) -> Bool {
    guard let wanted = wanted(sight) else {
      intention = nil
      return false
    }
    let isMore = limit.map { wanted > $0 } ?? false
    if let intention, intention.isMore == isMore {
      // The least change that was asked for all the time.
      let least = isMore ? min(intention.limit, wanted) : max(intention.limit, wanted)
      self.intention?.limit = least
    } else {
      intention = Intention(isMore: isMore, limit: wanted, since: sight.time)
    }
    guard let intention, sight.time - intention.since >= Self.window else { return false }
    if isMore {
      limit = intention.limit == usual ? nil : intention.limit
      watchAnew(at: sight.time)
      return true
    }
    if limit == nil { usual = sight.underWay }
    limit = intention.limit
    // What is on its way of the others goes on arriving in the place of what stays.
    let queued = Double(Self.queued.bytes) * Double(sight.underWay - intention.limit)
    let rate = max(all.rate, 1)
    let change = min(.seconds(1 + queued / rate), Self.longestChange)
    // Halfway between as much as before and as much less as there are fewer.
    let leastShare = (Double(intention.limit) / Double(sight.underWay)).squareRoot()
    trial = Trial(rateBefore: rate, leastShare: leastShare, start: sight.time + change)
    watchAnew(at: sight.time)
    return true
  }

  /// - Returns: another limit than there is; nil for none.
  private func wanted(_ sight: Sight) -> Int? {
    let room = meter.rate * (Self.bearable / .seconds(1)) / Double(sight.partSize.bytes)
    if let limit {
      let more = Int(min(room / Self.reserve, Double(usual)))
      if more > limit { return more }
    }
    let fewer = Int(min(max(room, 1), Double(sight.underWay)))
    return fewer < min(sight.underWay, limit ?? sight.underWay) ? fewer : nil
  }

  private mutating func watchAnew(at time: Duration) {
    meter = RateMeter(window: Self.window)
    all = RateMeter(window: Self.window * 4)
    start = nil
    intention = nil
    // Bytes that are taken back while it goes on make it worthless.
    if let trial, trial.moved != nil { self.trial?.moved = nil }
  }
}
