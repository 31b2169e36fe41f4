import TestSupport
import Testing

@testable import TextUI

@Suite("Widgets")
struct WidgetTests {
  @Test(
    "A progress bar grows by eighths and is full only at the end",
    arguments: [
      (0, "    "), (0.5, "██  "), (0.54, "██▏ "), (0.9999, "███▉"), (1, "████"), (7, "████"),
      (-1, "    "), (Double.nan, "    "),
    ])
  func progress(fraction: Double, shown: String) {
    #expect(ProgressBar.text(fraction, columns: 4).text == shown)
  }

  @Test("A list keeps its selection in view through any moves")
  func viewport() {
    var random = SeededRandom(seed: 3)
    var list = ListViewport(count: 20, height: 5)
    for _ in 0..<20_000 {
      let number = Int.random(in: -3...40, using: &random)
      switch Int.random(in: 0...10, using: &random) {
      case 0: list.move(by: number - 20)
      case 1: list.pageDown()
      case 2: list.pageUp()
      case 3: list.halfPageDown()
      case 4: list.halfPageUp()
      case 5: list.moveToEnd()
      case 6: list.moveToStart()
      case 7: list.setCount(number)
      case 8: list.setHeight(number)
      case 9: list.select(number)
      default: list.move(by: Bool.random(using: &random) ? .max : .min)
      }
      #expect(list.visible.lowerBound >= 0 && list.visible.upperBound <= list.count)
      if list.count > 0, list.height > 0 {
        #expect(list.visible.contains(list.selection))
        #expect(list.visible.count == min(list.count, list.height))
      }
      #expect((list.selected == nil) == (list.count == 0))
    }
  }

  @Test("Pages overlap by a row and keep the selected row's place on the screen")
  func pages() {
    var list = ListViewport(count: 100, height: 10, selection: 3)
    list.pageDown()
    #expect(list.visible == 9..<19 && list.selection == 12)
    list.halfPageUp()
    #expect(list.visible == 4..<14 && list.selection == 7)
    list.pageUp()
    #expect(list.visible == 0..<10 && list.selection == 0)
  }

  @Test("The keys that edit a line")
  func editing() {
    var field = TextField("one two")
    func press(_ keys: Key...) {
      for key in keys {
        let isHandled = field.handle(KeyPress(key))
        #expect(isHandled)
      }
    }
    press(.control("w"))
    #expect(field.text == "one " && field.cursor == 4)
    press(.home, .character("日"), .delete)
    #expect(field.text == "日ne " && field.cursor == 1)
    press(.right, .control("k"), .end, .character("!"))
    #expect(field.text == "日n!")
    press(.left, .left, .control("u"), .control("e"), .backspace)
    #expect(field.text == "n" && field.cursor == 1)
    press(.backspace, .backspace, .delete, .left, .right, .control("a"))
    #expect(field.text.isEmpty && field.cursor == 0)
    for key in [Key.enter, .escape, .tab, .up, .down, .function(1), .control("c")] {
      let isHandled = field.handle(KeyPress(key))
      #expect(!isHandled)
    }
    field.set("a/b/")
    press(.control("w"))
    #expect(field.text == "a/")
  }

  @Test("Pasted lines become one")
  func pasting() {
    var field = TextField("[]")
    field.handle(KeyPress(.left))
    field.insert("a\r\nb\tc\u{1b}\u{0}\n\n")
    #expect(field.text == "[a b c]" && field.cursor == 6)
    field.insert("\u{301}")
    #expect(field.text == "[a b c\u{301}]" && field.cursor == 6)
  }

  @Test("A field scrolls so that the cursor is in view")
  func scrolling() {
    var field = TextField("0123456789")
    #expect(field.view(columns: 20) == ("0123456789", 10))
    #expect(field.view(columns: 5) == ("6789", 4))
    field.handle(KeyPress(.home))
    #expect(field.view(columns: 5) == ("01234", 0))
    field.set("日本語")
    #expect(field.view(columns: 4) == ("語", 2))
    #expect(field.view(columns: 0) == ("", 0))
  }

  @Test("A field fits and shows its cursor, whatever is typed")
  func anyEditing() {
    var random = SeededRandom(seed: 11)
    for _ in 0..<2000 {
      var field = TextField()
      for _ in 0..<12 {
        let keys: [Key] = [
          .character(random.hostileText().text.first ?? "x"), .character("語"), .left, .left, .right,
          .backspace, .delete, .home, .end, .control("w"), .character("\u{301}"),
        ]
        field.handle(KeyPress(keys.randomElement(using: &random) ?? .left))
        if Bool.random(using: &random) { field.insert("\u{200d}\u{1b}🇩") }
        #expect((0...field.text.count).contains(field.cursor))
        let columns = Int.random(in: 1...9, using: &random)
        let view = field.view(columns: columns)
        #expect(view.text.width <= columns)
        #expect((0..<columns).contains(view.cursor))
      }
    }
  }

  @Test(
    "Amounts of bytes",
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (12_700, "12.4 KiB"),
      (102_399, "100 KiB"), (1_048_063, "1023 KiB"), (1_048_064, "1.0 MiB"),
      (210_763_776, "201 MiB"), (1_288_490_189, "1.2 GiB"), (.max, "8.0 EiB"), (-2048, "-2.0 KiB"),
    ] as [(Int64, String)])
  func bytes(count: Int64, shown: String) {
    #expect(ByteFormat.iec(count) == shown)
  }

  @Test("Amounts of bytes beside each other")
  func moreBytes() {
    #expect(ByteFormat.iec(1_288_490_189, of: 2 << 30) == "1.2/2.0 GiB")
    #expect(ByteFormat.iec(22 << 20, of: 201 << 20) == "22/201 MiB")
    #expect(ByteFormat.iec(3, of: 7) == "3/7 B")
    #expect(ByteFormat.rate(43_201_331) == "41.2 MiB/s")
    #expect(ByteFormat.rate(.infinity) == "0 B/s")
    #expect(
      [0, 999, 1203, 1_000_000, -5000].map(ByteFormat.exact) == [
        "0", "999", "1,203", "1,000,000", "-5,000",
      ])
    #expect([0, 1, 1203].map(ByteFormat.bytes) == ["0 bytes", "1 byte", "1,203 bytes"])
  }

  @Test("Spans of time")
  func durations() {
    let clock = [0, 21, 725, 3723, 97_200, -3].map { DurationFormat.clock(.seconds($0)) }
    #expect(clock == ["0:00", "0:21", "12:05", "1:02:03", "1d 3h", "0:00"])
    let compact = [0, 30, 90, 900, 86_400, 604_800].map { DurationFormat.compact(.seconds($0)) }
    #expect(compact == ["0s", "30s", "90s", "15m", "24h", "7d"])
  }
}
