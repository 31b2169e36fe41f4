import History
import S3
import Storage
import TextUI

/// How rows of the history are written. The names of the fields are the same in JSON and CSV.
struct HistoryOutput {
  var console: Console
  var format: HistoryCommand.Format

  private static let fields = [
    "id", "action", "user", "loginUID", "host", "sshClient", "accessKeyID", "endpoint", "bucket",
    "key", "versionID", "size", "etag", "checksum", "localPath", "detail", "startedAt",
    "finishedAt", "outcome", "errorCode",
  ]

  func header() {
    switch format {
    case .json: break
    case .csv: console.result(Self.csv(Self.fields.map { Array($0.utf8) }))
    case .table:
      if console.isOutputTerminal {
        console.result(columns("time", "user", "action", "outcome", "size") + "what")
      }
    }
  }

  func row(_ entry: HistoryEntry) {
    switch format {
    case .json: console.result(json(entry).bytes)
    case .csv: console.result(Self.csv(values(entry)))
    case .table: console.result(table(entry))
    }
  }

  private func json(_ entry: HistoryEntry) -> JSONLine {
    var line = JSONLine()
    line.add("id", entry.id.value)
    line.add("action", entry.action.rawValue)
    line.add("user", entry.author.user)
    line.add("loginUID", Int64(entry.author.loginUID))
    line.add("host", entry.author.host)
    line.add("sshClient", entry.author.sshClient)
    line.add("accessKeyID", entry.accessKeyID)
    line.add("endpoint", entry.endpoint)
    line.add("bucket", entry.bucket.text)
    if let key = entry.key { line.add("key", bytes: key.bytes) }
    line.add("versionID", entry.versionID?.text)
    line.add("size", entry.size?.bytes)
    line.add("etag", entry.etag?.text)
    line.add("checksum", entry.checksum)
    if let path = entry.localPath { line.add("localPath", bytes: path.bytes) }
    line.add("detail", entry.detail)
    line.add("startedAt", entry.startedAt)
    line.add("finishedAt", entry.finishedAt)
    line.add("outcome", entry.outcome.rawValue)
    line.add("errorCode", entry.errorCode)
    return line
  }

  /// In the order of `fields`; what is not known is empty.
  private func values(_ entry: HistoryEntry) -> [[UInt8]] {
    let texts: [String?] = [
      "\(entry.id)", entry.action.rawValue, entry.author.user, "\(entry.author.loginUID)",
      entry.author.host, entry.author.sshClient, entry.accessKeyID, entry.endpoint,
      entry.bucket.text, nil, entry.versionID?.text, entry.size.map { "\($0.bytes)" },
      entry.etag?.text, entry.checksum, nil, entry.detail, entry.startedAt.iso8601,
      entry.finishedAt?.iso8601, entry.outcome.rawValue, entry.errorCode,
    ]
    return zip(Self.fields, texts).map { name, text in
      switch name {
      case "key": console.name(entry.key?.bytes ?? [])
      case "localPath": console.name(entry.localPath?.bytes ?? [])
      default: console.name(Array((text ?? "").utf8))
      }
    }
  }

  /// RFC 4180, but lines end as they do here.
  static func csv(_ values: [[UInt8]]) -> [UInt8] {
    let special = Array("\",\n\r".utf8)
    let fields = values.map { value -> [UInt8] in
      guard value.contains(where: special.contains) else { return value }
      let mark = UInt8(ascii: "\"")
      return [mark] + value.flatMap { $0 == mark ? [mark, mark] : [$0] } + [mark]
    }
    return Array(fields.joined(separator: [UInt8(ascii: ",")]))
  }

  func table(_ entry: HistoryEntry) -> [UInt8] {
    let time =
      console.isOutputTerminal
      ? LocalTime.seconds(entry.startedAt)
      : Timestamp(seconds: entry.startedAt.seconds).iso8601
    let size = entry.size.map {
      console.isOutputTerminal ? ByteFormat.iec($0.bytes) : "\($0.bytes)"
    }
    // The code is the server's, and not always one of S3.
    let outcome = entry.errorCode.map {
      "\(entry.outcome.rawValue) (\(Visible.text(Array($0.utf8))))"
    }
    let start = columns(
      time, Visible.text(Array(entry.author.user.utf8)), entry.action.rawValue,
      outcome ?? entry.outcome.rawValue, size ?? "-")
    let place = S3URI(bucket: entry.bucket, key: entry.key ?? .empty)
    let detail = entry.detail.map { "  (\(Visible.text(Array($0.utf8))))" } ?? ""
    return Array(start.utf8) + console.name(place.bytes) + Array(detail.utf8)
  }

  private func columns(
    _ time: String, _ user: String, _ action: String, _ outcome: String, _ size: String
  ) -> String {
    let cells = [
      Columns.left(time, 20), Columns.left(user, 12), Columns.left(action, 12),
      Columns.left(outcome, 11), Columns.right(size, 12),
    ]
    return cells.map { $0 + "  " }.joined()
  }
}
