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
    if found.uploads.contains(where: \.isInterrupted) {
      console.notice(
        "pail: interrupted streams and copies cannot be resumed: pail transfers abort with the "
          + "upload ID removes their parts, and the same command makes them anew")
    }
  }

  private func row(_ entry: JournalEntry) -> [UInt8] {
    let start = columns(
      "\(entry.id)", entry.request.direction.rawValue, entry.stateWord, entry.movedWords,
      LocalTime.minutes(entry.createdAt))
    let here = console.name(entry.request.file.bytes)
    let there = console.name(entry.request.place.bytes)
    let (from, to) = entry.request.direction == .upload ? (here, there) : (there, here)
    let process = entry.holder.map { "  (\(words($0)))" } ?? ""
    return Array(start.utf8) + from + Array(" to ".utf8) + to + Array(process.utf8)
  }

  private func row(_ upload: UnfinishedUpload) -> [UInt8] {
    let start = columns(
      "-", upload.actionWord, upload.stateWord,
      upload.size.map { ByteFormat.iec($0.bytes) } ?? "-",
      upload.initiated.map { LocalTime.minutes($0) } ?? "-")
    let from = upload.from.map { console.name($0) + Array(" to ".utf8) } ?? []
    let place = S3URI(bucket: upload.location.bucket, key: upload.location.key)
    let uploadID = Visible.text(Array(upload.uploadID.text.utf8))
    let process = upload.known?.holder.map { ", \(words($0))" } ?? ""
    return Array(start.utf8) + from + console.name(place.bytes)
      + Array("  (\(uploadID)\(process))".utf8)
  }

  private func words(_ holder: JournalLease) -> String {
    let host = holder.isOfThisHost ? "" : " on \(Visible.text(Array(holder.host.utf8)))"
    return "in process \(holder.processID)\(host)"
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
    line.add("processID", (entry.holder?.processID).map { Int64($0) })
    return line
  }

  private func json(_ upload: UnfinishedUpload) -> JSONLine {
    var line = JSONLine()
    line.add("action", upload.actionWord)
    line.add("state", upload.known == nil ? "onServer" : upload.stateWord)
    line.add("endpoint", upload.known?.endpoint)
    line.add("bucket", upload.location.bucket.text)
    line.add("key", bytes: upload.location.key.bytes)
    if let from = upload.from { line.add("from", bytes: from) }
    line.add("uploadID", upload.uploadID.text)
    line.add("kept", upload.size?.bytes)
    line.add("parts", upload.parts.map { Int64($0) })
    line.add("createdAt", upload.initiated)
    line.add("storageClass", upload.storageClass?.text)
    line.add("processID", (upload.known?.holder?.processID).map { Int64($0) })
    return line
  }
}

extension UnfinishedUpload {
  /// Of a stream or a copy whose process has died, or could not abort it.
  var isInterrupted: Bool { known != nil && known?.holder == nil }

  fileprivate var actionWord: String {
    if case .copy = known?.source { "copy" } else { "upload" }
  }

  fileprivate var stateWord: String {
    guard let known else { return "on the server" }
    return known.holder == nil ? "interrupted" : "running"
  }

  /// nil where nobody here knows.
  fileprivate var from: [UInt8]? {
    switch known?.source {
    case .stream: Array("standard input".utf8)
    case .copy(let source): S3URI(bucket: source.bucket, key: source.key).bytes
    case nil: nil
    }
  }
}
