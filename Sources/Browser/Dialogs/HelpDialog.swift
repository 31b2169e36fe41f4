import TextUI

/// What the keys do where one is, made from the key table and searched as one types.
struct HelpDialog: Overlay {
  let place = KeyPlace.search
  private let title: String
  private let rows: [(keys: String, help: String)]
  private var field = TextField()
  private var text = ScrollingText([])

  init(keys: KeyTable, place: KeyPlace) {
    title = "Keys: \(place.title)"
    rows = keys.bindings(in: place).map { binding in
      (binding.keys.map(\.name).joined(separator: "  "), binding.help)
    }
    text.set(lines)
  }

  private var lines: [Line] {
    let wanted = field.text.lowercased()
    let found = rows.filter {
      wanted.isEmpty || $0.help.lowercased().contains(wanted)
        || $0.keys.lowercased().contains(wanted)
    }
    guard !found.isEmpty else { return [Line("No key does that here", .secondary)] }
    let width = rows.reduce(0) { max($0, VisibleText($1.keys).width) }
    return found.map { row in
      Line(VisibleText(row.keys).padded(to: width + 2), .keycap) + Line(VisibleText(row.help))
    }
  }

  mutating func resized(_ size: Size) {
    let inner = Panel.room(on: size).inset(by: 1)
    text.resized(Size(columns: inner.columns - 2, rows: max(inner.rows - 2, 0)))
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    // ↑ ↓ PgUp PgDn scroll, Tab has no other field to go to.
    guard field.handle(press) else { return false }
    text.set(lines)
    return true
  }

  mutating func pasted(_ pasted: String, _ turn: inout Turn) -> Bool {
    field.insert(pasted)
    text.set(lines)
    return true
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    if text.perform(command) { return }
    if command == .close { turn.close() }
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let rect = Panel.room(on: frame.size)
    frame.fill(rect)
    let inner = rect.inset(by: 1)
    frame.write(
      field: field, label: "Search:", at: inner.origin, columns: inner.columns, isFocused: true)
    let list = Rect(
      column: inner.column + 1, row: inner.row + 2, columns: inner.columns - 2, rows: inner.rows - 2
    )
    let (shown, all) = text.draw(in: list, on: &frame)
    frame.box(
      rect, title: VisibleText(title),
      footer: shown < all ? VisibleText("\(shown) of \(all) lines") : nil, focused: true)
  }
}
