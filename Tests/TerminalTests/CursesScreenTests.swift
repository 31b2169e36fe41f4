import Testing
import TextUI

@testable import Terminal

/// What uses ncurses, which keeps globals: one test after the other.
@Suite("Screen", .serialized)
@MainActor
struct ScreenTests {}

extension ScreenTests {
  /// The bytes for a terminal, without one: ncurses writes to memory.
  @Suite("Curses screen")
  @MainActor
  struct CursesScreenTests {
    private static let size = Size(columns: 120, rows: 35)

    private func screen(_ name: String = "xterm-256color", colours: ColourDepth = .indexed256)
      throws
      -> CursesScreen
    {
      let screen = try CursesScreen(
        terminal: name, theme: colours == .mono ? .mono : .dark, colours: colours)
      screen.resize(to: Self.size)
      return screen
    }

    /// Two panes as the browser draws them.
    private func panes(selection: Int) -> Frame {
      var frame = Frame(Self.size)
      frame.write(" pail  demo · 127.0.0.1:8333", at: Point(column: 0, row: 0), style: .header)
      frame.box(Rect(column: 0, row: 1, columns: 19, rows: 33), title: "Buckets (4)")
      frame.box(
        Rect(column: 19, row: 1, columns: 101, rows: 33), title: "Name", footer: "2,000+ objects",
        focused: true)
      for row in 0..<31 {
        let isSelected = row == selection
        let point = Point(column: 20, row: row + 2)
        frame.write(isSelected ? "▸" : " ", at: point, style: isSelected ? .emphasis : .normal)
        frame.write(
          VisibleText("2026-11-20 quarterly report of region \(row).csv"),
          at: Point(column: 22, row: row + 2), style: isSelected ? .emphasis : .normal)
        frame.write(
          " 12.4 KiB  2026-11-20 14:02  STANDARD", at: Point(column: 80, row: row + 2),
          style: .secondary)
      }
      frame.write("Enter", at: Point(column: 60, row: 34), style: .keycap)
      frame.write("open", at: Point(column: 66, row: 34), style: .hint)
      return frame
    }

    @Test("A moved cursor costs at most 200 bytes, a whole screen 5 KiB, no change nothing")
    func bytes() throws {
      var screen = try screen()
      let first = panes(selection: 3)
      screen.draw(first, previous: nil, size: Self.size)
      let all = screen.takeBytes()
      #expect(all.count > 2000 && all.count <= 5120)
      let second = panes(selection: 4)
      screen.draw(second, previous: first, size: Self.size)
      let moved = screen.takeBytes()
      #expect(moved.count > 20 && moved.count <= 200)
      screen.draw(second, previous: second, size: Self.size)
      #expect(screen.takeBytes().isEmpty)
      screen.invalidate()
      screen.draw(second, previous: nil, size: Self.size)
      #expect((2000...5120).contains(screen.takeBytes().count))
    }

    @Test("Leaving shows the normal screen and the cursor, and drawing enters again")
    func leaving() throws {
      var screen = try screen()
      let frame = panes(selection: 0)
      screen.draw(frame, previous: nil, size: Self.size)
      let entering = String(decoding: screen.takeBytes(), as: UTF8.self)
      #expect(entering.contains("\u{1b}[?1049h") && entering.contains("\u{1b}[?25l"))
      #expect(entering.contains("\u{1b}[1;35r"), "scrolls within the real size")
      screen.leave()
      let leaving = String(decoding: screen.takeBytes(), as: UTF8.self)
      #expect(leaving.contains("\u{1b}[?1049l") && leaving.contains("\u{1b}[?25h"))
      screen.draw(frame, previous: nil, size: Self.size)
      let again = String(decoding: screen.takeBytes(), as: UTF8.self)
      #expect(again.contains("\u{1b}[?1049h"))
      #expect(!(entering + again).contains("\u{1b}]"), "the palette is the user's")
      let restoring = String(decoding: screen.restoringBytes, as: UTF8.self)
      #expect(restoring.contains("\u{1b}[?1049l") && restoring.contains("\u{1b}[?25h"))
    }

    @Test("The cursor is shown where the frame wants it, and only then")
    func cursor() throws {
      var screen = try screen()
      var frame = Frame(Self.size)
      screen.draw(frame, previous: nil, size: Self.size)
      _ = screen.takeBytes()
      let hidden = frame
      frame.cursor = Point(column: 10, row: 4)
      screen.draw(frame, previous: hidden, size: Self.size)
      let shown = String(decoding: screen.takeBytes(), as: UTF8.self)
      #expect(shown.contains("\u{1b}[5;11H") && shown.contains("\u{1b}[?25h"))
      screen.draw(hidden, previous: frame, size: Self.size)
      #expect(String(decoding: screen.takeBytes(), as: UTF8.self) == "\u{1b}[?25l")
    }

    @Test(
      "Marks on wide characters reach the terminal",
      arguments: [
        "\u{1107}\u{1169}\u{1100}\u{1169}\u{1109}\u{1165}.txt", "か\u{3099}.txt", "a\u{301}.txt",
      ])
    func wideMarks(name: String) throws {
      var screen = try screen()
      var frame = Frame(Self.size)
      let text = VisibleText(name)
      frame.write(text, at: Point(column: 3, row: 1))
      // The end of a row takes them too.
      frame.write(text, at: Point(column: Self.size.columns - text.width, row: 2))
      screen.draw(frame, previous: nil, size: Self.size)
      let sent = String(decoding: screen.takeBytes(), as: UTF8.self).unicodeScalars
      #expect(sent.split(separator: Array(name.unicodeScalars)).count == 3)
    }

    @Test("Without colours none are sent")
    func mono() throws {
      var screen = try screen(colours: .mono)
      screen.draw(panes(selection: 2), previous: nil, size: Self.size)
      let text = String(decoding: screen.takeBytes(), as: UTF8.self)
      #expect(!text.contains("[38;") && !text.contains("[36m") && text.contains(";1m▸"))
    }

    @Test(
      "Any frame can be drawn on any size of screen",
      arguments: [(1, 1), (2, 1), (1, 40), (300, 2), (7, 7)])
    func sizes(columns: Int, rows: Int) throws {
      var screen = try screen()
      let size = Size(columns: columns, rows: rows)
      screen.resize(to: size)
      var frame = panes(selection: 1)
      frame.write("日本語日本語", at: Point(column: columns - 2, row: rows - 1))
      frame.cursor = Point(column: columns, row: 0)
      screen.draw(frame, previous: nil, size: size)
      #expect(!screen.takeBytes().isEmpty)
    }

    @Test(
      "Terminals of all kinds are known, or stand in for each other",
      arguments: [
        "xterm", "screen-256color", "tmux-256color", "linux", "vt100", "xterm-kitty", "alacritty",
        "xterm-ghostty",
      ])
    func kinds(name: String) throws {
      var screen = try screen(name, colours: .trueColour)
      screen.draw(panes(selection: 0), previous: nil, size: Self.size)
      #expect(screen.takeBytes().count > 1000)
    }

    @Test("A terminal that is none is refused with words")
    func refusals() {
      #expect(throws: TerminalError.noTerminalName) { _ = try screen("") }
      #expect(throws: TerminalError.unknownTerminal(name: "nonsense")) {
        _ = try screen("nonsense")
      }
      #expect(throws: TerminalError.cannotMoveCursor(name: "dumb")) { _ = try screen("dumb") }
      #expect("\(TerminalError.cannotMoveCursor(name: "dumb"))".contains("TERM=xterm-256color"))
    }
  }
}
