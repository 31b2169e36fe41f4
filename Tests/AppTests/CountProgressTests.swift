import Storage
import Testing

@testable import App

@Suite("Count of what a command has done")
struct CountProgressTests {
  @Test(
    "Behind the count stands what is sent again, as far as there is room",
    arguments: [
      ("3 copied", nil, 79, "3 copied"),
      ("3 copied", "SlowDown", 79, "3 copied  retrying 2/5: SlowDown"),
      ("", "SlowDown", 79, "retrying 2/5: SlowDown"), ("3 copied", "SlowDown", 12, "3 copied  re"),
      ("3 copied", "\u{1B}[2J", 79, "3 copied  retrying 2/5: \\x1b[2J"), ("3 copied", nil, -1, ""),
    ] as [(String, String?, Int, String)])
  func line(words: String, code: String?, columns: Int, expected: String) {
    let retry = code.map { RetryStatus(attempt: 2, of: 5, code: $0) }
    #expect(CountProgress.line(words, retry, columns: columns) == expected)
  }
}
