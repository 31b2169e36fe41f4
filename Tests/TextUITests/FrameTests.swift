import TestSupport
import Testing

@testable import TextUI

@Suite("Frame")
struct FrameTests {
  private func frame(_ columns: Int, _ rows: Int) -> Frame {
    Frame(Size(columns: columns, rows: rows))
  }

  @Test("Text is clipped at the edge and at its own limit, a wide character whole")
  func clipping() {
    var frame = frame(5, 1)
    #expect(frame.write("日本語", at: Point(column: 0, row: 0)) == 4)
    #expect(frame.text == ["日本 "])
    #expect(frame.write("xyz", at: Point(column: 3, row: 0), maxWidth: 1) == 1)
    #expect(frame.text == ["日 x "])
    #expect(frame.write("no", at: Point(column: 0, row: 1)) == 0)
    #expect(frame.write("abc", at: Point(column: -2, row: 0)) == 3)
    #expect(frame.text == ["c  x "])
  }

  @Test("Overwriting half of a wide character blanks the other half")
  func halves() {
    var frame = frame(6, 1)
    frame.write("日本語", at: Point(column: 0, row: 0))
    frame.write("本", at: Point(column: 1, row: 0))
    #expect(frame.text == [" 本 語"])
    frame.write("x", at: Point(column: 4, row: 0))
    #expect(frame.text == [" 本 x "])
  }

  @Test("A box shows its title, what stands opposite, its footer and its focus")
  func box() throws {
    var frame = frame(40, 6)
    frame.box(
      Rect(column: 0, row: 0, columns: 40, rows: 3), title: "Transfers (1 of 3)",
      trailing: "41 MiB/s", footer: "2 marked")
    frame.box(
      Rect(column: 2, row: 3, columns: 12, rows: 3), title: "A very long title",
      focused: true)
    frame.box(Rect(column: 16, row: 3, columns: 2, rows: 2), title: "x", footer: "y")
    frame.box(Rect(column: 35, row: 3, columns: 20, rows: 3), title: "beyond")
    try expectScreen(frame, "boxes")
  }

  @Test("A frame pasted into another keeps to its edges")
  func pasting() {
    var inner = frame(4, 2)
    inner.write("日本", at: Point(column: 0, row: 0))
    inner.write("abcd", at: Point(column: 0, row: 1))
    inner.cursor = Point(column: 1, row: 1)
    var outer = frame(6, 3)
    outer.paste(inner, at: Point(column: 3, row: 1))
    #expect(outer.text == ["      ", "   日 ", "   abc"])
    #expect(outer.cursor == Point(column: 4, row: 2))
    outer.paste(inner, at: Point(column: -1, row: -1))
    #expect(outer.text == ["bcd   ", "   日 ", "   abc"])
    #expect(inner.cropped(to: Rect(column: 1, row: 0, columns: 2, rows: 2)).text == ["  ", "bc"])
  }

  @Test("Columns leave out the least important ones, and share what is left")
  func columns() {
    let columns: [Columns.Column] = [
      .init(.flexible(minimum: 10)), .init(.fixed(8), alignment: .right, importance: 3),
      .init(.fixed(16), importance: 2), .init(.fixed(10), importance: 1),
    ]
    #expect(Columns(columns, total: 60).places.map(\.columns) == [23, 8, 16, 10])
    #expect(Columns(columns, total: 46).places.map(\.index) == [0, 1, 2])
    #expect(Columns(columns, total: 30).places.map(\.index) == [0, 1])
    #expect(Columns(columns, total: 12).places.map(\.columns) == [12])
    #expect(Columns(columns, total: 4).places.map(\.columns) == [4])
    var frame = frame(20, 1)
    frame.write(
      [("a-long-name.csv", .normal), ("12 KiB", .secondary)], in: Columns(columns, total: 20),
      at: Point(column: 0, row: 0))
    #expect(frame.text == ["a-lon…e.csv   12 KiB"])
  }

  @Test("Whatever is drawn, every row keeps its width and nothing harmful gets in")
  func anything() {
    var random = SeededRandom(seed: 7)
    for _ in 0..<3000 {
      let size = Size(columns: Int.random(in: 0...12, using: &random), rows: 3)
      var frame = Frame(size)
      for _ in 0..<6 {
        let text = random.hostileText()
        let point = Point(
          column: Int.random(in: -3...12, using: &random),
          row: Int.random(in: -1...3, using: &random))
        switch Int.random(in: 0...3, using: &random) {
        case 0: frame.write(text, at: point)
        case 1:
          let width = Int.random(in: -1...9, using: &random)
          let elided = text.elidedInMiddle(to: width)
          #expect(elided.width <= max(0, width) || elided == text)
          frame.write(elided.padded(to: width), at: point, maxWidth: width)
        case 2:
          let rect = Rect(
            column: point.column, row: point.row, columns: Int.random(in: 0...9, using: &random),
            rows: Int.random(in: 0...4, using: &random))
          frame.box(rect, title: text, trailing: text, footer: text, focused: Bool.random())
        default:
          let copy = frame
          frame.paste(copy, at: point)
        }
      }
      expectSound(frame)
    }
  }
}
