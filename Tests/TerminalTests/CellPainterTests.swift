import CNcurses
import Glibc
import Testing
import TextUI

@testable import Terminal

@Suite("Cell painter")
struct CellPainterTests {
  init() {
    // Widths of characters follow the locale.
    #expect(setlocale(LC_CTYPE, "C.UTF-8") != nil)
  }

  /// What is sent for a text of one row.
  private func paint(_ text: VisibleText) -> [Unicode.Scalar] {
    var frame = Frame(Size(columns: text.width, rows: 1))
    frame.write(text, at: Point(column: 0, row: 0))
    var run: [wchar_t] = []
    for column in 0..<frame.size.columns { CellPainter.append(frame[0, column], to: &run) }
    return run.compactMap { Unicode.Scalar(UInt32($0)) }
  }

  @Test(
    "What terminals disagree about is sent as something they agree about",
    arguments: [
      ("abc é 日本", "abc é 日本"), ("e\u{301}", "e\u{301}"), ("👨‍💻", #"👨\u200d💻"#),
      ("👍🏽", #"👍\U0001f3fd"#),
      ("❤️.", "❤ ."), ("🇩🇪", "DE"), ("🇩", "?"), ("1️⃣", "1\u{20e3} "), ("🏳️", "🏳 "),
      ("葛\u{e0100}", "葛"), ("\u{1112}\u{1161}\u{11ab}", "\u{1112}\u{1161}\u{11ab}"),
      ("\u{3248}", "?"), ("か\u{3099}", "か\u{3099}"), ("กำ", "กำ"), ("\u{e000}", "\u{e000}"),
    ])
  func portable(text: String, sent: String) {
    #expect(paint(VisibleText(text)).elementsEqual(sent.unicodeScalars))
  }

  @Test("Any character takes the columns that the frame gives it")
  func widths() {
    // Of the many ideographs and syllables some will do.
    let values = Array(UInt32(0)..<0x3400) + Array(stride(from: 0x3400, to: 0xF900, by: 61))
    for value in values + Array(0xF900..<0x20000)
      + Array(stride(from: 0x20000, to: 0x30000, by: 61))
    {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = VisibleText(String(scalar) + "\u{301}")
      let sent = paint(text)
      let widths = sent.map { Int(wcwidth(wchar_t($0.value))) }
      if widths.contains(where: { $0 < 0 }) || widths.reduce(0, +) != text.width {
        Issue.record("U+\(String(value, radix: 16)): \(text.text.debugDescription) as \(sent)")
      }
    }
  }

  @Test("No mark is lost without a sign of it")
  func marks() {
    for value in UInt32(0x300)..<0x1F000 {
      guard let scalar = Unicode.Scalar(value), CellWidth.of(scalar) == 0 else { continue }
      let sent = paint(VisibleText("a" + String(scalar)))
      let isShown = sent.contains(scalar) || sent == ["?"] || sent.contains("\\")
      // Selectors are no marks.
      if !isShown, !(0xFE00...0xFE0F).contains(value) {
        Issue.record("U+\(String(value, radix: 16)) as \(sent)")
      }
    }
  }
}
