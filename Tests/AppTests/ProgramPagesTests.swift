import Testing

@testable import App

@Suite("Pages of the program")
struct ProgramPagesTests {
  @Test("Only what is run from files is given back")
  func ranges() {
    let maps = """
      55d0c1a00000-55d0c3aa8000 r-xp 00000000 08:01 1841 /usr/local/bin/pail
      55d0c3aa9000-55d0c3b79000 r--p 020a8000 08:01 1841 /usr/local/bin/pail
      55d0c3b79000-55d0c5fd6000 rw-p 02178000 08:01 1841                       /usr/local/bin/pail
      55d0c7000000-55d0c7021000 rw-p 00000000 00:00 0                          [heap]
      7f1200028000-7f120017d000 r-xp 00028000 08:01 99                         /usr/lib/with blank.so
      7f1200200000-7f1200201000 r-xp 00000000 00:00 0
      7ffd8a5f2000-7ffd8a5f4000 r-xp 00000000 00:00 0                          [vdso]
      7f1200300000 r-xp 00000000 08:01 99 /broken

      """
    #expect(
      ProgramPages.codeRanges(in: Array(maps.utf8)) == [
        0x55d0_c1a0_0000..<0x55d0_c3aa_8000, 0x7f12_0002_8000..<0x7f12_0017_d000,
      ])
  }
}
