import Foundation
import TestSupport
import Testing

@testable import TextUI

extension SeededRandom {
  /// Random bytes, random scalars, and the awkward ones.
  mutating func hostileText() -> VisibleText {
    let awkward: [Unicode.Scalar] = [
      "a", ".", "/", " ", "\n", "\u{1b}", "\u{7f}", "\u{9b}", "\u{301}", "\u{200d}", "\u{fe0f}",
      "\u{202e}", "日", "👩", "\u{1f3fd}", "🇩", "🇪", "1", "\u{20e3}", "\u{1100}", "\u{1161}", "❤",
      "\u{93f}", "क", "\u{e0100}", "\u{feff}",
    ]
    let count = Int.random(in: 0...10, using: &self)
    switch Int.random(in: 0...2, using: &self) {
    case 0:
      return VisibleText(bytes: (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) })
    case 1:
      var scalars = String.UnicodeScalarView()
      for _ in 0..<count {
        scalars.append(Unicode.Scalar(UInt32.random(in: 0...0x2FFFF, using: &self)) ?? "\u{fffd}")
      }
      return VisibleText(String(scalars))
    default:
      var scalars = String.UnicodeScalarView()
      for _ in 0..<count { scalars.append(awkward.randomElement(using: &self) ?? "a") }
      return VisibleText(String(scalars))
    }
  }
}

/// Each row is as wide as the frame, halves of wide characters come in pairs, and no character
/// controls, reorders or hides.
func expectSound(_ frame: Frame, sourceLocation: SourceLocation = #_sourceLocation) {
  for row in 0..<frame.size.rows {
    var column = 0
    var isSound = true
    while column < frame.size.columns {
      let cell = frame[row, column]
      isSound = isSound && !cell.text.isEmpty && (1...2).contains(cell.width)
      if cell.width == 2 {
        isSound = isSound && column + 1 < frame.size.columns && frame[row, column + 1].width == 0
      }
      for scalar in cell.text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .unassigned, .lineSeparator, .paragraphSeparator, .surrogate:
          isSound = false
        default: break
        }
      }
      // What the text would take by itself is what the cell claims.
      isSound = isSound && VisibleText(cell.text).width == cell.width
      column += max(1, cell.width)
    }
    isSound = isSound && column == frame.size.columns
    if !isSound {
      Issue.record(
        "row \(row): \(frame.text[row].debugDescription)", sourceLocation: sourceLocation)
    }
  }
}

/// Compares with `Screens/NAME.txt`; `RECORD_SCREENS=1` writes it anew, never where CI runs.
func expectScreen(
  _ frame: Frame, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let file = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Screens/\(name).txt")
  let text = frame.text.map { "\($0)|\n" }.joined()
  let environment = ProcessInfo.processInfo.environment
  if environment["RECORD_SCREENS"] == "1", environment["CI"] == nil {
    try text.write(to: file, atomically: true, encoding: .utf8)
  }
  let expected = try String(contentsOf: file, encoding: .utf8)
  #expect(text == expected, sourceLocation: sourceLocation)
}
