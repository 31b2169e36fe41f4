extension Frame {
  /// Draws a border with a title on its upper left, `trailing` on its upper right and a footer on
  /// its lower left. What does not fit is elided; the inside is left as it is.
  ///
  /// Focus shows without colour: the title begins with `▸`.
  public mutating func box(
    _ rect: Rect, title: VisibleText? = nil, trailing: VisibleText? = nil,
    footer: VisibleText? = nil, focused: Bool = false
  ) {
    guard rect.columns >= 2, rect.rows >= 2 else { return }
    // The sides keep their colour, since changing it four times in each row costs 20 bytes there.
    let style: StyleRole = focused ? .focusedBorder : .border
    let inner = rect.columns - 2
    let line = VisibleText(String(repeating: "─", count: inner))
    write("┌" + line + "┐", at: rect.origin, style: style)
    write("└" + line + "┘", at: Point(column: rect.column, row: rect.endRow - 1), style: style)
    for row in rect.row + 1..<rect.endRow - 1 {
      write("│", at: Point(column: rect.column, row: row), style: .border)
      write("│", at: Point(column: rect.endColumn - 1, row: row), style: .border)
    }
    var room = inner
    if let title {
      let marker: VisibleText = focused ? "▸" : " "
      let text = marker + title.elidedInMiddle(to: max(0, inner - 2)) + " "
      room -= write(
        text, at: Point(column: rect.column + 1, row: rect.row), maxWidth: inner, style: .title)
    } else if focused {
      room -= write("▸", at: Point(column: rect.column + 1, row: rect.row), style: .title)
    }
    if let trailing, trailing.width + 3 <= room {
      write(
        " " + trailing + " ",
        at: Point(column: rect.endColumn - 2 - trailing.width - 2, row: rect.row),
        style: .secondary)
    }
    if let footer {
      write(
        " " + footer.elidedInMiddle(to: max(0, inner - 2)) + " ",
        at: Point(column: rect.column + 1, row: rect.endRow - 1), maxWidth: inner,
        style: .secondary)
    }
  }
}
