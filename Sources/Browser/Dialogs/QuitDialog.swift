import TextUI

/// Asks what becomes of transfers that run when one quits.
struct QuitDialog: Overlay {
  let place = KeyPlace.quitting
  private let running: Int
  private let endsAtLogout: Bool

  init(running: Int, _ facts: BrowserFacts) {
    self.running = running
    endsAtLogout = facts.endsAtLogout
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch command {
    case .quitInBackground: turn.perform(.quitInBackground)
    case .quitStopping: turn.perform(.quit)
    case .decline: break
    default: return
    }
    turn.close()
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let transfers = running == 1 ? "1 transfer is" : "\(running) transfers are"
    var body = [Line("\(transfers) still running."), Line.blank]
    if endsAtLogout {
      body += [
        Line("This machine ends your programs when you log out.", .warning),
        Line("To keep them: loginctl enable-linger, and run pail in tmux under"),
        Line("systemd-run --user --scope."), .blank,
      ]
    }
    Panel(
      title: "Quit?", body: body,
      foot: [
        Line(" [b] go on in the background: the next pail shows them"),
        Line(" [s] stop them: pail transfers resume goes on where they were"),
        Line("▸[n] stay", .emphasis),
      ]
    ).draw(on: &frame)
  }
}

/// The answers of a question; *No* has the focus.
enum Choices {
  static func yesNo(yes: String, no: String) -> Line {
    Line(VisibleText("▸[n] \(no)"), .emphasis) + Line("    ") + Line(VisibleText(" [y] \(yes)"))
  }
}
