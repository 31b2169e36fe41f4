import HTTP
import S3
import TextUI

/// A presigned URL over the whole width without a border, so that a terminal selects it as one.
struct PresignedURLView {
  let url: PresignedURL
  let location: ObjectLocation
  let clock: ClockStyle

  func draw(on frame: inout Frame) {
    let room = Panel.room(on: frame.size)
    frame.fill(room)
    var row = room.row
    let write = { (frame: inout Frame, line: Line) in
      guard row < room.endRow else { return }
      frame.write(line, at: Point(column: 1, row: row), columns: room.columns - 2)
      row += 1
    }
    let place = VisibleText(bytes: Place(bucket: location.bucket, prefix: location.key).uri)
    write(&frame, Line("▸Presigned URL, \(url.method.rawValue) ", .title) + Line(place))
    write(&frame, .blank)
    for piece in rows(of: url.url, columns: room.columns) where row < room.endRow {
      frame.write(piece, at: Point(column: 0, row: row), style: .input)
      row += 1
    }
    write(&frame, .blank)
    for line in facts.flatMap({ $0.wrapped(to: room.columns - 2) }) { write(&frame, line) }
  }

  /// The URL cut by the width of the terminal and nothing else.
  private func rows(of text: String, columns: Int) -> [VisibleText] {
    var rows: [VisibleText] = []
    var rest = text[...]
    while !rest.isEmpty {
      rows.append(VisibleText(rest.prefix(max(columns, 1))))
      rest = rest.dropFirst(max(columns, 1))
    }
    return rows
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
