import Storage
import TextUI

/// Something to read and scroll, over the whole screen.
struct TextDialog: Overlay {
  let place = KeyPlace.text
  private let title: String
  private var text: ScrollingText

  init(title: String, lines: [Line]) {
    self.title = title
    text = ScrollingText(lines)
  }

  /// An error in full, with all that the server said.
  init(error: StorageError) {
    // The full text begins with the message and has most of the rest.
    var lines: [Line] = []
    if !error.detail.hasPrefix(error.message) { lines.append(Line(error.message, .error)) }
    lines += error.detail.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map
    {
      Line(String($0.element), $0.offset == 0 && lines.isEmpty ? .error : .normal)
    }
    let facts = [
      error.recovery, error.code.map { "S3 code: \($0)" },
      error.requestID.map { "Request ID: \($0)" },
    ]
    lines += facts.compactMap { $0 }.filter { !error.detail.contains($0) }.map { Line($0) }
    self.init(title: "Error", lines: lines)
  }

  mutating func resized(_ size: Size) {
    text.resized(Panel.room(on: size).inset(by: 1).size)
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    if text.perform(command) { return }
    if command == .close { turn.close() }
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let rect = Panel.room(on: frame.size)
    frame.fill(rect)
    let inner = Rect(
      column: 2, row: rect.row + 1, columns: max(rect.columns - 4, 0), rows: max(rect.rows - 2, 0))
    let (shown, all) = text.draw(in: inner, on: &frame)
    frame.box(
      rect, title: VisibleText(title),
      footer: shown < all ? VisibleText("\(shown) of \(all) lines") : nil, focused: true)
  }
}
