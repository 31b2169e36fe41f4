import Testing

@testable import TextUI

@Suite("Visible text")
struct VisibleTextTests {
  @Test(
    "What could harm a terminal or deceive a reader is spelt out",
    arguments: [
      ("a\u{1b}[31mb", #"a\x1b[31mb"#), ("\u{7}\u{0}\u{7f}", #"\x07\x00\x7f"#),
      ("one\ntwo\r\t", #"one\ntwo\r\t"#), ("\r\n", #"\r\n"#), ("\u{9b}x\u{85}", #"\u009bx\u0085"#),
      ("gpj.\u{202e}exe", #"gpj.\u202eexe"#), ("\u{2066}a\u{2069}", #"\u2066a\u2069"#),
      ("\u{200e}\u{200f}\u{61c}", #"\u200e\u200f\u061c"#), ("a\u{200b}b", #"a\u200bb"#),
      ("a\u{200d}b", #"a\u200db"#), ("a\u{200c}", #"a\u200c"#), ("\u{feff}a", #"\ufeffa"#),
      ("\u{2028}\u{2029}", #"\u2028\u2029"#), ("so\u{ad}ft", #"so\u00adft"#),
      ("\u{e0041}", #"\U000e0041"#), ("\u{3164}", #"\u3164"#), ("\u{180e}", #"\u180e"#),
      ("a\u{fe0f}", #"a\ufe0f"#), ("\u{378}", #"\u0378"#), ("\u{ffff}", #"\uffff"#),
      ("\u{fff9}", #"\ufff9"#), ("\u{1161}", #"\u1161"#), ("\u{1f3fd}", #"\U0001f3fd"#),
    ])
  func escapes(raw: String, shown: String) {
    #expect(VisibleText(raw).text == shown)
    #expect(VisibleText(raw).width == shown.count)
    #expect(VisibleText(bytes: raw.utf8).text == shown)
  }

  @Test(
    "Bytes that are not UTF-8 are shown as bytes",
    arguments: [
      ([0xFF], #"\xff"#), ([0x61, 0xC3], #"a\xc3"#), ([0xC3, 0x28], #"\xc3("#),
      ([0xC0, 0xAF], #"\xc0\xaf"#), ([0xE0, 0x80, 0xAF], #"\xe0\x80\xaf"#),
      ([0xED, 0xA0, 0x80], #"\xed\xa0\x80"#), ([0xF4, 0x90, 0x80, 0x80], #"\xf4\x90\x80\x80"#),
      ([0xE2, 0x82], #"\xe2\x82"#), ([0xE2, 0x82, 0xAC, 0x80], #"€\x80"#),
      ([0xC3, 0xC3, 0xA9], #"\xc3é"#),
    ] as [([UInt8], String)])
  func invalidBytes(bytes: [UInt8], shown: String) {
    #expect(VisibleText(bytes: bytes).text == shown)
  }

  @Test(
    "Columns are counted as terminals do",
    arguments: [
      ("abc", 3), ("поставка", 8), ("日本語", 6), ("한국어", 6), ("ﾊﾝｶｸ", 4), ("ＡＢ", 4),
      ("e\u{301}", 1), ("é", 1), ("🎉", 2), ("❤️", 2), ("❤", 1),
      ("❤\u{fe0e}", 1), ("🇩🇪", 2), ("🇩", 1), ("🇩🇪🇫🇷", 4), ("1️⃣", 2),
      ("\u{1112}\u{1161}\u{11ab}", 2), ("กำ", 2), ("ที่", 1), ("कि", 2), ("─│▌▏…", 5),
      ("葛\u{e0100}", 2), ("‰€", 2), ("ａ\u{309a}", 2), ("\u{e000}", 1), ("𠮷", 2), ("〽️", 2),
    ])
  func widths(text: String, columns: Int) {
    #expect(VisibleText(text).width == columns)
    #expect(VisibleText(text).text == text)
  }

  @Test(
    "What joins and colours pictures is spelt out, as terminals disagree about what comes of it",
    arguments: [
      ("👍🏽", #"👍\U0001f3fd"#, 12), ("👨‍💻", #"👨\u200d💻"#, 10), ("🏳️‍🌈", "🏳\u{fe0f}\\u200d🌈", 10),
    ])
  func sequences(raw: String, shown: String, columns: Int) {
    #expect(VisibleText(raw).text.unicodeScalars.elementsEqual(shown.unicodeScalars))
    #expect(VisibleText(raw).width == columns)
  }

  @Test(
    "A mark with nothing to sit on gets a circle, and only so many sit on one character",
    arguments: [
      ("\u{301}", "\u{25cc}\u{301}", 1), ("\n\u{301}a", "\\n\u{25cc}\u{301}a", 4),
      ("a\u{200d}\u{301}", "a\\u200d\u{25cc}\u{301}", 8),
      (
        "a\u{301}\u{302}\u{303}\u{304}\u{305}b", "a\u{301}\u{302}\u{303}\u{304}\\u0305b",
        8
      ), ("🎉\u{200d}", "🎉\\u200d", 8), ("🎉\u{200d}a", "🎉\\u200da", 9),
      ("a\u{1161}", "a\\u1161", 7), ("🎉\u{fe0f}\u{fe0f}", "🎉\u{fe0f}\\ufe0f", 8),
      ("🎉\u{200d}\u{ff}", "🎉\\u200dÿ", 9),
    ])
  func marks(raw: String, shown: String, columns: Int) {
    #expect(VisibleText(raw).text.unicodeScalars.elementsEqual(shown.unicodeScalars))
    #expect(VisibleText(raw).width == columns)
  }

  @Test(
    "Long names lose their middle and keep their extension",
    arguments: [
      ("quarterly-report-2026.csv", 15, "quarterl…26.csv"),
      ("quarterly-report-2026.tar.gz", 15, "quart…26.tar.gz"),
      ("archive-of-everything/", 10, "archiv…ng/"), ("short.txt", 20, "short.txt"),
      ("abcdefghijkl", 7, "abcd…kl"), ("abcdefghijkl", 1, "…"), ("abcdefghijkl", 0, ""),
      ("日本語日本語日本語.txt", 10, "日本….txt"), ("v1.2 final version of it", 10, "v1.2 f… it"),
      ("x.averyveryverylongextension", 9, "x.aver…on"), (".bashrc_of_somebody", 9, ".bashr…dy"),
      ("報告書.日本語の拡張子", 8, "報告…子"),
    ])
  func elision(name: String, columns: Int, shown: String) {
    #expect(VisibleText(name).elidedInMiddle(to: columns).text == shown)
  }

  @Test("Clipping and padding never split a wide character")
  func clipping() {
    let text = VisibleText("a日本")
    #expect(text.clipped(to: 2).text == "a")
    #expect(text.clippedAtStart(to: 3).text == "本")
    #expect(text.padded(to: 2).text == "a ")
    #expect(text.padded(to: 7, alignment: .right).text == "  a日本")
    #expect(text.padded(to: 8, alignment: .center).text == " a日本  ")
    #expect(text.elidedAtEnd(to: 4).text == "a日…")
  }

  @Test("Lines break at blanks where there are any")
  func wrapping() {
    #expect(VisibleText("one two three").wrapped(to: 8).map(\.text) == ["one two", "three"])
    #expect(VisibleText("abcdefghij").wrapped(to: 4).map(\.text) == ["abcd", "efgh", "ij"])
    #expect(VisibleText("日本語").wrapped(to: 3).map(\.text) == ["日", "本", "語"])
    #expect(VisibleText("fits").wrapped(to: 4).map(\.text) == ["fits"])
  }
}
