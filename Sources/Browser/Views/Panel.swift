import TextUI

/// A box over the panes: a title, lines, and lines at its foot that are never cut off.
struct Panel {
  var title: VisibleText
  var body: [Line]
  var foot: [Line] = []
  /// Wider text is wrapped.
  var columns = 64

  /// Where a panel of this width stands at most: all but the header and the bottom row.
  static func room(on size: Size) -> Rect {
    Rect(column: 0, row: 1, columns: size.columns, rows: max(0, size.rows - 2))
  }

  /// Draws the box in the middle, and returns where its body and its foot begin.
  @discardableResult
  func draw(on frame: inout Frame) -> (body: Rect, foot: Rect) {
    let room = Self.room(on: frame.size)
    let inner = max(min(columns, room.columns - 4), 1)
    var body = body.flatMap { $0.wrapped(to: inner) }
    var foot = foot.flatMap { $0.wrapped(to: inner) }
    // Blank lines go first where there is too little room.
    let missing = body.count + foot.count + 2 - room.rows
    for _ in 0..<max(missing, 0) {
      if let blank = body.lastIndex(of: .blank) {
        body.remove(at: blank)
      } else if let blank = foot.lastIndex(of: .blank) {
        foot.remove(at: blank)
      }
    }
    let available = max(0, room.rows - 2 - foot.count)
    let bodyRows = min(body.count, available)
    let rect = room.centered(Size(columns: inner + 4, rows: bodyRows + foot.count + 2))
    // A blank column on either side keeps what lies below from touching the border.
    frame.fill(
      Rect(column: rect.column - 1, row: rect.row, columns: rect.columns + 2, rows: rect.rows))
    frame.box(rect, title: title, focused: true)
    let bodyRect = Rect(column: rect.column + 2, row: rect.row + 1, columns: inner, rows: bodyRows)
    let footRect = Rect(
      column: bodyRect.column, row: bodyRect.endRow, columns: inner,
      rows: max(0, rect.endRow - 1 - bodyRect.endRow))
    frame.write(body, in: bodyRect)
    frame.write(foot, in: footRect)
    return (bodyRect, footRect)
  }
}

/// Lines to read, more than fit, and how far one has scrolled.
struct ScrollingText: Sendable {
  private(set) var lines: [Line]
  private(set) var size = Size(columns: 0, rows: 0)
  private var top = 0

  init(_ lines: [Line]) {
    self.lines = lines
  }

  mutating func set(_ lines: [Line]) {
    self.lines = lines
    scroll(to: top)
  }

  mutating func resized(_ size: Size) {
    self.size = size
    scroll(to: top)
  }

  private func wrapped(_ columns: Int) -> [Line] {
    lines.flatMap { $0.wrapped(to: max(columns, 1)) }
  }

  private mutating func scroll(to row: Int) {
    top = max(0, min(row, wrapped(size.columns).count - size.rows))
  }

  /// `false` when the command is not about moving.
  mutating func perform(_ command: Command) -> Bool {
    switch command {
    case .moveUp: scroll(to: top - 1)
    case .moveDown: scroll(to: top + 1)
    case .pageUp: scroll(to: top - max(size.rows - 1, 1))
    case .pageDown: scroll(to: top + max(size.rows - 1, 1))
    case .halfPageUp: scroll(to: top - max(size.rows / 2, 1))
    case .halfPageDown: scroll(to: top + max(size.rows / 2, 1))
    case .moveFirst: scroll(to: 0)
    case .moveLast: scroll(to: .max)
    default: return false
    }
    return true
  }

  /// Draws the lines in view; `more` says how many are below them.
  func draw(in rect: Rect, on frame: inout Frame) -> (shown: Int, all: Int) {
    let all = wrapped(rect.columns)
    let first = max(0, min(top, all.count - rect.rows))
    frame.write(Array(all[first...].prefix(rect.rows)), in: rect)
    return (min(first + rect.rows, all.count), all.count)
  }
}
