import TextUI

/// One line of text in several styles.
struct Line: Sendable, Hashable {
  struct Span: Sendable, Hashable {
    var text: VisibleText
    var style: StyleRole
  }

  var spans: [Span]

  init(_ spans: [Span] = []) {
    self.spans = spans
  }

  init(_ text: VisibleText, _ style: StyleRole = .normal) {
    spans = [Span(text: text, style: style)]
  }

  /// Text that is not known to be harmless becomes visible text here.
  init(_ text: String, _ style: StyleRole = .normal) {
    self.init(VisibleText(text), style)
  }

  static let blank = Line()

  static func + (left: Line, right: Line) -> Line { Line(left.spans + right.spans) }

  /// As shown, without its styles.
  var text: String { spans.map(\.text.text).joined() }

  var width: Int { spans.reduce(0) { $0 + $1.text.width } }

  /// Shortened to `columns` with `…` at the end; a line of one style only.
  func elided(to columns: Int) -> Line {
    guard width > columns, spans.count == 1, let span = spans.first else { return self }
    return Line(span.text.elidedAtEnd(to: columns), span.style)
  }

  /// Several lines of at most `columns`, broken where a line of one style may be.
  func wrapped(to columns: Int) -> [Line] {
    guard width > columns, spans.count == 1, let span = spans.first else { return [self] }
    return span.text.wrapped(to: columns).map { Line($0, span.style) }
  }
}

extension Frame {
  /// Writes a line within `columns`, and returns the columns it took.
  @discardableResult
  mutating func write(_ line: Line, at point: Point, columns: Int) -> Int {
    var used = 0
    for span in line.spans where used < columns {
      used += write(
        span.text, at: Point(column: point.column + used, row: point.row),
        maxWidth: columns - used, style: span.style)
    }
    return used
  }

  /// Writes lines from the top of a block on, as many as fit.
  mutating func write(_ lines: [Line], in rect: Rect) {
    for (index, line) in lines.prefix(rect.rows).enumerated() {
      write(line, at: Point(column: rect.column, row: rect.row + index), columns: rect.columns)
    }
  }

  /// Writes text in the middle of a block, wrapped to it.
  mutating func writeCentered(_ lines: [Line], in rect: Rect) {
    let wrapped = lines.flatMap { $0.wrapped(to: max(rect.columns - 2, 1)) }
    let top = rect.row + max(0, (rect.rows - wrapped.count) / 2)
    for (index, line) in wrapped.enumerated() where top + index < rect.endRow {
      let column = rect.column + max(0, (rect.columns - line.width) / 2)
      write(line, at: Point(column: column, row: top + index), columns: rect.columns)
    }
  }

  /// A text field on one row; with the focus its cursor blinks, and a marker stands before it.
  mutating func write(
    field: TextField, label: VisibleText, at point: Point, columns: Int, isFocused: Bool
  ) {
    let marker = Line(isFocused ? "▸" : " ", .emphasis)
    var used = write(
      marker + Line(label + " ", isFocused ? .emphasis : .normal), at: point, columns: columns)
    used = min(used, columns)
    let (text, cursor) = field.view(columns: columns - used)
    let start = Point(column: point.column + used, row: point.row)
    write(text.padded(to: columns - used), at: start, style: .input)
    if isFocused { self.cursor = Point(column: start.column + cursor, row: start.row) }
  }
}
