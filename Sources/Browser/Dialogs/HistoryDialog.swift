import History
import S3
import Storage
import TextUI

/// Who uploaded and deleted what, newest first, filtered as one types.
struct HistoryDialog: Overlay {
  private static let pageSize = 100

  let place = KeyPlace.history
  private var form = Form([Form.text("User"), Form.text("Bucket"), Form.text("Action")])
  private var entries: [HistoryEntry] = []
  /// What is shown was asked for with other filters, and stays until the answer is there.
  private var isOutdated = false
  /// Nothing has been read yet.
  private var isFirst = true
  private var request: RequestID?
  /// Whether older changes may follow those that are loaded.
  private var hasMore = true
  private var problem: StorageError?
  private var viewport = ListViewport()

  mutating func opened(_ turn: inout Turn) { readAnew(&turn) }

  mutating func resized(_ size: Size) {
    viewport.setHeight(Self.listRect(size).rows)
  }

  private var query: HistoryQuery {
    HistoryQuery(
      user: form.text(0).isEmpty ? nil : form.text(0),
      bucket: form.text(1).isEmpty ? nil : BucketName(form.text(1)), action: action,
      matching: .containing)
  }

  /// The first action that begins with what was typed; nil for none and for no text.
  private var action: ChangeAction? {
    let typed = form.text(2).lowercased()
    guard !typed.isEmpty else { return nil }
    return ChangeAction.allCases.first { $0.rawValue.lowercased().hasPrefix(typed) }
  }

  private var isUnknownAction: Bool { !form.text(2).isEmpty && action == nil }

  private mutating func readAnew(_ turn: inout Turn) {
    turn.cancel(request)
    request = nil
    problem = nil
    guard !isUnknownAction else { return show([], hasMore: false) }
    isOutdated = true
    let query = query
    request = turn.request { .readHistory(query, before: nil, limit: Self.pageSize, $0) }
  }

  /// From the newest on.
  private mutating func show(_ page: [HistoryEntry], hasMore: Bool) {
    isOutdated = false
    isFirst = false
    entries = page
    self.hasMore = hasMore
    // Back to the top.
    viewport.setCount(0)
    viewport.setCount(entries.count)
  }

  private mutating func readMore(_ turn: inout Turn) {
    guard request == nil, hasMore, problem == nil,
      entries.count - viewport.selection < 2 * max(viewport.height, 1)
    else { return }
    let (query, last) = (query, entries.last?.id)
    request = turn.request { .readHistory(query, before: last, limit: Self.pageSize, $0) }
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    guard form.typed(press) else { return false }
    readAnew(&turn)
    return true
  }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool {
    guard form.pasted(text) else { return false }
    readAnew(&turn)
    return true
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    if viewport.perform(command) { return readMore(&turn) }
    if form.perform(command) { return }
    switch command {
    case .open:
      guard let index = viewport.selected, entries.indices.contains(index) else { return }
      let view = HistoryEntryView(entry: entries[index], clock: turn.facts.clock)
      turn.open(TextDialog(title: "Change \(entries[index].id)", lines: view.lines))
    case .close:
      turn.cancel(request)
      turn.close()
    default: break
    }
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard id == request else { return }
    request = nil
    switch answer {
    case .history(let page):
      let hasMore = page.count >= Self.pageSize
      if isOutdated {
        show(page, hasMore: hasMore)
      } else {
        entries += page
        self.hasMore = hasMore
        viewport.setCount(entries.count)
      }
      readMore(&turn)
    case .failed(let error):
      if isOutdated { show([], hasMore: false) }
      problem = error
      turn.fail(error)
    default: break
    }
  }

  // MARK: - View

  /// Below the border, the three fields and a blank line.
  private static func listRect(_ size: Size) -> Rect {
    let inner = Panel.room(on: size).inset(by: 1)
    return Rect(
      column: inner.column, row: inner.row + 3, columns: inner.columns, rows: inner.rows - 3)
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let rect = Panel.room(on: frame.size)
    frame.fill(rect)
    let inner = rect.inset(by: 1)
    form.draw(at: inner.origin, columns: inner.columns, on: &frame)
    drawActionNote(at: Point(column: inner.column, row: inner.row + 2), inner.columns, on: &frame)
    let list = Self.listRect(frame.size)
    let columns = HistoryEntryView.columns(list.columns - 2)
    var viewport = viewport
    viewport.setHeight(list.rows)
    for (offset, index) in viewport.visible.enumerated() where entries.indices.contains(index) {
      let isSelected = index == viewport.selection
      let point = Point(column: list.column, row: list.row + offset)
      if isSelected { frame.write("▸", at: point, style: .emphasis) }
      frame.write(
        HistoryEntryView(entry: entries[index], clock: facts.clock).texts(isSelected: isSelected),
        in: columns, at: Point(column: point.column + 1, row: point.row))
    }
    if entries.isEmpty { frame.writeCentered([Line(emptyText, .secondary)], in: list) }
    let mark = hasMore ? "+" : ""
    let noun = entries.count == 1 && !hasMore ? "change" : "changes"
    let counted = "\(ByteFormat.exact(Int64(entries.count)))\(mark) \(noun), newest first"
    frame.box(
      rect, title: "History", footer: VisibleText(counted + (request == nil ? "" : ", loading…")),
      focused: true)
  }

  /// Which action the letters typed stand for.
  private func drawActionNote(at point: Point, _ columns: Int, on frame: inout Frame) {
    guard !form.text(2).isEmpty else { return }
    let text = action.map { "= \($0.rawValue)" } ?? "no action begins so"
    let width = VisibleText(text).width
    frame.write(
      Line(VisibleText(text), .secondary),
      at: Point(column: point.column + max(columns - width - 1, 0), row: point.row),
      columns: width)
  }

  private var emptyText: String {
    if let problem { return problem.message }
    if isFirst { return "Loading…" }
    if isUnknownAction {
      return "Actions: \(ChangeAction.allCases.map(\.rawValue).joined(separator: ", "))"
    }
    return query == HistoryQuery(matching: .containing)
      ? "Nothing was changed yet" : "No change matches"
  }
}
