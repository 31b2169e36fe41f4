internal import CNcurses
import Glibc
import TextUI

/// Turns cells into what every terminal draws in exactly their width.
///
/// Terminals disagree about emoji: a heart with U+FE0F takes 1 column in one and 2 in another. So
/// it goes without its selector, a flag is shown as its two letters, and a blank fills what is
/// missing. What libc, and with it ncurses, measures differently from us becomes `?`: the columns
/// stay straight.
enum CellPainter {
  static func append(_ cell: Cell, to run: inout [wchar_t]) {
    let scalars = cell.text.unicodeScalars
    guard let base = scalars.first else { return }
    if base.value < 0x7F, scalars.count == 1 {
      run.append(wchar_t(base.value))
      return
    }
    if scalars.count == 2, scalars.allSatisfy(isRegional) {
      for scalar in scalars { run.append(wchar_t(scalar.value - 0x1F1E6 + 0x41)) }
      return
    }
    let width = Int(wcwidth(wchar_t(base.value)))
    let marks = scalars.dropFirst().filter { !isSelector($0) }
    // ncurses keeps four marks with a character.
    let areMarks = marks.allSatisfy { CellWidth.of($0) == 0 && wcwidth(wchar_t($0.value)) == 0 }
    guard width > 0, width <= cell.width, width == CellWidth.of(base), !isRegional(base),
      marks.count <= 4, areMarks
    else {
      run.append(0x3F)
      if cell.width == 2 { run.append(0x20) }
      return
    }
    run.append(wchar_t(base.value))
    for mark in marks { run.append(wchar_t(mark.value)) }
    if width < cell.width { run.append(0x20) }
  }

  private static func isRegional(_ scalar: Unicode.Scalar) -> Bool {
    (0x1F1E6...0x1F1FF).contains(scalar.value)
  }

  private static func isSelector(_ scalar: Unicode.Scalar) -> Bool {
    (0xFE00...0xFE0F).contains(scalar.value) || (0xE0100...0xE01EF).contains(scalar.value)
  }
}
