import Testing

@testable import TextUI

@Suite("Cell width")
struct CellWidthTests {
  @Test("The table of wide characters ascends without overlap")
  func table() {
    for (left, right) in zip(CellWidth.wideRanges, CellWidth.wideRanges.dropFirst()) {
      #expect(left.upperBound < right.lowerBound)
    }
  }

  @Test(
    "Single characters",
    arguments: [
      ("a", 1), ("\u{ff}", 1), ("\u{300}", 0), ("\u{488}", 0), ("\u{115f}", 2), ("\u{2329}", 2),
      ("\u{2328}", 1), ("\u{303f}", 1), ("\u{302a}", 0), ("\u{4dc0}", 2), ("\u{3248}", 1),
      ("\u{d7a3}", 2), ("\u{ff61}", 1), ("\u{1f600}", 2), ("\u{1f321}", 1), ("\u{2fffd}", 2),
    ] as [(Unicode.Scalar, Int)])
  func single(scalar: Unicode.Scalar, columns: Int) {
    #expect(CellWidth.of(scalar) == columns)
  }
}
