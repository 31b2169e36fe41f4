import TestSupport
import Testing

@testable import TextUI

@Suite("Key decoder")
struct KeyDecoderTests {
  private let start = ContinuousClock.now

  /// Everything at once, then a long silence.
  private func decode(_ text: String) -> [InputEvent] {
    var decoder = KeyDecoder()
    return decoder.feed(text.utf8, at: start) + decoder.expire(at: start + .seconds(60))
  }

  private func keys(_ keys: Key...) -> [InputEvent] { keys.map { .key(KeyPress($0)) } }

  @Test(
    "The sequences of common terminals",
    arguments: [
      ("\u{1b}[A", .up), ("\u{1b}OA", .up), ("\u{1b}[1;5B", .down), ("\u{1b}[C", .right),
      ("\u{1b}OD", .left), ("\u{1b}[H", .home), ("\u{1b}OF", .end), ("\u{1b}[1~", .home),
      ("\u{1b}[4~", .end), ("\u{1b}[7~", .home), ("\u{1b}[8~", .end), ("\u{1b}[2~", .insert),
      ("\u{1b}[3~", .delete), ("\u{1b}[3;2~", .delete), ("\u{1b}[3$", .delete),
      ("\u{1b}[5^", .pageUp), ("\u{1b}[5~", .pageUp), ("\u{1b}[6~", .pageDown),
      ("\u{1b}OP", .function(1)), ("\u{1b}[11~", .function(1)), ("\u{1b}[[A", .function(1)),
      ("\u{1b}[1;2P", .function(1)), ("\u{1b}O2S", .function(4)), ("\u{1b}[15~", .function(5)),
      ("\u{1b}[21~", .function(10)), ("\u{1b}[24;5~", .function(12)), ("\u{1b}[Z", .backTab),
      ("\u{1b}[a", .up), ("\u{1b}Od", .left), ("\u{1b}OM", .enter), ("\u{1b}Ox", .character("8")),
      ("\u{1b}[97;5u", .control("a")), ("\u{1b}[27;5;97~", .control("a")),
      ("\u{1b}[13;2u", .enter), ("\u{1b}[27u", .escape), ("\u{1b}[9;2u", .backTab),
      ("\u{1b}[228u", .character("ä")), ("\r", .enter), ("\n", .enter), ("\t", .tab),
      ("\u{7f}", .backspace), ("\u{8}", .backspace), ("\u{3}", .control("c")),
      ("\u{1a}", .control("z")), ("\u{0}", .control("@")), ("\u{1c}", .control("\\")),
      (" ", .character(" ")), ("я", .character("я")), ("日", .character("日")),
      ("🎉", .character("🎉")), ("\u{1b}", .escape),
    ] as [(String, Key)])
  func sequences(bytes: String, key: Key) {
    #expect(decode(bytes) == keys(key))
    // However slowly the bytes come, it is the same key.
    var decoder = KeyDecoder()
    var now = start
    var events: [InputEvent] = []
    for byte in bytes.utf8 {
      events += decoder.feed([byte], at: now)
      now += .milliseconds(400)
    }
    #expect(events + decoder.expire(at: now + .seconds(60)) == keys(key))
    #expect(decoder.deadline == nil)
  }

  @Test(
    "What is not known is swallowed whole",
    arguments: [
      "\u{1b}[I", "\u{1b}[O", "\u{1b}[<0;12;5M", "\u{1b}[<0;12;5m", "\u{1b}[M !!", "\u{1b}[?62;c",
      "\u{1b}[?2026;1$y", "\u{1b}[99~", "\u{1b}[57399u", "\u{1b}]11;rgb:0/0/0\u{7}",
      "\u{1b}]11;rgb:0/0/0\u{1b}\\", "\u{1b}P1+r\u{1b}\\", "\u{1b}[12", "\u{1b}[[Z", "\u{1b}[",
      "\u{1b}O", "\u{1b}[1;2x",
    ])
  func unknown(bytes: String) {
    #expect(decode(bytes).isEmpty)
  }

  @Test("Escape waits for [ and O, and for nothing else")
  func escape() {
    var decoder = KeyDecoder()
    #expect(decoder.feed([0x1b], at: start).isEmpty)
    #expect(decoder.deadline == start + .milliseconds(500))
    #expect(decoder.expire(at: start + .milliseconds(499)).isEmpty)
    #expect(decoder.expire(at: start + .milliseconds(500)) == keys(.escape))
    #expect(decoder.deadline == nil)

    #expect(decoder.feed([0x1b], at: start).isEmpty)
    #expect(decoder.feed("j".utf8, at: start) == keys(.escape, .character("j")))

    #expect(decoder.feed([0x1b], at: start).isEmpty)
    #expect(decoder.feed("[".utf8, at: start + .milliseconds(499)).isEmpty)
    #expect(decoder.feed("D".utf8, at: start + .milliseconds(2400)) == keys(.left))

    #expect(decoder.feed([0x1b], at: start).isEmpty)
    let late = decoder.feed("]D".utf8, at: start + .milliseconds(1))
    #expect(late == keys(.escape, .character("]"), .character("D")))
    #expect(decode("\u{1b}\u{1b}[A") == keys(.escape, .up))
    #expect(decode("\u{1b}\u{1b}") == keys(.escape, .escape))
    #expect(decode("\u{1b}x") == keys(.escape, .character("x")))
  }

  @Test("A paste is one event, whatever is in it, and however it is split")
  func paste() {
    let text = "rm -rf\r\n\u{1b}[A é 日\u{1b}[20"
    let bytes = Array("a\u{1b}[200~\(text)\u{1b}[201~b".utf8)
    for split in 0...bytes.count {
      var decoder = KeyDecoder()
      let events =
        decoder.feed(bytes[..<split], at: start)
        + decoder.feed(bytes[split...], at: start + .milliseconds(300))
      #expect(events == keys(.character("a")) + [.paste(text)] + keys(.character("b")))
    }
  }

  @Test("A paste whose end is lost ends by itself; one that is too long is cut")
  func brokenPaste() {
    #expect(decode("\u{1b}[200~abc") == [.paste("abc")])
    var decoder = KeyDecoder()
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 3 << 20)
    _ = decoder.feed("\u{1b}[200~".utf8, at: start)
    #expect(decoder.feed(long, at: start).isEmpty)
    let events = decoder.feed("\u{1b}[201~j".utf8, at: start)
    #expect(events.count == 2 && events.last == .key(KeyPress(.character("j"))))
    guard case .paste(let text) = events.first else {
      Issue.record("not a paste")
      return
    }
    #expect(text.utf8.count == 1 << 20)
  }

  @Test("Broken UTF-8 is left out")
  func invalid() {
    var decoder = KeyDecoder()
    #expect(
      decoder.feed([0xFF, 0xC3, 0x61, 0xE2, 0x82, 0xAC, 0x80], at: start)
        == keys(.character("a"), .character("€")))
    #expect(decoder.feed([0xED, 0xA0, 0x80, 0x62], at: start) == keys(.character("b")))
  }

  @Test("Random bytes never stop it, and no key is a control character")
  func anything() {
    var random = SeededRandom(seed: 5)
    let likely = Array("\u{1b}[O<;~0123456789ABCMmPZ\r\u{7f}é日".utf8)
    for _ in 0..<3000 {
      var decoder = KeyDecoder()
      var now = start
      var events: [InputEvent] = []
      for _ in 0..<20 {
        let bytes = (0..<Int.random(in: 0...6, using: &random)).map { _ in
          Bool.random(using: &random)
            ? UInt8.random(in: 0...255, using: &random) : likely.randomElement(using: &random) ?? 0
        }
        events += decoder.feed(bytes, at: now)
        now += .milliseconds(Int.random(in: 0...700, using: &random))
      }
      events += decoder.expire(at: now + .seconds(60))
      #expect(decoder.feed("j".utf8, at: now + .seconds(61)) == keys(.character("j")))
      for case .key(let press) in events {
        #expect(!press.name.isEmpty)
        if case .character(let character) = press.key {
          #expect(character.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
      }
    }
  }

  @Test("A key's name reads back as the key")
  func names() {
    let all: [(Key, String)] = [
      (.enter, "Enter"), (.escape, "Esc"), (.control("d"), "^d"), (.character("j"), "j"),
      (.function(1), "F1"), (.character(" "), "Space"), (.character("^"), "^"), (.up, "↑"),
      (.pageDown, "PgDn"), (.character("F"), "F"), (.backTab, "Shift-Tab"), (.delete, "Delete"),
    ]
    for (key, name) in all {
      #expect(KeyPress(key).name == name)
      #expect(KeyPress(name: name) == KeyPress(key))
    }
    for name in ["", "F99", "Hyper-x", "\u{1b}", "^é"] { #expect(KeyPress(name: name) == nil) }
  }
}
