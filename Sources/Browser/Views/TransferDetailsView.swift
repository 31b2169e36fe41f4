import History
import S3
import Storage
import SystemPackage
import TextUI

/// All that is known of one transfer, as a page.
struct TransferDetailsView {
  let row: TransferRow
  let clock: ClockStyle

  var lines: [Line] {
    switch row {
    case .known(let status, let processID, let session):
      Self.page(
        [
          ("State", VisibleText(Self.state(status))),
          ("Process", processID.map { VisibleText("\($0)") }),
          ("Session", session.map { VisibleText($0) }),
        ] + place(status.direction == .upload, status.location, status.localPath)
          + facts(status)) + Self.files(status)
    case .left(let entry):
      Self.page(
        [("State", VisibleText(entry.stateWord))]
          + place(
            entry.request.direction == .upload,
            ObjectLocation(
              bucket: entry.request.bucket, key: entry.request.key,
              versionID: entry.request.versionID),
            entry.request.localPath)
          + [
            ("Arrived", VisibleText(entry.movedWords)),
            ("Begun", VisibleText(clock.seconds(entry.createdAt))),
            ("Moved last", VisibleText(clock.seconds(entry.updatedAt))),
            ("Upload ID", entry.subject?.uploadID.map { VisibleText($0.text) }),
          ])
    }
  }

  private typealias Row = (name: String, value: VisibleText?)

  private static func page(_ rows: [Row]) -> [Line] {
    // One style, so that a long value is wrapped and not cut.
    rows.compactMap { row in
      row.value.map { Line(VisibleText(row.name).padded(to: 12) + $0) }
    }
  }

  private func place(_ isUpload: Bool, _ object: ObjectLocation, _ path: FilePath) -> [Row] {
    let file: Row = (isUpload ? "From" : "To", VisibleText(bytes: path.bytes))
    let uri = Place(bucket: object.bucket, prefix: object.key).uri
    let key: Row = (isUpload ? "To" : "From", VisibleText(bytes: uri))
    let version: Row = ("Version ID", object.versionID.map { VisibleText($0.text) })
    return isUpload ? [file, key, version] : [key, version, file]
  }

  private static func state(_ status: TransferStatus) -> String {
    switch status.state {
    case .waiting: "waiting"
    case .running: status.stalledFor.map(DurationFormat.stalled) ?? "running"
    case .retrying(let retry): retry.words
    case .paused: "paused"
    case .finished(let result) where result.isSkipped: "skipped: it exists"
    case .finished: "done"
    case .failed where status.isStopped: "stopped, and can be resumed"
    case .failed: "failed"
    case .cancelling: "cancelling"
    case .cancelled: "cancelled"
    }
  }

  private func facts(_ status: TransferStatus) -> [Row] {
    let size = status.total.map {
      VisibleText("\(ByteFormat.bytes($0.bytes)) (\(ByteFormat.iec($0.bytes)))")
    }
    let begun = status.startedAt.map { VisibleText(clock.seconds($0)) }
    var rows: [Row] = [("Size", size), ("Begun", begun)]
    switch status.state {
    case .finished(let result):
      rows += [
        ("Other name", status.otherName.map { VisibleText(bytes: $0.bytes) }),
        ("Contents", result.verification.map { VisibleText("\($0)") }),
        ("Resumed", result.resumption.map { VisibleText(Self.words($0)) }),
        ("ETag", result.etag.map { VisibleText($0.text) }),
        ("Checksum", result.checksum.map { VisibleText($0) }),
      ]
    case .failed(let error):
      rows += [
        ("Error", VisibleText(error.message)), ("S3 code", error.code.map { VisibleText($0) }),
        ("What to do", error.recovery.map { VisibleText($0) }),
      ]
    default: break
    }
    return rows
  }

  private static func words(_ resumption: Resumption) -> String {
    switch resumption {
    case .resumed(let kept): "\(ByteFormat.iec(kept.bytes)) were there already"
    case .startedOver(let reason): "started over, since \(reason.words)"
    }
  }

  /// How many files of a folder or prefix have come how far, and which have other names.
  private static func files(_ status: TransferStatus) -> [Line] {
    guard let tree = status.tree else { return [] }
    let counts: [(String, Int)] = [
      ("Arrived", tree.done), ("Skipped", tree.skipped), ("Failed", tree.failed),
      ("Unverified", tree.unverified), ("Other names", tree.renamed),
    ]
    var lines = [
      page([
        ("Found", VisibleText(ByteFormat.exact(Int64(tree.found)) + (tree.isComplete ? "" : "+")))
      ]),
      page(
        counts.filter { $0.1 > 0 }.map { ($0.0, VisibleText(ByteFormat.exact(Int64($0.1)))) }),
    ].flatMap(\.self)
    guard !tree.otherNames.isEmpty else { return lines }
    lines += [.blank, Line("Under other names", .title)]
    for other in tree.otherNames {
      let object = VisibleText(bytes: other.location.key.bytes)
      lines.append(Line(object + " → " + VisibleText(bytes: other.localPath.bytes)))
    }
    let rest = tree.renamed - tree.otherNames.count
    if rest > 0 { lines.append(Line("and \(ByteFormat.exact(Int64(rest))) more", .secondary)) }
    return lines
  }
}
