import S3
import Storage
import Synchronization
import TextUI

/// A line such as `1,203 deleted, 1 failed`, kept current on a terminal. Behind it stands what holds
/// it up: `retrying 2/5: SlowDown`, or `stalled 8 s`. Of a command that counts nothing that is all of
/// it.
final class CountProgress: Sendable {
  private struct State {
    var words = ""
    var retry: RetryStatus?
    var stalledFor: Duration?
    var shown = ""
    var last = ContinuousClock.now - .seconds(1)

    var trouble: String? { retry?.words ?? stalledFor.map(DurationFormat.stalled) }
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

  /// Shows every second how far a stream has come while `work` moves it.
  func following<Value: Sendable>(
    _ stream: StreamProgress, _ work: () async throws -> Value
  ) async rethrows -> Value {
    guard isShown else { return try await work() }
    let watch = Task {
      // A stream that stands still tells nothing, so it is looked at again; sleeping fails once the
      // task is cancelled, which ends it.
      while (try? await Task.sleep(for: .seconds(1))) != nil {
        let (moved, stalledFor) = stream.look()
        show { state in
          if !verb.isEmpty, moved > .zero { state.words = "\(ByteFormat.iec(moved.bytes)) \(verb)" }
          state.stalledFor = stalledFor
        }
      }
    }
    do {
      let value = try await work()
      await end(watch)
      return value
    } catch {
      await end(watch)
      throw error
    }
  }

  private func end(_ watch: Task<Void, Never>) async {
    watch.cancel()
    await watch.value
    show { $0.stalledFor = nil }
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
      let trouble = state.trouble
      change(&state)
      let now = ContinuousClock.now
      // More than ten lines a second are bytes on a slow line and nothing to the eye; but nothing
      // may follow for long upon trouble, or upon its end.
      guard state.trouble != trouble || now - state.last >= .milliseconds(100) else { return }
      let line = Self.line(state.words, state.trouble, columns: console.errorColumns - 1)
      guard line != state.shown else { return }
      (state.shown, state.last) = (line, now)
      if line.isEmpty { console.clearProgress() } else { console.progress(line) }
    }
  }

  static func line(_ words: String, _ trouble: String?, columns: Int) -> String {
    let facts = [words, trouble ?? ""].filter { !$0.isEmpty }
    return VisibleText(facts.joined(separator: "  ")).clipped(to: max(columns, 0)).text
  }
}
