import Storage
import Synchronization
import TextUI

/// A line such as `1,203 deleted, 1 failed`, kept current on a terminal. Behind it stands what holds
/// it up: `retrying 2/5: SlowDown`. Of a command that counts nothing that is all of it.
final class CountProgress: Sendable {
  private struct State {
    var words = ""
    var retry: RetryStatus?
    var last = ContinuousClock.now - .seconds(1)
  }

  private let console: Console
  private let verb: String
  private let isShown: Bool
  private let state = Mutex(State())

  /// - Parameter verb: what became of those that are counted.
  init(_ context: CommandContext, verb: String = "") {
    console = context.console
    self.verb = verb
    isShown = context.showsProgress
  }

  /// The same session, whose requests show here when they are sent again.
  func watching(_ session: Session) -> Session {
    guard isShown else { return session }
    var session = session
    session.service = session.service.tellingRetries(
      to: Retries { retry in self.show { $0.retry = retry } })
    return session
  }

  func show(_ count: Int, failed: Int = 0) {
    show("\(count) \(verb)" + (failed > 0 ? ", \(failed) failed" : ""))
  }

  func show(_ words: String) {
    show { $0.words = words }
  }

  private func show(_ change: (inout State) -> Void) {
    guard isShown else { return }
    state.withLock { state in
      let retry = state.retry
      change(&state)
      let now = ContinuousClock.now
      // More than ten lines a second are bytes on a slow line and nothing to the eye; but nothing
      // may follow for long upon a retry, or upon its end.
      guard state.retry != retry || now - state.last >= .milliseconds(100) else { return }
      state.last = now
      let line = Self.line(state.words, state.retry, columns: console.errorColumns - 1)
      if line.isEmpty { console.clearProgress() } else { console.progress(line) }
    }
  }

  static func line(_ words: String, _ retry: RetryStatus?, columns: Int) -> String {
    let facts = [words, retry?.words ?? ""].filter { !$0.isEmpty }
    return VisibleText(facts.joined(separator: "  ")).clipped(to: max(columns, 0)).text
  }
}
