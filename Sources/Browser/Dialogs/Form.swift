import TextUI

/// Fields under each other, one of them with the focus.
struct Form: Sendable {
  enum Content: Sendable {
    case text(TextField)
    /// One of several; the first one is chosen at the beginning.
    case choice([String], chosen: Int)
  }

  struct Field: Sendable {
    var label: String
    var content: Content
    /// Left out, and not to be focused, while this is true.
    var isHidden = false
  }

  var fields: [Field]
  private(set) var focus = 0

  init(_ fields: [Field]) {
    self.fields = fields
  }

  static func text(_ label: String, _ text: String = "") -> Field {
    Field(label: label, content: .text(TextField(text)))
  }

  static func choice(_ label: String, _ choices: [String], chosen: Int = 0) -> Field {
    Field(label: label, content: .choice(choices, chosen: chosen))
  }

  /// The text of a field; empty for a choice, and beyond the end.
  func text(_ index: Int) -> String {
    guard fields.indices.contains(index), case .text(let field) = fields[index].content else {
      return ""
    }
    return field.text
  }

  /// The choice of a field; 0 for a text.
  func chosen(_ index: Int) -> Int {
    guard fields.indices.contains(index), case .choice(_, let chosen) = fields[index].content
    else { return 0 }
    return chosen
  }

  mutating func typed(_ press: KeyPress) -> Bool {
    guard fields.indices.contains(focus), case .text(var field) = fields[focus].content,
      field.handle(press)
    else { return false }
    fields[focus].content = .text(field)
    return true
  }

  mutating func pasted(_ text: String) -> Bool {
    guard fields.indices.contains(focus), case .text(var field) = fields[focus].content else {
      return false
    }
    field.insert(text)
    fields[focus].content = .text(field)
    return true
  }

  /// `false` when the command is not about fields.
  mutating func perform(_ command: Command) -> Bool {
    switch command {
    case .nextField: moveFocus(by: 1)
    case .previousField: moveFocus(by: -1)
    case .nextChoice: choose(by: 1)
    case .previousChoice: choose(by: -1)
    default: return false
    }
    return true
  }

  private mutating func moveFocus(by step: Int) {
    guard fields.contains(where: { !$0.isHidden }) else { return }
    repeat {
      focus = (focus + step + fields.count) % fields.count
    } while fields[focus].isHidden
  }

  private mutating func choose(by step: Int) {
    guard fields.indices.contains(focus),
      case .choice(let choices, let chosen) = fields[focus].content, !choices.isEmpty
    else { return }
    fields[focus].content = .choice(
      choices, chosen: (chosen + step + choices.count) % choices.count)
  }

  /// Shows or leaves out a field; one that has the focus must stay.
  mutating func setHidden(_ isHidden: Bool, _ index: Int) {
    guard fields.indices.contains(index) else { return }
    fields[index].isHidden = isHidden
  }

  /// How many rows ``draw(at:columns:on:)`` takes.
  var rows: Int { fields.count { !$0.isHidden } }

  func draw(at point: Point, columns: Int, on frame: inout Frame) {
    let width = fields.reduce(0) { max($0, VisibleText($1.label).width + 1) }
    var row = point.row
    for (index, field) in fields.enumerated() where !field.isHidden {
      let label = VisibleText(field.label + ":").padded(to: width)
      let start = Point(column: point.column, row: row)
      switch field.content {
      case .text(let text):
        frame.write(
          field: text, label: label, at: start, columns: columns, isFocused: index == focus)
      case .choice(let choices, let chosen):
        frame.write(
          Self.line(label, choices, chosen, isFocused: index == focus, columns: columns),
          at: start, columns: columns)
      }
      row += 1
    }
  }

  private static func line(
    _ label: VisibleText, _ choices: [String], _ chosen: Int, isFocused: Bool, columns: Int
  ) -> Line {
    var line = Line(isFocused ? "▸" : " ", .emphasis)
    line = line + Line(label + " ", isFocused ? .emphasis : .normal)
    let room = columns - label.width - 2
    guard choices.reduce(0, { $0 + $1.count + 2 }) <= room else {
      // Where not all fit: the one that is chosen, and how many there are.
      return line + Line(VisibleText("[\(choices[chosen])]"), .emphasis)
        + Line(VisibleText("  \(chosen + 1) of \(choices.count)"), .secondary)
    }
    for (index, choice) in choices.enumerated() {
      let text = index == chosen ? "[\(choice)]" : " \(choice) "
      line = line + Line(VisibleText(text), index == chosen ? .emphasis : .secondary)
    }
    return line
  }
}

extension Panel {
  /// A panel whose body is followed by a form, a note and its foot.
  static func draw(
    _ title: VisibleText, body: [Line], form: Form, notes: [Line], on frame: inout Frame,
    columns: Int = 68
  ) {
    // Blank lines hold the form's place; a line of a blank alone is not taken out for room.
    let held = Array(repeating: Line(" "), count: form.rows)
    let panel = Panel(title: title, body: body, foot: held + notes, columns: columns)
    let foot = panel.draw(on: &frame).foot
    form.draw(at: foot.origin, columns: foot.columns, on: &frame)
  }
}
