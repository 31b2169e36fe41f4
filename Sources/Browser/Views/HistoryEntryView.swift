import History
import S3
import Storage
import SystemPackage
import TextUI

/// One change of the history, as a row and as a page.
struct HistoryEntryView {
  let entry: HistoryEntry
  let clock: ClockStyle

  static func columns(_ width: Int) -> Columns {
    Columns(
      [
        Columns.Column(.fixed(16), importance: 4), Columns.Column(.fixed(10), importance: 6),
        Columns.Column(.fixed(12), importance: 7), Columns.Column(.fixed(11), importance: 5),
        Columns.Column(.flexible(minimum: 20), importance: 8),
        Columns.Column(.fixed(9), alignment: .right, importance: 3),
      ], gap: 1, total: width)
  }

  func texts(isSelected: Bool) -> [(VisibleText, StyleRole)] {
    let style: StyleRole = isSelected ? .emphasis : .normal
    return [
      (VisibleText(clock.minutes(entry.startedAt)), .secondary),
      (VisibleText(entry.author.user), style), (VisibleText(entry.action.rawValue), style),
      (VisibleText(outcome), outcomeStyle), (object, style),
      (VisibleText(entry.size.map { ByteFormat.iec($0.bytes) } ?? ""), .secondary),
    ]
  }

  private var outcome: String {
    entry.outcome == .started ? "started…" : entry.outcome.rawValue
  }

  private var outcomeStyle: StyleRole {
    switch entry.outcome {
    case .done: .success
    case .failed: .error
    case .started, .interrupted: .warning
    case .cancelled: .secondary
    }
  }

  private var object: VisibleText {
    VisibleText(entry.bucket.text)
      + (entry.key.map { "/" + VisibleText(bytes: $0.bytes) } ?? .empty)
  }

  /// Everything that is recorded.
  var lines: [Line] {
    let author = entry.author
    let uid = author.auditUID.map { "\(author.loginUID), at login \($0)" } ?? "\(author.loginUID)"
    let rows: [(String, VisibleText?)] = [
      ("Action", VisibleText(entry.action.rawValue)), ("Outcome", VisibleText(outcome)),
      ("Error", entry.errorCode.map { VisibleText($0) }),
      ("Started", VisibleText(clock.seconds(entry.startedAt))),
      ("Finished", entry.finishedAt.map { VisibleText(clock.seconds($0)) }),
      ("User", VisibleText(author.user)), ("User ID", VisibleText(uid)),
      ("Host", VisibleText(author.host)), ("SSH from", author.sshClient.map { VisibleText($0) }),
      ("Access key", entry.accessKeyID.map { VisibleText($0) }),
      ("Endpoint", VisibleText(entry.endpoint)), ("Bucket", VisibleText(entry.bucket.text)),
      ("Key", entry.key.map { VisibleText(bytes: $0.bytes) }),
      ("Version ID", entry.versionID.map { VisibleText($0.text) }),
      ("Size", entry.size.map { VisibleText(ByteFormat.bytes($0.bytes)) }),
      ("ETag", entry.etag.map { VisibleText($0.text) }),
      ("Checksum", entry.checksum.map { VisibleText($0) }),
      ("Local file", entry.localPath.map { VisibleText(bytes: $0.bytes) }),
      ("Detail", entry.detail.map { VisibleText($0) }),
    ]
    return rows.compactMap { name, value in
      value.map { Line(VisibleText(name).padded(to: 12) + $0) }
    }
  }
}
