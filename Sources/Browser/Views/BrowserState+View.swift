import S3
import Storage
public import TextUI

extension BrowserState {
  /// The screen at some size.
  public func view(_ size: Size) -> Frame {
    var frame = Frame(size)
    let layout = layout(for: size)
    guard layout.objects != nil || layout.buckets != nil else {
      frame.writeCentered([Line("terminal too small")], in: frame.bounds)
      return frame
    }
    drawHeader(on: &frame)
    if let rect = layout.buckets {
      BucketPaneView(
        pane: buckets, retry: retries[buckets.request], isFocused: isFocused(.buckets)
      ).draw(in: rect, on: &frame)
    }
    if let rect = layout.objects {
      ObjectPaneView(
        pane: objects, isFocused: isFocused(.objects), isRefreshing: replacement != nil,
        retry: retries[(objects?.isLoading == true ? objects : replacement)?.pageRequest],
        clock: facts.clock, keys: keys
      ).draw(in: rect, on: &frame)
    }
    if let rect = layout.transfers {
      TransfersPaneView(
        pane: transfers, isFocused: isFocused(.transfers), clock: facts.clock
      ).draw(in: rect, on: &frame)
    }
    frame.cursor = nil
    for overlay in overlays {
      frame.cursor = nil
      overlay.draw(on: &frame, facts, retries)
    }
    drawBottom(on: &frame)
    return frame
  }

  private func isFocused(_ pane: Focus) -> Bool { focus == pane && overlays.isEmpty }

  /// Who is working where, and the place that is shown, elided in the middle.
  private func drawHeader(on frame: inout Frame) {
    let columns = frame.size.columns
    frame.fill(Rect(column: 0, row: 0, columns: columns, rows: 1), style: .header)
    var parts: [String] = []
    if let profile = facts.profile { parts.append(profile) }
    parts.append(facts.endpoint.hostAndPort)
    parts.append(facts.region.text)
    if let login = facts.loginName, login != facts.user {
      parts.append("\(facts.user) (\(login))")
    } else {
      parts.append(facts.user)
    }
    if facts.isReadOnly { parts.append("read-only") }
    let who = VisibleText(parts.joined(separator: " · "))
    let start = frame.write(" pail  ", at: Point(column: 0, row: 0), style: .title)
    let whereabouts = objects.map { VisibleText(bytes: $0.place.uri) } ?? .empty
    let room = columns - start - 1
    // The place is what changes: it gets two thirds when both do not fit.
    let placeRoom = min(whereabouts.width, max(room - who.width - 2, room * 2 / 3))
    let whoRoom = max(0, room - placeRoom - (placeRoom > 0 ? 2 : 0))
    frame.write(
      who.elidedAtEnd(to: whoRoom), at: Point(column: start, row: 0), style: .header)
    if let colour = facts.colour, let profile = facts.profile {
      // The name says which profile it is; the colour makes sure that one sees it.
      let name = VisibleText(profile)
      frame.write(
        name.elidedAtEnd(to: min(name.width, whoRoom)), at: Point(column: start, row: 0),
        style: colour.style)
    }
    let shown = whereabouts.elidedInMiddle(to: placeRoom)
    frame.write(shown, at: Point(column: columns - 1 - shown.width, row: 0), style: .header)
  }

  private func drawBottom(on frame: inout Frame) {
    let row = frame.size.rows - 1
    let columns = frame.size.columns
    frame.fill(Rect(column: 0, row: row, columns: columns, rows: 1))
    if let prompt, overlays.isEmpty {
      drawPrompt(prompt, on: &frame)
      return
    }
    var left = Line.blank
    // Where the rest of an error is to be found stays in sight, however long the error is.
    var more = Line.blank
    var hints = keys.hints(in: keyPlace)
    if !pendingKeys.isEmpty {
      left = Line("\(KeySequence(pendingKeys).name) …", .emphasis)
      hints = keys.continuations(of: pendingKeys, in: keyPlace)
    } else if let message {
      left = Self.line(for: message)
      if case .error = message, overlays.isEmpty {
        more =
          Line(VisibleText("  " + keys.keyName(for: .showError)), .keycap) + Line(" details", .hint)
      }
    }
    let room = columns - 2 - more.width
    var used = frame.write(left.elided(to: room), at: Point(column: 1, row: row), columns: room)
    used += frame.write(more, at: Point(column: 1 + used, row: row), columns: columns - 2 - used)
    drawHints(hints, on: &frame, from: used == 0 ? 1 : used + 4)
  }

  /// As many hints as fit; the last one, which is the help, keeps its place.
  private func drawHints(
    _ hints: [(key: String, word: String)], on frame: inout Frame, from column: Int
  ) {
    let line = { (hint: (key: String, word: String)) in
      Line(VisibleText(hint.key), .keycap) + Line(VisibleText(" " + hint.word), .hint)
    }
    var room = frame.size.columns - 1 - column
    var shown: [Line] = []
    var hints = hints
    let help = hints.firstIndex { $0.word == "help" }.map { line(hints.remove(at: $0)) }
    if let help { room -= help.width }
    guard room >= 0 else { return }
    for hint in hints.map(line) {
      guard hint.width + 2 <= room || (help == nil && shown.isEmpty && hint.width <= room) else {
        break
      }
      room -= hint.width + 2
      shown.append(hint)
    }
    if let help { shown.append(help) }
    let width = shown.reduce(0) { $0 + $1.width } + 2 * max(shown.count - 1, 0)
    var position = frame.size.columns - 1 - width
    for hint in shown {
      let point = Point(column: position, row: frame.size.rows - 1)
      position += frame.write(hint, at: point, columns: hint.width) + 2
    }
  }

  private func drawPrompt(_ prompt: Prompt, on frame: inout Frame) {
    let row = frame.size.rows - 1
    frame.write(VisibleText(prompt.sign), at: Point(column: 0, row: row), style: .emphasis)
    let field = prompt.field
    let columns = frame.size.columns - 1
    // A message beside the field, such as the completions there are.
    var note = Line.blank
    if let message { note = Self.line(for: message) }
    let room = note.width > 0 ? max(columns - note.width - 2, columns / 2) : columns
    let (text, cursor) = field.view(columns: room)
    frame.write(text, at: Point(column: 1, row: row), style: .input)
    frame.write(note, at: Point(column: 1 + room, row: row), columns: columns - room)
    frame.cursor = Point(column: 1 + cursor, row: row)
  }

  /// One line for a message. An error says its code and what to try.
  private static func line(for message: Message) -> Line {
    switch message {
    case .note(let text):
      return Line(text)
    case .error(let error):
      var text = "Error: \(error.messageAndCode)"
      if let recovery = error.recovery { text += ". \(recovery)" }
      return Line(text, .error)
    }
  }
}

extension ProfileColour {
  fileprivate var style: StyleRole {
    switch self {
    case .red: .profileRed
    case .yellow: .profileYellow
    case .green: .profileGreen
    case .blue: .profileBlue
    case .magenta: .profileMagenta
    case .cyan: .profileCyan
    }
  }
}
