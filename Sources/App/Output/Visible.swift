import TextUI

/// Names as a terminal may show them.
enum Visible {
  static func text(_ bytes: [UInt8]) -> String { VisibleText(bytes: bytes).text }

  /// In columns, of text as a terminal shows it.
  static func width(_ text: String) -> Int {
    // Nearly every cell of a long listing is plain ASCII.
    let isPlain = text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
    return isPlain ? text.utf8.count : VisibleText(text).width
  }
}
