/// A screenful of cells: what a view makes of its state, and what a terminal shows.
///
/// Every row is exactly `size.columns` wide in columns. Nothing written outside of it, or across
/// its edge, has an effect there.
public struct Frame: Equatable, Sendable {
  public let size: Size
  /// Row by row.
  private var cells: [Cell]
  /// Where the terminal's cursor blinks, in a text field for instance; nil hides it.
  public var cursor: Point?

  public init(_ size: Size, style: StyleRole = .normal) {
    self.size = size
    cells = Array(repeating: .blank(style), count: size.columns * size.rows)
  }

  /// - Precondition: `row` and `column` lie inside of the frame.
  public subscript(row: Int, column: Int) -> Cell {
    precondition(
      (0..<size.rows).contains(row) && (0..<size.columns).contains(column), "outside of the frame")
    return cells[row * size.columns + column]
  }

  public var bounds: Rect { Rect(origin: Point(column: 0, row: 0), size: size) }

  /// The rows as plain text, trailing blanks included.
  public var text: [String] {
    (0..<size.rows).map { row in
      cells[row * size.columns..<(row + 1) * size.columns].reduce(into: "") { $0 += $1.text }
    }
  }

  /// Whether that row looks the same in a frame of the same size.
  public func hasSameRow(_ row: Int, as other: Frame) -> Bool {
    precondition(size == other.size && (0..<size.rows).contains(row), "not comparable")
    let range = row * size.columns..<(row + 1) * size.columns
    return cells[range] == other.cells[range]
  }

  /// Writes one line of text and returns the columns it took.
  ///
  /// - Parameters:
  ///   - point: May lie left of the frame: the text is then clipped at the left edge.
  ///   - maxWidth: The text is clipped to this many columns, and to the frame's edge.
  @discardableResult
  public mutating func write(
    _ text: VisibleText, at point: Point, maxWidth: Int? = nil, style: StyleRole = .normal
  ) -> Int {
    let limit = min(maxWidth ?? text.width, text.width)
    guard (0..<size.rows).contains(point.row), limit > 0 else { return 0 }
    var column = point.column
    for glyph in text.glyphs {
      guard column - point.column + glyph.width <= limit, column + glyph.width <= size.columns
      else { break }
      if column >= 0 {
        put(
          Cell(text: glyph.text, width: glyph.width, style: style),
          at: Point(column: column, row: point.row))
      }
      column += glyph.width
    }
    return column - point.column
  }

  /// Makes the block blank, or fills it with another character of one column.
  public mutating func fill(
    _ rect: Rect, with character: VisibleText = " ", style: StyleRole = .normal
  ) {
    guard let glyph = character.glyphs.first, glyph.width == 1 else { return }
    let rect = clipped(rect)
    for row in rect.row..<rect.endRow {
      for column in rect.column..<rect.endColumn {
        put(
          Cell(text: glyph.text, width: 1, style: style), at: Point(column: column, row: row))
      }
    }
  }

  /// Gives the block's cells another role and leaves their text.
  public mutating func restyle(_ rect: Rect, _ style: StyleRole) {
    let rect = clipped(rect)
    for row in rect.row..<rect.endRow {
      for column in rect.column..<rect.endColumn {
        cells[row * size.columns + column].style = style
      }
    }
  }

  /// Copies another frame, its cursor included when it has one, with its top left at `point`.
  public mutating func paste(_ frame: Frame, at point: Point) {
    for row in 0..<frame.size.rows where (0..<size.rows).contains(point.row + row) {
      for column in 0..<frame.size.columns {
        let cell = frame[row, column]
        let target = point.column + column
        guard cell.width > 0, target >= 0 else { continue }
        let fits = target + cell.width <= size.columns
        guard fits || target < size.columns else { break }
        put(
          fits ? cell : .blank(cell.style), at: Point(column: target, row: point.row + row))
      }
    }
    if let inner = frame.cursor {
      cursor = Point(column: point.column + inner.column, row: point.row + inner.row)
    }
  }

  /// A part of this frame; its cursor is kept when it lies inside.
  public func cropped(to rect: Rect) -> Frame {
    var part = Frame(rect.size)
    part.paste(self, at: Point(column: -rect.column, row: -rect.row))
    if let cursor = part.cursor,
      !(0..<rect.columns).contains(cursor.column) || !(0..<rect.rows).contains(cursor.row)
    {
      part.cursor = nil
    }
    return part
  }

  private func clipped(_ rect: Rect) -> Rect {
    let column = min(max(0, rect.column), size.columns)
    let row = min(max(0, rect.row), size.rows)
    return Rect(
      column: column, row: row, columns: min(rect.endColumn, size.columns) - column,
      rows: min(rect.endRow, size.rows) - row)
  }

  /// Places a cell that lies inside; halves of wide characters that lose their other half become
  /// blank.
  private mutating func put(_ cell: Cell, at point: Point) {
    let index = point.row * size.columns + point.column
    if cells[index].width == 0 { cells[index - 1] = .blank(cells[index - 1].style) }
    let last = index + cell.width - 1
    if cells[last].width == 2, point.column + cell.width < size.columns {
      cells[last + 1] = .blank(cells[last + 1].style)
    }
    cells[index] = cell
    if cell.width == 2 { cells[last] = .rightHalf(cell.style) }
  }
}
