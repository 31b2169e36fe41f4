import HTTP
import S3
import Synchronization

/// How long transfers, streams and copies go on when nothing gets through any more: a server that comes
/// back in time ends none of them.
///
/// Counts from the first failure after the last success, over all transfers, and not while all of them
/// stand still. Before the first success there is none: an endpoint that never answered is likely a
/// wrong one. A request that alone does not get through while others do is given up at last, and soon
/// when the server fails at it.
final class Patience: Sendable {
  /// What one request has been through.
  struct Trouble: Sendable {
    fileprivate var since: ContinuousClock.Instant?
    /// How often the server failed at it although others succeeded meanwhile.
    fileprivate var rounds = 0
  }

  private struct State {
    var lastSuccess: ContinuousClock.Instant?
    var troubleSince: ContinuousClock.Instant?
    /// Since when all stand still, and for how long they have before.
    var stillSince: ContinuousClock.Instant?
    var still = Duration.zero

    /// A clock that stands while all transfers do.
    func time(at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
      (stillSince ?? now).advanced(by: .zero - still)
    }
  }

  /// Each of as many attempts as the client makes.
  private static let mostRounds = 2
  /// The total deadline of a request, as a multiple of the limit.
  private static let mostLimits = 10

  private let limit: Duration
  private let wait: @Sendable (Duration) async throws -> Void
  private let clock: @Sendable () -> ContinuousClock.Instant
  private let state = Mutex(State())

  /// - Parameters:
  ///   - wait: for the moment before a request goes again; ends early only when the task is
  ///     cancelled. Tests do not wait.
  ///   - clock: tells the time, which tests let pass as they like.
  init(
    _ limit: Duration,
    wait: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.limit = limit
    self.wait = wait
    self.clock = clock
  }

  func succeeded() {
    let now = clock()
    state.withLock { state in
      state.lastSuccess = state.time(at: now)
      state.troubleSince = nil
    }
  }

  /// Whether all transfers stand still on a person's wish.
  func note(isStill: Bool) {
    let now = clock()
    state.withLock { state in
      guard isStill != (state.stillSince != nil) else { return }
      if let stillSince = state.stillSince { state.still += stillSince.duration(to: now) }
      state.stillSince = isStill ? now : nil
    }
  }

  /// Whether nothing has got through for so long that nothing more is waited for: what fails now has
  /// no more than the client's own attempts.
  var isExhausted: Bool {
    let now = clock()
    return state.withLock { state in
      guard let troubleSince = state.troubleSince else { return false }
      return state.lastSuccess == nil || troubleSince.duration(to: state.time(at: now)) >= limit
    }
  }

  /// Waits a moment after a request that the client has given up, or as long as the server asked for.
  ///
  /// - Parameters:
  ///   - trouble: that of this request, and of no other.
  ///   - limits: its total deadline, as a multiple of the limit.
  /// - Returns: whether it is to be sent again. `false` at once for an error that will stay, and when
  ///   the task is cancelled.
  func isLeft(
    after error: S3Error, _ trouble: inout Trouble, limits: Int = mostLimits
  ) async -> Bool {
    guard error.isTransient, !Task.isCancelled else { return false }
    let moment = clock()
    let (now, lastSuccess, troubleSince) = state.withLock { state in
      let now = state.time(at: moment)
      let since = state.troubleSince ?? now
      state.troubleSince = since
      return (now, state.lastSuccess, since)
    }
    let since = trouble.since ?? now
    trouble.since = since
    guard let lastSuccess else { return false }
    if case .service(let failure) = error.cause, failure.status == 500, lastSuccess > since {
      trouble.rounds += 1
    }
    // The client has waited between its own attempts; this only spreads those who come back.
    let wait = max(.milliseconds(Int64.random(in: 0...1000)), error.retryAfter ?? .zero)
    guard trouble.rounds < Self.mostRounds, since.duration(to: now) < limit * limits,
      troubleSince.duration(to: now) + (error.retryAfter ?? .zero) < limit
    else { return false }
    do {
      try await self.wait(wait)
    } catch {
      return false
    }
    return true
  }

  /// Sends a request until it gets through, fails for good, or nothing more is waited for.
  ///
  /// - Parameters:
  ///   - limits: the total deadline, as a multiple of the limit.
  ///   - request: is told why it is open whether an earlier round was carried out; nil when none was.
  ///     What it throws at last is in doubt as well then.
  func keepTrying<Answer>(
    isolation: isolated (any Actor)? = #isolation, limits: Int = mostLimits,
    _ request: (_ doubt: S3Error.Cause?) async throws(S3Error) -> Answer
  ) async throws(S3Error) -> Answer {
    var trouble = Trouble()
    var doubt: S3Error.Cause?
    while true {
      do throws(S3Error) {
        let answer = try await request(doubt)
        succeeded()
        return answer
      } catch {
        var error = error
        if error.isInDoubt { doubt = doubt ?? error.cause }
        error.isInDoubt = doubt != nil
        if await isLeft(after: error, &trouble, limits: limits) { continue }
        throw error.orCancellation
      }
    }
  }
}

extension S3Error {
  /// The same, of a request that might have gone again; where its task was cancelled meanwhile, that
  /// is why it does not.
  var orCancellation: S3Error {
    guard isTransient, Task.isCancelled else { return self }
    var error = self
    error.cause = .transport(.cancelled)
    return error
  }
}
