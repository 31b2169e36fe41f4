public import TextUI

/// What is shown instead of the panes while Pail cannot start work: where it looked for settings,
/// and what to put where.
public struct SetupScreen: Sendable {
  private let message: String
  private let whereLooked: [String]
  private let recovery: String
  private let keys = KeyTable.standard

  public init(message: String, whereLooked: [String], recovery: String) {
    self.message = message
    self.whereLooked = whereLooked
    self.recovery = recovery
  }

  /// Whether a key ends the program, as ``view(_:)`` says it does.
  public func isQuit(_ press: KeyPress) -> Bool {
    keys.meaning(of: [press], in: .notice) == .command(.quit)
  }

  public func view(_ size: Size) -> Frame {
    var frame = Frame(size)
    let room = frame.bounds.inset(by: 1)
    var lines = [Line(message, .emphasis), .blank]
    if !whereLooked.isEmpty {
      lines.append(Line("Pail looked for:"))
      lines += whereLooked.map { Line("  \($0)") }
      lines.append(.blank)
    }
    lines += recovery.split(separator: "\n", omittingEmptySubsequences: false).map {
      Line(String($0))
    }
    let wrapped = lines.flatMap { $0.wrapped(to: max(room.columns - 2, 1)) }
    frame.write(
      wrapped,
      in: Rect(
        column: room.column + 1, row: room.row + 1, columns: room.columns - 2,
        rows: max(room.rows - 2, 0)))
    if size.columns >= Layout.smallest.columns {
      frame.box(
        Rect(column: 0, row: 0, columns: size.columns, rows: max(size.rows - 1, 0)),
        title: "pail", focused: true)
      let hint = Line(VisibleText(keys.keyName(for: .quit)), .keycap) + Line(" quit", .hint)
      frame.write(hint, at: Point(column: 2, row: size.rows - 1), columns: size.columns - 2)
    }
    return frame
  }
}
