import HTTP
import S3
import TextUI

/// A presigned URL over the whole width without a border, so that a terminal selects it as one.
struct PresignedURLView {
  let url: PresignedURL
  let location: ObjectLocation
  let clock: ClockStyle

  /// Below the title, which stays.
  private static func list(_ size: Size) -> Rect {
    let room = Panel.room(on: size)
    return Rect(
      column: 0, row: room.row + 1, columns: room.columns, rows: max(room.rows - 1, 0))
  }

  /// How many rows are hidden below when the first ones are in view.
  func hiddenRows(on size: Size) -> Int {
    max(0, rows(columns: size.columns).count - Self.list(size).rows)
  }

  /// - Parameter top: the first row in view, 0 through ``hiddenRows(on:)``.
  func draw(from top: Int, on frame: inout Frame) {
    let room = Panel.room(on: frame.size)
    frame.fill(room)
    let place = VisibleText(bytes: Place(bucket: location.bucket, prefix: location.key).uri)
    frame.write(
      Line("▸Presigned URL, \(url.method.rawValue) ", .title) + Line(place),
      at: Point(column: 1, row: room.row), columns: room.columns - 2)
    let list = Self.list(frame.size)
    let first = min(max(top, 0), hiddenRows(on: frame.size))
    let shown = rows(columns: list.columns)[first...].prefix(list.rows)
    for (offset, row) in shown.enumerated() {
      frame.write(
        row.line, at: Point(column: row.column, row: list.row + offset),
        columns: list.columns - row.column)
    }
  }

  private func rows(columns: Int) -> [(column: Int, line: Line)] {
    var rows = [(column: 1, line: Line.blank)]
    // Cut by the width of the terminal and nothing else.
    var rest = url.url[...]
    while !rest.isEmpty {
      rows.append((0, Line(VisibleText(rest.prefix(max(columns, 1))), .input)))
      rest = rest.dropFirst(max(columns, 1))
    }
    rows.append((1, .blank))
    return rows + facts.flatMap { $0.wrapped(to: columns - 2) }.map { (1, $0) }
  }

  private var facts: [Line] {
    var lines = [Line("Expires \(clock.seconds(url.expiresAt))")]
    if url.isShortened {
      lines.append(Line("Earlier than asked for: the credentials end then.", .warning))
    }
    switch url.credentialsExpiry {
    case .at(let time): lines.append(Line("The credentials end \(clock.seconds(time))"))
    case .never: break
    case .unknown:
      lines.append(
        Line(
          "The credentials are temporary and do not say when they end: the URL ends with them.",
          .warning))
    }
    if url.method == .put {
      let headers = url.requiredHeaders.map { "\($0.name): \($0.value)" }
      lines.append(
        Line(
          headers.isEmpty
            ? "A PUT must send the file as its body; no header is required."
            : "A PUT must send the file as its body, with: \(headers.joined(separator: ", "))"))
    }
    lines.append(Line("It is recorded in the history; the URL itself is not.", .secondary))
    return lines
  }
}
