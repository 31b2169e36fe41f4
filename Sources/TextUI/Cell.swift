/// One place on the screen.
public struct Cell: Hashable, Sendable {
  /// What is shown: one visible character with its combining marks, or a flag. Never
  /// empty but in the right half of a wide character.
  public let text: String
  /// 1, or 2 for a wide character; 0 for the right half of one.
  public let width: Int
  public var style: StyleRole

  /// For frames only: whoever makes a cell answers for its width.
  init(text: String, width: Int, style: StyleRole) {
    self.text = text
    self.width = width
    self.style = style
  }

  static func blank(_ style: StyleRole) -> Cell { Cell(text: " ", width: 1, style: style) }
  static func rightHalf(_ style: StyleRole) -> Cell { Cell(text: "", width: 0, style: style) }
}
