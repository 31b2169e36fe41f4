import S3
import Storage
import SystemPackage
import TextUI

/// Draws the local file browser of an upload.
struct UploadView {
  let pane: LocalPane
  let destination: Place
  let attributes: UploadAttributes
  let clock: ClockStyle
  /// The filter while it is typed.
  var filterField: TextField?

  /// Inside the border, less the two rows that say what goes where.
  static func listRect(_ size: Size) -> Rect {
    let inner = Panel.room(on: size).inset(by: 1)
    return Rect(
      column: inner.column, row: inner.row, columns: inner.columns, rows: inner.rows - 2)
  }

  func draw(on frame: inout Frame) {
    let rect = Panel.room(on: frame.size)
    frame.fill(rect)
    frame.box(
      rect, title: "Upload from " + VisibleText(bytes: pane.folder.bytes),
      footer: VisibleText(footer), focused: true)
    let list = Self.listRect(frame.size)
    let columns = Columns(
      [
        Columns.Column(.flexible(minimum: 20), importance: 3),
        Columns.Column(.fixed(9), alignment: .right, importance: 2),
        Columns.Column(.fixed(16), importance: 1),
      ], gap: 2, total: list.columns - 3)
    var viewport = pane.viewport
    viewport.setHeight(list.rows)
    for (offset, position) in viewport.visible.enumerated() {
      let point = Point(column: list.column, row: list.row + offset)
      if position == viewport.selection { frame.write("▸", at: point, style: .emphasis) }
      if pane.isMarked(at: position) {
        frame.write("*", at: Point(column: point.column + 1, row: point.row), style: .marked)
      }
      frame.write(
        texts(position, isSelected: position == viewport.selection), in: columns,
        at: Point(column: point.column + 2, row: point.row))
    }
    if pane.shown.isEmpty { drawEmpty(in: list, on: &frame) }
    drawTarget(at: Point(column: list.column, row: list.endRow), list.columns, on: &frame)
  }

  private func texts(_ position: Int, isSelected: Bool) -> [(VisibleText, StyleRole)] {
    guard let entry = pane.entry(at: position) else {
      return [("..", isSelected ? .emphasis : .dim)]
    }
    let name = VisibleText(bytes: entry.name) + (entry.kind == .folder ? "/" : "")
    let size: String
    switch entry.kind {
    case .file: size = ByteFormat.iec(entry.size.bytes)
    case .folder: size = "-"
    case .other: size = "no file"
    }
    let style: StyleRole =
      isSelected
      ? .emphasis : entry.kind == .folder ? .prefix : entry.kind == .other ? .dim : .normal
    return [
      (name, style), (VisibleText(size), .secondary),
      (VisibleText(clock.minutes(entry.modified)), .secondary),
    ]
  }

  private func drawEmpty(in list: Rect, on frame: inout Frame) {
    let text: String
    if pane.isLoading {
      text = "Loading…"
    } else if let problem = pane.problem {
      text = problem.message
    } else if !pane.filter.isEmpty {
      text = "Nothing matches /\(pane.filter)"
    } else {
      text = "This folder is empty"
    }
    let below = Rect(
      column: list.column, row: list.row + pane.viewport.count, columns: list.columns,
      rows: max(list.rows - pane.viewport.count, 1))
    frame.writeCentered([Line(text, .secondary)], in: below)
  }

  /// Where the selected entry will go, and as what.
  private func drawTarget(at point: Point, _ columns: Int, on frame: inout Frame) {
    if let filterField {
      frame.write(
        field: filterField, label: "Filter:", at: point, columns: columns, isFocused: true)
    }
    guard let entry = pane.selected, entry.kind != .other else { return }
    let key = destination.prefix + ObjectKey(bytes: entry.name)
    var target = VisibleText(bytes: Place(bucket: destination.bucket, prefix: key).uri)
    if entry.kind == .folder { target += "/…" }
    let guessed = ContentType.guess(fileName: String(decoding: entry.name, as: UTF8.self))
    let type =
      entry.kind == .file
      ? (try? attributes.attributes(guessed: guessed))?.contentType ?? guessed : ""
    let room = columns - 4 - (type.isEmpty ? 0 : VisibleText(type).width + 2)
    let line =
      Line(" → ", .secondary) + Line(target.elidedInMiddle(to: room))
      + Line(VisibleText("  " + type), .secondary)
    frame.write(line, at: Point(column: point.column, row: point.row + 1), columns: columns)
  }

  private var footer: String {
    var parts: [String] = []
    if !pane.marks.isEmpty { parts.append("\(pane.marks.count) marked") }
    if !pane.filter.isEmpty { parts.append("/\(pane.filter)") }
    if !attributes.summary.isEmpty { parts.append(attributes.summary) }
    if pane.listing == nil, pane.isLoading {
      parts.append("loading…")
    } else {
      parts.append("\(pane.shown.count) \(pane.shown.count == 1 ? "entry" : "entries")")
    }
    return parts.joined(separator: " · ")
  }
}
