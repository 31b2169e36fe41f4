import Synchronization

/// How often and after which waits a request is sent again.
public struct RetryPolicy: Sendable, Hashable {
  /// How often a request is sent at most, the first time included: 1 or more.
  public var maxAttempts: Int
  /// The longest wait before the second attempt; it doubles with each further one.
  public var base: Duration
  /// No wait is longer, unless the server asks for more with `Retry-After`.
  public var cap: Duration
  /// No attempt begins later than this after the first failure.
  public var deadline: Duration
  /// While a server that has answered before cannot be reached, or the source of the credentials has
  /// none to give, attempts go on for this long after the first failure, however many they are.
  public var persistence = Duration.zero

  public init(maxAttempts: Int, base: Duration, cap: Duration, deadline: Duration) {
    self.maxAttempts = maxAttempts
    self.base = base
    self.cap = cap
    self.deadline = deadline
  }

  public static let standard = RetryPolicy(
    maxAttempts: 6, base: .milliseconds(200), cap: .seconds(10), deadline: .seconds(60))

  /// The wait before the attempt after `attempt`: anything from nothing to the full length, so
  /// that clients that failed together do not come back together.
  ///
  /// - Parameters:
  ///   - attempt: the number of the attempt that failed, from 1.
  ///   - retryAfter: what the server asked for, which is the least to wait.
  ///   - random: 0 through 1.
  func wait(afterAttempt attempt: Int, retryAfter: Duration?, random: Double) -> Duration {
    let doublings = min(max(attempt - 1, 0), 20)
    let longest = min(cap, base * (1 << doublings))
    return max(longest * random, retryAfter ?? .zero)
  }
}

/// What becomes of a request that is sent more than once.
public enum RetryEvent: Sendable, Hashable {
  case failed(RetryNotice)
  /// The request with this number is over, whatever its end.
  case ended(request: Int)
}

/// One attempt that failed and will be followed by another.
public struct RetryNotice: Sendable, Hashable {
  private static let lastRequest = Atomic(0)

  /// The same for all attempts of a request, and for no other request of this process.
  public var request: Int
  public var operation: S3Operation
  /// The attempt that failed, from 1.
  public var attempt: Int
  public var maxAttempts: Int
  public var cause: S3Error.Cause
  /// How long the client waits before the next attempt.
  public var wait: Duration

  /// An answer that broke off, whose rest another request fetches at once.
  public static func brokenAnswer(
    of operation: S3Operation, cause: S3Error.Cause, policy: RetryPolicy
  ) -> RetryNotice {
    RetryNotice(
      request: numberOfNextRequest(), operation: operation, attempt: 1,
      maxAttempts: policy.maxAttempts, cause: cause, wait: .zero)
  }

  static func numberOfNextRequest() -> Int {
    lastRequest.add(1, ordering: .relaxed).newValue
  }
}
