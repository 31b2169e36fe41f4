import Synchronization

/// A line such as `1,203 deleted, 1 failed`, kept current on a terminal.
final class CountProgress: Sendable {
  private let console: Console
  private let verb: String
  private let isShown: Bool
  private let last = Mutex(ContinuousClock.now - .seconds(1))

  init(_ context: CommandContext, verb: String) {
    console = context.console
    self.verb = verb
    isShown = context.showsProgress
  }

  func show(_ count: Int, failed: Int = 0) {
    guard isShown else { return }
    // More than ten lines a second are bytes on a slow line and nothing to the eye.
    let isDue = last.withLock { last in
      let now = ContinuousClock.now
      guard now - last >= .milliseconds(100) else { return false }
      last = now
      return true
    }
    guard isDue else { return }
    console.progress("\(count) \(verb)" + (failed > 0 ? ", \(failed) failed" : ""))
  }
}
