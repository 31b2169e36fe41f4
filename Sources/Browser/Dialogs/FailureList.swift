import Storage
import TextUI

/// What failed of many objects: it opens as a dialog, and stays for `E` once that is closed.
struct FailureList {
  let title: String
  let summary: String
  /// What to try, which is mostly the same for all: each is said once.
  let advice: [String?]
  let rows: [VisibleText]
  /// How many failed beyond `rows`.
  let unlisted: Int

  func tell(_ turn: inout Turn) {
    // Above the names, of which there may be a thousand.
    var said: Set<String> = []
    var lines = advice.compactMap { $0 }.filter { said.insert($0).inserted }.map { Line($0) }
    lines.append(.blank)
    lines += rows.map { Line($0) }
    if unlisted > 0 {
      lines.append(Line("and \(ByteFormat.exact(Int64(unlisted))) more", .secondary))
    }
    turn.open(TextDialog(title: title, lines: [Line(summary, .emphasis)] + lines))
    turn.keep(
      StorageError(
        kind: .incomplete, message: summary,
        detail: ([summary] + lines.map(\.text)).joined(separator: "\n")))
  }
}
