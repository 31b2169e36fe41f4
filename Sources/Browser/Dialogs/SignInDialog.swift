import Storage
import TextUI

/// Waits for a person to sign in elsewhere, and tries again then.
struct SignInDialog: Overlay {
  let place = KeyPlace.signIn
  private let error: StorageError

  init(_ error: StorageError) {
    self.error = error
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch command {
    case .accept:
      turn.retry()
      turn.close()
    case .close: turn.close()
    default: break
    }
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let body = [Line(error.message, .warning), .blank] + (error.recovery.map { [Line($0)] } ?? [])
    Panel(
      title: "Sign in", body: body,
      foot: [.blank, Line("Enter tries again when that is done", .secondary)]
    ).draw(on: &frame)
  }
}
