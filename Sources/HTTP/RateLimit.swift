internal import Synchronization

/// How many bytes of bodies may move in a second, over all requests that share it; to be changed at
/// any time, also while they run.
public final class RateLimit: Sendable {
  private let bucket = Mutex<TokenBucket?>(nil)

  public init(bytesPerSecond: Int? = nil) {
    self.bytesPerSecond = bytesPerSecond
  }

  /// 1 or more; nil for as many as there can be.
  public var bytesPerSecond: Int? {
    get { bucket.withLock { $0?.rate } }
    set {
      bucket.withLock { bucket in
        guard let newValue else { return bucket = nil }
        if bucket == nil {
          bucket = TokenBucket(rate: newValue, at: .now)
        } else {
          bucket?.setRate(newValue, at: .now)
        }
      }
    }
  }

  /// Whether bytes may move now. What moves is to be told with ``spend(_:)``.
  func isOpen(at now: ContinuousClock.Instant = .now) -> Bool {
    bucket.withLock { $0?.isOpen(at: now) ?? true }
  }

  /// At most so many bytes should move now; nil for any number.
  func allowance(at now: ContinuousClock.Instant = .now) -> Int? {
    bucket.withLock { $0?.allowance(at: now) }
  }

  func spend(_ count: Int) {
    bucket.withLock { $0?.spend(count) }
  }

  /// How long requests that were held back sleep before they are looked at again: not at all when
  /// bytes may move by now, and no longer than a new limit should take to be felt.
  func nap(at now: ContinuousClock.Instant = .now) -> Duration {
    min(bucket.withLock { $0?.wait(at: now) } ?? .zero, .milliseconds(100))
  }
}

/// Fills at a fixed rate up to a tenth of a second's worth. What has come over the line cannot be
/// refused, so that it may be overdrawn, and then opens no sooner than that is paid. Reads no clock.
struct TokenBucket {
  /// In bytes a second.
  private(set) var rate: Int
  private var tokens: Double
  private var time: ContinuousClock.Instant

  /// A bucket this small would be filled and emptied for every few packets.
  private static let smallest = 16.0 * 1024

  init(rate: Int, at time: ContinuousClock.Instant) {
    self.rate = max(rate, 1)
    self.time = time
    tokens = 0
    tokens = capacity
  }

  private var capacity: Double { max(Double(rate) / 10, Self.smallest) }

  mutating func setRate(_ rate: Int, at now: ContinuousClock.Instant) {
    fill(at: now)
    self.rate = max(rate, 1)
    // A debt at another rate is forgiven, so that a new limit is felt at once.
    tokens = min(max(tokens, 0), capacity)
  }

  mutating func isOpen(at now: ContinuousClock.Instant) -> Bool {
    fill(at: now)
    return tokens >= 1
  }

  mutating func allowance(at now: ContinuousClock.Instant) -> Int {
    fill(at: now)
    return max(Int(tokens), 0)
  }

  mutating func spend(_ count: Int) { tokens -= Double(count) }

  mutating func wait(at now: ContinuousClock.Instant) -> Duration? {
    fill(at: now)
    guard tokens < 1 else { return nil }
    // Some more than one byte, or each wait would be for the next packet.
    return .seconds((min(capacity, Self.smallest) / 4 - tokens) / Double(rate))
  }

  private mutating func fill(at now: ContinuousClock.Instant) {
    guard now > time else { return }
    tokens = min(tokens + (now - time) / .seconds(1) * Double(rate), capacity)
    time = now
  }
}
