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
    var lines = [Line(error.message, .error)]
    if let recovery = error.recovery { lines.append(Line(recovery)) }
    lines.append(.blank)
    if let code = error.code { lines.append(Line("Code        \(code)")) }
    if let requestID = error.requestID { lines.append(Line("Request ID  \(requestID)")) }
    if lines.last != .blank { lines.append(.blank) }
    lines += error.detail.split(separator: "\n", omittingEmptySubsequences: false).map {
      Line(String($0))
    }
    self.init(title: "The last error", lines: lines)
  }

  mutating func resized(_ size: Size) {
    text.resized(Panel.room(on: size).inset(by: 1).size)
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    if text.perform(command) { return }
    if command == .close { turn.close() }
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts) {
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
