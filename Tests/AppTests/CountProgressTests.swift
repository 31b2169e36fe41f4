import Testing

@testable import App

@Suite("Count of what a command has done")
struct CountProgressTests {
  @Test(
    "Behind the count stands what holds it up, as far as there is room",
    arguments: [
      ("3 copied", nil, 79, "3 copied"),
      ("3 copied", "retrying 2/5: SlowDown", 79, "3 copied  retrying 2/5: SlowDown"),
      ("", "stalled 8 s", 79, "stalled 8 s"), ("3 copied", "stalled 8 s", 12, "3 copied  st"),
      ("3 copied", "retrying 2/5: \u{1B}[2J", 79, "3 copied  retrying 2/5: \\x1b[2J"),
      ("3 copied", nil, -1, ""),
    ] as [(String, String?, Int, String)])
  func line(words: String, trouble: String?, columns: Int, expected: String) {
    #expect(CountProgress.line(words, trouble, columns: columns) == expected)
  }
}
