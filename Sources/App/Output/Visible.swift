import TextUI

/// Names as a terminal may show them.
enum Visible {
  static func text(_ bytes: [UInt8]) -> String { VisibleText(bytes: bytes).text }
}
