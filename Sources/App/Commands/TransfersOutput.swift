import Browser
import History
import S3
import Storage
import TextUI

/// How unfinished transfers are written.
struct TransfersOutput {
  var console: Console
  var isJSON: Bool

  func show(_ found: UnfinishedTransfers) {
    if isJSON {
      for entry in found.entries { console.result(json(entry).bytes) }
      for upload in found.uploads { console.result(json(upload).bytes) }
      return
    }
    guard !(found.entries.isEmpty && found.uploads.isEmpty) else {
      console.notice("pail: no transfer is unfinished")
      return
    }
    if console.isOutputTerminal {
      console.result(columns("number", "what", "state", "moved", "since") + "from and to")
    }
    for entry in found.entries { console.result(row(entry)) }
    for upload in found.uploads { console.result(row(upload)) }
  }

  private func row(_ entry: JournalEntry) -> [UInt8] {
    let start = columns(
      "\(entry.id)", entry.request.direction.rawValue, entry.stateWord, entry.movedWords,
      LocalTime.minutes(entry.createdAt))
    let here = console.name(entry.request.file.bytes)
    let there = console.name(entry.request.place.bytes)
    let (from, to) = entry.request.direction == .upload ? (here, there) : (there, here)
    return Array(start.utf8) + from + Array(" to ".utf8) + to
  }

  private func row(_ upload: UnfinishedUpload) -> [UInt8] {
    let start = columns(
      "-", "upload", "on the server", upload.size.map { ByteFormat.iec($0.bytes) } ?? "-",
      upload.initiated.map { LocalTime.minutes($0) } ?? "-")
    let place = S3URI(bucket: upload.location.bucket, key: upload.location.key)
    return Array(start.utf8) + console.name(place.bytes)
      + Array("  (\(Visible.text(Array(upload.uploadID.text.utf8))))".utf8)
  }

  private func columns(
    _ id: String, _ what: String, _ state: String, _ moved: String, _ since: String
  ) -> String {
    let cells = [
      Columns.right(id, 6), Columns.left(what, 8), Columns.left(state, 13),
      Columns.right(moved, 17), Columns.left(since, 16),
    ]
    return cells.map { $0 + "  " }.joined()
  }

  private func json(_ entry: JournalEntry) -> JSONLine {
    var line = JSONLine()
    line.add("id", entry.id.value)
    line.add("action", entry.request.direction.rawValue)
    line.add("state", entry.stateWord)
    line.add("endpoint", entry.request.endpoint)
    line.add("profile", entry.request.profile)
    line.add("bucket", entry.request.bucket.text)
    line.add("key", bytes: entry.request.key.bytes)
    line.add("versionID", entry.request.versionID?.text)
    line.add("localPath", bytes: entry.request.file.bytes)
    line.add("recursive", entry.request.tree != nil)
    line.add("size", entry.subject?.size.bytes)
    line.add("kept", entry.kept.bytes)
    line.add("uploadID", entry.subject?.uploadID?.text)
    line.add("createdAt", entry.createdAt)
    line.add("updatedAt", entry.updatedAt)
    if case .running(let lease) = entry.state { line.add("processID", Int64(lease.processID)) }
    return line
  }

  private func json(_ upload: UnfinishedUpload) -> JSONLine {
    var line = JSONLine()
    line.add("action", "upload")
    line.add("state", "onServer")
    line.add("bucket", upload.location.bucket.text)
    line.add("key", bytes: upload.location.key.bytes)
    line.add("uploadID", upload.uploadID.text)
    line.add("kept", upload.size?.bytes)
    line.add("parts", upload.parts.map { Int64($0) })
    line.add("createdAt", upload.initiated)
    line.add("storageClass", upload.storageClass?.text)
    return line
  }
}
