internal import CNcurses
import Glibc
import TextUI

/// Turns cells into what every terminal draws in exactly their width.
///
/// Terminals disagree about emoji sequences: a family joined by U+200D takes 2 columns in one and
/// 8 in another, a heart with U+FE0F 1 or 2. So the sequence's first picture stands for it, a flag
/// is shown as its two letters, and a blank fills what is missing. What libc, and with it ncurses,
/// measures differently from us becomes `?`: the columns stay straight.
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
    let isRegionalAlone = isRegional(base)
    guard width > 0, width <= cell.width, width == CellWidth.of(base), !isRegionalAlone else {
      run.append(0x3F)
      if cell.width == 2 { run.append(0x20) }
      return
    }
    run.append(wchar_t(base.value))
    var marks = 0
    for scalar in scalars.dropFirst() {
      if isSelector(scalar) { continue }
      // ncurses keeps four marks with a character.
      guard marks < 4, CellWidth.of(scalar) == 0, wcwidth(wchar_t(scalar.value)) == 0 else { break }
      run.append(wchar_t(scalar.value))
      marks += 1
    }
    if width < cell.width { run.append(0x20) }
  }

  private static func isRegional(_ scalar: Unicode.Scalar) -> Bool {
    (0x1F1E6...0x1F1FF).contains(scalar.value)
  }

  private static func isSelector(_ scalar: Unicode.Scalar) -> Bool {
    (0xFE00...0xFE0F).contains(scalar.value) || (0xE0100...0xE01EF).contains(scalar.value)
  }
}
