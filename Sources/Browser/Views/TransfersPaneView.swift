import History
import S3
import Storage
import TextUI

/// Draws the transfers: a bar each, and the rate of all in the title.
struct TransfersPaneView {
  private let pane: TransfersPane
  private let isFocused: Bool
  private let clock: ClockStyle
  private let running: [TransferStatus]
  /// As wide as the longest time left, so that all stand in one column.
  private let timeColumns: Int

  init(pane: TransfersPane, isFocused: Bool, clock: ClockStyle) {
    self.pane = pane
    self.clock = clock
    self.isFocused = isFocused
    running = pane.allRunning
    timeColumns = running.reduce(5) {
      max($0, $1.timeLeft.map(DurationFormat.clock)?.count ?? 0)
    }
  }

  func draw(in rect: Rect, on frame: inout Frame) {
    frame.box(
      rect, title: VisibleText("Transfers (\(counts))\(limit)"),
      trailing: speed, focused: isFocused)
    let inner = rect.inset(by: 1)
    var viewport = pane.viewport
    viewport.setHeight(inner.rows)
    for (offset, index) in viewport.visible.enumerated() {
      guard let row = pane[index] else { continue }
      let point = Point(column: inner.column, row: inner.row + offset)
      let isSelected = isFocused && index == viewport.selection
      if isSelected { frame.write("▸", at: point, style: .emphasis) }
      draw(
        row, isSelected, at: Point(column: point.column + 1, row: point.row),
        columns: inner.columns - 1, on: &frame)
    }
  }

  private var counts: String {
    let known = pane.known
    let parts = [
      known == 0 ? nil : "\(known - running.count) of \(known)",
      pane.left.isEmpty ? nil : "\(pane.left.count) interrupted",
    ]
    return parts.compactMap(\.self).joined(separator: ", ")
  }

  private var limit: String {
    pane.limit.map { ", at most \(ByteFormat.rate(Double($0)))" } ?? ""
  }

  /// The rate of all together and the time they need.
  private var speed: VisibleText? {
    guard !running.isEmpty else { return nil }
    let rate = ByteFormat.rate(pane.rate)
    return VisibleText(rate + (pane.timeLeft.map { "  " + DurationFormat.clock($0) } ?? ""))
  }

  private func draw(
    _ row: TransferRow, _ isSelected: Bool, at point: Point, columns: Int,
    on frame: inout Frame
  ) {
    let style: StyleRole = isSelected ? .emphasis : .normal
    let arrow: VisibleText = row.isUpload ? "↑ " : "↓ "
    frame.write(arrow, at: point, style: .secondary)
    let name = RowName(row.name[...]).text
    let nameColumns = min(max(name.width, 8), max(columns / 4, 10))
    frame.write(
      name.elidedInMiddle(to: nameColumns), at: Point(column: point.column + 2, row: point.row),
      style: style)
    var rest = Point(column: point.column + 2 + max(columns / 4, 10) + 1, row: point.row)
    if let owner = row.processID.map({ "⇄ pid \($0)" }) ?? row.session.map({ "of \($0)" }) {
      let mark = VisibleText(owner).elidedAtEnd(to: 24)
      frame.write(mark, at: rest, style: .secondary)
      rest.column += mark.width + 1
    }
    let room = columns - (rest.column - point.column)
    switch row {
    case .left(let entry):
      frame.write(words(entry, in: room).elidedAtEnd(to: room), at: rest, style: .warning)
    case .known(let transfer, _, _):
      let (words, role) = Self.words(transfer)
      if let words {
        frame.write(VisibleText(words).elidedAtEnd(to: room), at: rest, style: role)
      } else {
        drawProgress(transfer, at: rest, columns: room, on: &frame)
      }
    }
  }

  /// `interrupted  1.2/2.0 GiB  2026-11-20 14:02`, which is when it moved last; the day alone where
  /// the time of day would be cut in two.
  private func words(_ entry: JournalEntry, in room: Int) -> VisibleText {
    let time = clock.minutes(entry.updatedAt)
    let moved = "\(entry.stateWord)  \(entry.movedWords)  "
    let whole = VisibleText(moved + time)
    return whole.width <= room ? whole : VisibleText(moved + time.prefix { $0 != " " })
  }

  /// What a transfer that does not move says instead of a bar.
  private static func words(_ transfer: TransferStatus) -> (String?, StyleRole) {
    let size = transfer.total.map { ByteFormat.iec($0.bytes) } ?? ""
    switch transfer.state {
    case .running:
      guard let stalled = transfer.stalledFor else { return (nil, .normal) }
      return ("\(DurationFormat.stalled(stalled))  \(moved(transfer))", .warning)
    case .waiting: return ("waiting  \(size)", .secondary)
    case .paused: return ("paused  \(moved(transfer))", .secondary)
    case .retrying(let retry): return (retry.words, .warning)
    case .finished(let result) where result.isSkipped: return ("skipped: it exists", .secondary)
    case .finished where transfer.tree?.found == 0: return ("nothing is in it", .warning)
    case .finished(let result):
      return words(transfer, result)
    case .failed(let error) where error.kind == .stopped:
      return ("stopped, and can be resumed", .secondary)
    case .failed(let error):
      let code = error.code.map { " (\($0))" } ?? ""
      return ("failed: \(error.message)\(code)", .error)
    case .cancelling: return ("cancelling…", .secondary)
    case .cancelled: return ("cancelled", .secondary)
    }
  }

  /// `done  1.2 GiB`, and what a person has to know about it.
  private static func words(
    _ transfer: TransferStatus, _ result: TransferResult
  ) -> (String, StyleRole) {
    let tree = transfer.tree ?? TreeStatus()
    var doubts: [String] = []
    if result.verification?.isVerified == false { doubts.append("not verified") }
    if tree.unverified > 0 {
      doubts.append("\(ByteFormat.exact(Int64(tree.unverified))) not verified")
    }
    var notes: [String] = []
    if let name = transfer.otherName { notes.append("as \(VisibleText(bytes: name.bytes).text)") }
    if tree.renamed > 0 {
      notes.append("\(ByteFormat.exact(Int64(tree.renamed))) under other names")
    }
    if case .startedOver(let reason) = result.resumption {
      notes.append("started over, since \(reason.words)")
    }
    let parts = ["done", ByteFormat.iec(result.size?.bytes ?? 0)] + doubts + notes
    return (parts.joined(separator: "  "), doubts.isEmpty ? .success : .warning)
  }

  /// `1.2/2.0 GiB`, or the files of a folder: `12 of 900+`.
  private static func moved(_ transfer: TransferStatus) -> String {
    if let tree = transfer.tree {
      let found = ByteFormat.exact(Int64(tree.found)) + (tree.isComplete ? "" : "+")
      return "\(ByteFormat.exact(Int64(tree.over))) of \(found)"
    }
    let moved = max(transfer.moved.bytes, 0)
    return transfer.total.map { ByteFormat.iec(moved, of: $0.bytes) } ?? ByteFormat.iec(moved)
  }

  private func drawProgress(
    _ transfer: TransferStatus, at point: Point, columns: Int, on frame: inout Frame
  ) {
    let moved = max(transfer.moved.bytes, 0)
    guard let total = transfer.total?.bytes, total > 0, transfer.tree?.isComplete ?? true else {
      frame.write(
        VisibleText("\(Self.moved(transfer))  \(ByteFormat.rate(transfer.rate))"), at: point,
        maxWidth: columns, style: .secondary)
      return
    }
    let fraction = min(Double(moved) / Double(total), 1)
    let percent = "\(transfer.percent ?? 0)%"
    let left = transfer.timeLeft.map(DurationFormat.clock) ?? ""
    let layout = Columns(
      [
        Columns.Column(.flexible(minimum: 4), importance: 2),
        Columns.Column(.fixed(4), alignment: .right, importance: 5),
        Columns.Column(.fixed(13), alignment: .right, importance: 3),
        Columns.Column(.fixed(10), alignment: .right, importance: 4),
        Columns.Column(.fixed(timeColumns), alignment: .right, importance: 1),
      ], gap: 1, total: columns)
    let barColumns = layout.places.first { $0.index == 0 }?.columns ?? 0
    frame.write(
      [
        (ProgressBar.text(fraction, columns: barColumns), .progress),
        (VisibleText(percent), .normal),
        (VisibleText(Self.moved(transfer)), .secondary),
        (VisibleText(ByteFormat.rate(transfer.rate)), .secondary), (VisibleText(left), .secondary),
      ], in: layout, at: point)
  }
}

extension TransferRow {
  fileprivate var isUpload: Bool {
    switch self {
    case .known(let status, _, _): status.direction == .upload
    case .left(let entry): entry.request.direction == .upload
    }
  }

  fileprivate var name: [UInt8] {
    switch self {
    case .known(let status, _, _): status.name
    case .left(let entry): entry.name
    }
  }
}
