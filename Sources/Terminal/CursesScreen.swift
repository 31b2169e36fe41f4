internal import CNcurses
import Glibc
import TextUI

/// One ncurses screen: made by `init`, freed by `deinit`, never copied. It computes the bytes that
/// turn what is on the screen into the next frame, and hands them out instead of writing them.
///
/// ncurses writes to memory, so that a terminal that stopped reading cannot block it, and so that
/// it never changes the terminal's modes. It is used on the main actor only, and there is one at a
/// time, because ncurses keeps globals.
///
/// See ncurses(3), curs_initscr(3), curs_terminfo(3).
@MainActor
struct CursesScreen: ~Copyable {
  private let screen: OpaquePointer
  private let memory: UnsafeMutablePointer<FILE>
  private let attributes: [StyleRole: (attributes: attr_t, pair: Int16)]
  /// Roles that look the same on a blank: no underline, not reversed.
  private let rolesUnseenOnBlanks: Set<StyleRole>
  /// The terminal's "oc", empty where it has none.
  private let paletteReset: [UInt8]
  private var isLeft = true
  private var isEntering = false
  private var cursorVisible = true

  /// MFD_CLOEXEC, which Swift's view of glibc lacks.
  private static let closeOnExec: UInt32 = 1

  /// Terminals whose own description is often missing on the far side of an SSH connection, and
  /// which understand this one's sequences.
  private static let substitutes: [(prefix: String, name: String)] = [
    ("tmux", "screen-256color"), ("screen", "screen"), ("xterm", "xterm-256color"),
    ("alacritty", "xterm-256color"), ("kitty", "xterm-256color"), ("foot", "xterm-256color"),
    ("wezterm", "xterm-256color"), ("ghostty", "xterm-256color"), ("konsole", "xterm-256color"),
    ("contour", "xterm-256color"), ("vte", "xterm-256color"), ("gnome", "xterm-256color"),
    ("st-", "xterm-256color"), ("rio", "xterm-256color"), ("iterm", "xterm-256color"),
    ("putty", "xterm-256color"), ("mintty", "xterm-256color"), ("rxvt", "xterm"),
  ]

  init(terminal name: String, theme: Theme, colours: ColourDepth) throws(TerminalError) {
    guard !name.isEmpty else { throw .noTerminalName }
    Self.useUTF8()
    let descriptor = memfd_create("pail-screen", Self.closeOnExec)
    guard descriptor >= 0, let memory = fdopen(descriptor, "w+") else {
      throw .system(operation: "allocate the screen", reason: String(cString: strerror(errno)))
    }
    let candidates =
      [name] + Self.substitutes.filter { name.hasPrefix($0.prefix) }.map(\.name)
    // newterm and not initscr, which ends the program when it fails.
    guard let screen = candidates.lazy.compactMap({ newterm($0, memory, memory) }).first else {
      fclose(memory)
      throw .unknownTerminal(name: name)
    }
    guard pail_terminfo_string("cup") != nil, pail_terminfo_string("clear") != nil else {
      endwin()
      delscreen(screen)
      fclose(memory)
      throw .cannotMoveCursor(name: name)
    }
    self.screen = screen
    self.memory = memory
    // Return is the only thing that starts a line: the device translates nothing.
    nonl()
    // It would look for keys that are ours to read, and stop drawing when there are some.
    typeahead(-1)
    attributes = Self.prepareAttributes(theme: theme, colours: colours)
    rolesUnseenOnBlanks = Set(
      StyleRole.allCases.filter { !theme[$0].isUnderlined && !theme[$0].isReversed })
    paletteReset = pail_terminfo_string("oc").map { Array(String(cString: $0).utf8) } ?? []
    // It has set up the scrolling region for the size that terminfo gives. Leave and forget that:
    // the first drawing enters again, with the real one.
    endwin()
    _ = takeBytes()
  }

  deinit {
    // `delscreen` frees what `newterm` made; the session has left the screen before.
    delscreen(screen)
    fclose(memory)
  }

  /// ncurses and libc's character widths follow the locale; terminals have spoken UTF-8 for long,
  /// also where LANG was not set by the SSH server.
  private static func useUTF8() {
    if setlocale(LC_CTYPE, "") != nil, let codeset = nl_langinfo(Int32(CODESET)),
      String(cString: codeset) == "UTF-8"
    {
      return
    }
    if setlocale(LC_CTYPE, "C.UTF-8") == nil { setlocale(LC_CTYPE, "en_US.UTF-8") }
  }

  private static func prepareAttributes(theme: Theme, colours: ColourDepth)
    -> [StyleRole: (attributes: attr_t, pair: Int16)]
  {
    var count = colours == .mono ? 0 : Int(tigetnum("colors"))
    if count > 0 {
      start_color()
      use_default_colors()
      // Colours above 256 are RGB only where the description says so.
      if count > 256, tigetflag("RGB") != 1 { count = 256 }
    }
    var pairs: [Int32: Int16] = [:]
    var result: [StyleRole: (attributes: attr_t, pair: Int16)] = [:]
    for role in StyleRole.allCases {
      let style = theme[role]
      var attributes: attr_t = 0
      if style.isBold { attributes |= pail_attribute_bold() }
      if style.isDim { attributes |= pail_attribute_dim() }
      if style.isUnderlined { attributes |= pail_attribute_underline() }
      if style.isReversed { attributes |= pail_attribute_reverse() }
      var pair: Int16 = 0
      if count > 0 {
        // A role without colour gets a pair of its own as well: from a pair to another ncurses
        // changes the colour only, from a pair to none it resets everything.
        let number = style.colour?.number(colours, colours: count) ?? -1
        pair = pairs[number] ?? Int16(pairs.count + 1)
        if pairs[number] == nil { init_extended_pair(Int32(pair), number, -1) }
        pairs[number] = pair
      }
      result[role] = (attributes, pair)
    }
    return result
  }

  /// Turns the screen into `frame`. Rows that are the same in `previous` are not looked at again.
  mutating func draw(_ frame: Frame, previous: Frame?, size: Size) {
    if isLeft { isEntering = true }
    isLeft = false
    let window = pail_stdscr()
    let previous = previous?.size == frame.size ? previous : nil
    if previous == nil { werase(window) }
    let rows = min(frame.size.rows, size.rows)
    let columns = min(frame.size.columns, size.columns)
    for row in 0..<rows where previous.map({ !frame.hasSameRow(row, as: $0) }) ?? true {
      draw(row: row, of: frame, columns: columns)
    }
    let cursor = frame.cursor.flatMap {
      (0..<size.columns).contains($0.column) && (0..<size.rows).contains($0.row) ? $0 : nil
    }
    if let cursor { wmove(window, Int32(cursor.row), Int32(cursor.column)) }
    // A hidden cursor may stay wherever the last character was written.
    leaveok(window, cursor == nil)
    if cursorVisible != (cursor != nil) {
      cursorVisible = cursor != nil
      curs_set(cursorVisible ? 1 : 0)
    }
    wnoutrefresh(window)
    doupdate()
  }

  private func draw(row: Int, of frame: Frame, columns: Int) {
    let window = pail_stdscr()
    wmove(window, Int32(row), 0)
    let styles = styles(row: row, of: frame, columns: columns)
    var column = 0
    var run: [wchar_t] = []
    while column < columns {
      let style = styles[column]
      run.removeAll(keepingCapacity: true)
      var hasWideMarks = false
      while column < columns, styles[column] == style {
        let cell = frame[row, column]
        // Half of a wide character at the edge of a screen that has just shrunk.
        let isCut = column + cell.width > columns
        if isCut { run.append(0x20) } else { CellPainter.append(cell, to: &run) }
        hasWideMarks = hasWideMarks || cell.width == 2 && cell.text.unicodeScalars.count > 1
        column += max(1, cell.width)
      }
      let (attributes, pair) = attributes[style] ?? (0, 0)
      wattr_set(window, attributes, pair, nil)
      // Both answer ERR after the last column of the last row, though the text is in place.
      if hasWideMarks {
        add(run, to: window)
      } else {
        waddnwstr(window, run, Int32(run.count))
      }
    }
  }

  /// Adds each character together with its marks. In a string, ncurses hangs a mark on the column
  /// before it: the right half of a wide character, which is never written.
  private func add(_ run: [wchar_t], to window: UnsafeMutablePointer<WINDOW>?) {
    var start = 0
    while start < run.count {
      let end = run[(start + 1)...].firstIndex { wcwidth($0) != 0 } ?? run.count
      var cell = cchar_t()
      setcchar(&cell, Array(run[start..<end]) + [0], 0, 0, nil)
      wadd_wch(window, &cell)
      start = end
    }
  }

  /// The row's roles, where each gap has one role, a short gap the one before it: changing the
  /// colour for two blanks and back costs 30 bytes and is not seen.
  private func styles(row: Int, of frame: Frame, columns: Int) -> [StyleRole] {
    var styles = (0..<columns).map { frame[row, $0].style }
    var column = 1
    while column < columns {
      let before = styles[column - 1]
      var end = column
      while end < columns, frame[row, end].text == " ", rolesUnseenOnBlanks.contains(styles[end]) {
        end += 1
      }
      if end > column {
        let isShort = end - column <= 3 && rolesUnseenOnBlanks.contains(before)
        let style = isShort ? before : styles[column]
        for index in column..<end { styles[index] = style }
      }
      column = max(end, column + 1)
    }
    return styles
  }

  /// After this everything is drawn anew.
  func invalidate() {
    clearok(pail_curscr(), true)
  }

  func resize(to size: Size) {
    resize_term(Int32(max(1, size.rows)), Int32(max(1, size.columns)))
    invalidate()
  }

  /// Leaves the alternate screen and shows the cursor; the next drawing enters again.
  mutating func leave() {
    endwin()
    isLeft = true
  }

  /// What ncurses has written since the last call.
  mutating func takeBytes() -> [UInt8] {
    fflush(memory)
    let descriptor = fileno(memory)
    let count = lseek(descriptor, 0, SEEK_CUR)
    guard count > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    let got = pread(descriptor, &bytes, bytes.count, 0)
    ftruncate(descriptor, 0)
    lseek(descriptor, 0, SEEK_SET)
    bytes.removeLast(bytes.count - max(0, got))
    if isEntering {
      isEntering = false
      // Coming back, ncurses resets the palette, which it never changed; the user may have.
      if let range = bytes.firstRange(of: paletteReset) { bytes.removeSubrange(range) }
    }
    return bytes
  }

  /// What brings the terminal back after a crash: the normal screen, a visible cursor, plain text.
  var restoringBytes: [UInt8] {
    let names: [String] = ["sgr0", "rmcup", "cnorm"]
    return names.flatMap { name in
      pail_terminfo_string(name).map { Array(String(cString: $0).utf8) } ?? []
    }
  }
}
