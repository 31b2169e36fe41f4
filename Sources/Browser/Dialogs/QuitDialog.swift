import TextUI

/// Asks before quitting stops transfers.
struct QuitDialog: Overlay {
  let place = KeyPlace.question
  private let running: Int

  init(running: Int) {
    self.running = running
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    if command == .confirm { turn.perform(.quit) }
    if command == .confirm || command == .decline { turn.close() }
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts) {
    let transfers = running == 1 ? "1 transfer is" : "\(running) transfers are"
    Panel(
      title: "Quit?",
      body: [
        Line("\(transfers) still running."),
        Line("Quitting stops them, and leaves nothing half done behind."), .blank,
      ], foot: [Choices.yesNo(yes: "stop them and quit", no: "stay")]
    ).draw(on: &frame)
  }
}

/// The answers of a question; *No* has the focus.
enum Choices {
  static func yesNo(yes: String, no: String) -> Line {
    Line(VisibleText("▸[n] \(no)"), .emphasis) + Line("    ") + Line(VisibleText(" [y] \(yes)"))
  }
}
