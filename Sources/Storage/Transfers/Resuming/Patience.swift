import S3
import Synchronization

/// How long the transfers of an engine go on when nothing gets through any more: a server that comes
/// back in time ends none of them.
///
/// Counts from the first failure after the last success, over all transfers. Before the first
/// success there is none: an endpoint that never answered is likely a wrong one.
final class Patience: Sendable {
  private struct State {
    var hasSucceeded = false
    var troubleSince: ContinuousClock.Instant?
  }

  private let limit: Duration
  private let state = Mutex(State())

  init(_ limit: Duration) {
    self.limit = limit
  }

  func succeeded() {
    state.withLock { state in
      state.hasSucceeded = true
      state.troubleSince = nil
    }
  }

  /// Waits a moment after a request that the client has given up.
  ///
  /// - Returns: whether it is to be sent again. `false` at once for an error that will stay, and when
  ///   the task is cancelled.
  func isLeft(after error: S3Error) async -> Bool {
    guard error.isTransient, !Task.isCancelled else { return false }
    let now = ContinuousClock.now
    let isLeft = state.withLock { state in
      guard state.hasSucceeded else { return false }
      let since = state.troubleSince ?? now
      state.troubleSince = since
      return since.duration(to: now) < limit
    }
    guard isLeft else { return false }
    do {
      // The client has waited between its own attempts; this only spreads those who come back.
      try await Task.sleep(for: .milliseconds(Int64.random(in: 0...1000)))
    } catch {
      return false
    }
    return true
  }
}
