import S3
import Storage
import TextUI

/// Draws the rows of a prefix, with the columns that fit.
struct ObjectPaneView {
  let pane: ObjectPane?
  let isFocused: Bool
  let isRefreshing: Bool
  /// Of the page that is asked for.
  let retry: RetryStatus?
  let clock: ClockStyle
  let keys: KeyTable

  func draw(in rect: Rect, on frame: inout Frame) {
    guard let pane else {
      frame.box(rect, title: "Objects", focused: isFocused)
      let key = keys.keyName(for: .open)
      frame.writeCentered([Line("\(key) opens a bucket", .secondary)], in: rect.inset(by: 1))
      return
    }
    let inner = rect.inset(by: 1)
    let columns = Self.columns(inner.columns - 3, screen: frame.size.columns)
    // Where there are no rows yet, the text in the middle says more.
    let isFirst = pane.isLoading && pane.rows.count == 0
    let footer = ObjectPaneFooter(pane: pane, isRefreshing: isRefreshing, isFirst ? nil : retry)
    frame.box(
      rect, title: VisibleText(label(.name, "Name", pane)),
      footer: footer.text(columns: inner.columns - 2), focused: isFocused)
    drawLabels(pane, columns, Point(column: inner.column + 2, row: rect.row), on: &frame)

    var viewport = pane.viewport
    viewport.setHeight(inner.rows)
    for (offset, position) in viewport.visible.enumerated() {
      let isSelected = position == viewport.selection
      let point = Point(column: inner.column, row: inner.row + offset)
      if isSelected { frame.write("▸", at: point, style: .emphasis) }
      if pane.isMarked(at: position) {
        frame.write("*", at: Point(column: point.column + 1, row: point.row), style: .marked)
      }
      frame.write(
        texts(pane, position, isSelected), in: columns,
        at: Point(column: point.column + 2, row: point.row))
    }
    if let text = EmptyListing(pane).text {
      let top = min(inner.rows, pane.shownCount)
      let below = Rect(
        column: inner.column, row: inner.row + top, columns: inner.columns,
        rows: inner.rows - top)
      let held = isFirst ? retry.map { [Line($0.words, .warning)] } ?? [] : []
      frame.writeCentered([Line(text, .secondary)] + held, in: below)
    }
  }

  /// Name, size, date, class. Class needs 100 columns of screen, and goes first; then the date,
  /// then the size, never the name.
  private static func columns(_ width: Int, screen: Int) -> Columns {
    var columns = [
      Columns.Column(.flexible(minimum: 20), importance: 4),
      Columns.Column(.fixed(9), alignment: .right, importance: 3),
      Columns.Column(.fixed(16), importance: 2),
    ]
    if screen >= 100 { columns.append(Columns.Column(.fixed(12), importance: 1)) }
    return Columns(columns, gap: 2, total: width)
  }

  private func label(_ key: SortKey, _ word: String, _ pane: ObjectPane) -> String {
    guard pane.ordering.key == key else { return word }
    return word + (pane.ordering.isDescending ? " ▼" : " ▲")
  }

  /// The columns' names stand in the upper border, above their columns.
  private func drawLabels(
    _ pane: ObjectPane, _ columns: Columns, _ start: Point, on frame: inout Frame
  ) {
    let labels: [(SortKey, String)] = [
      (.name, "Name"), (.size, "Size"), (.date, "Modified"), (.storageClass, "Class"),
    ]
    for place in columns.places where place.index > 0 && labels.indices.contains(place.index) {
      let (key, word) = labels[place.index]
      let text = VisibleText(" \(label(key, word, pane)) ")
      let column =
        place.alignment == .right
        ? start.column + place.offset + place.columns + 1 - text.width
        : start.column + place.offset - 1
      frame.write(text, at: Point(column: column, row: start.row), style: .title)
    }
  }

  private func texts(
    _ pane: ObjectPane, _ position: Int, _ isSelected: Bool
  ) -> [(VisibleText, StyleRole)] {
    guard let row = pane.row(at: position) else {
      return [("..", isSelected ? .emphasis : .dim)]
    }
    let isPrefix = pane.rows.isPrefix(row)
    let size = pane.rows.size(row).map { ByteFormat.iec($0.bytes) } ?? "-"
    let date = pane.rows.lastModified(row).map(clock.minutes) ?? ""
    let storageClass = pane.rows.storageClass(row)?.text ?? ""
    let style: StyleRole = isSelected ? .emphasis : isPrefix ? .prefix : .normal
    return [
      (RowName(pane.rows.name(row)).text, style), (VisibleText(size), .secondary),
      (VisibleText(date), .secondary), (VisibleText(storageClass), .secondary),
    ]
  }
}

/// How the name of a row is shown.
struct RowName {
  let text: VisibleText

  /// - Parameter name: the key without the prefix that is listed.
  init(_ name: ArraySlice<UInt8>) {
    if name.isEmpty {
      text = "(this prefix)"
    } else if name.first == UInt8(ascii: "/") {
      // A prefix of an empty segment, or an object below one.
      text = "(empty)" + VisibleText(bytes: name)
    } else {
      text = VisibleText(bytes: name)
    }
  }
}

/// What stands where rows would be, when there are none.
struct EmptyListing {
  let text: String?

  init(_ pane: ObjectPane) {
    guard pane.matchingCount == 0 else {
      text = nil
      return
    }
    let filter = pane.ordering.filter
    if pane.rows.count > 0, !filter.isEmpty {
      text =
        pane.orderRequest != nil
        ? "Filtering…"
        : pane.hasMore ? "Nothing matches /\(filter) so far" : "Nothing matches /\(filter)"
    } else if let problem = pane.problem {
      text =
        problem.kind == .accessDenied
        ? "No permission to list this \(pane.place.isRoot ? "bucket" : "prefix")" : problem.message
    } else if case .stopped = pane.loading {
      text = "Stopped. r lists again"
    } else if pane.loading != .complete {
      text = "Loading…"
    } else {
      text = pane.place.isRoot ? "This bucket is empty" : "Nothing is under this prefix"
    }
  }
}

/// The lower border of the objects: marks, counts, and what goes on with the listing.
struct ObjectPaneFooter {
  private let facts: String
  private let state: String?

  /// - Parameter retry: what holds the listing up.
  init(pane: ObjectPane, isRefreshing: Bool, _ retry: RetryStatus?) {
    let isUnknown = pane.rows.count == 0 && (pane.hasMore || pane.problem != nil)
    // There is no number to tell; the text in the middle says what is going on.
    facts = isUnknown ? "" : Self.facts(pane)
    if pane.isLoading {
      state = retry?.words ?? "loading…"
    } else if pane.orderRequest != nil {
      state = "sorting…"
    } else if isRefreshing {
      state = retry?.words ?? "refreshing…"
    } else if isUnknown {
      state = nil
    } else if case .stopped = pane.loading {
      state = "stopped"
    } else {
      state = pane.problem != nil ? "incomplete" : pane.couldNotRefresh ? "not refreshed" : nil
    }
  }

  /// Where there is too little room, what goes on is what stays whole; nil when there is nothing to
  /// tell.
  func text(columns: Int) -> VisibleText? {
    guard let state, !facts.isEmpty else {
      let only = state ?? facts
      return only.isEmpty ? nil : VisibleText(only)
    }
    let end = VisibleText(", " + state)
    return VisibleText(facts).elidedAtEnd(to: max(columns - end.width, 1)) + end
  }

  private static func facts(_ pane: ObjectPane) -> String {
    var parts: [String] = []
    let marked = pane.marked
    if marked.count > 0 {
      parts.append(
        "\(ByteFormat.exact(Int64(marked.count))) marked, \(ByteFormat.iec(marked.bytes))")
    }
    if pane.rangeStart != nil { parts.append("range") }
    if !pane.ordering.filter.isEmpty {
      parts.append("/\(pane.ordering.filter): \(matching(pane))")
    }
    parts.append(counts(pane))
    return parts.joined(separator: " · ")
  }

  /// A number is final only once the listing is complete.
  private static func mark(_ pane: ObjectPane) -> String {
    pane.hasMore || pane.problem != nil ? "+" : ""
  }

  private static func matching(_ pane: ObjectPane) -> String {
    let isFinal = !pane.hasMore && pane.orderRequest == nil && pane.problem == nil
    return ByteFormat.exact(Int64(pane.matchingCount)) + (isFinal ? "" : "+")
  }

  private static func counts(_ pane: ObjectPane) -> String {
    let prefixes = pane.rows.prefixCount
    let objects = pane.rows.count - prefixes
    var parts: [String] = []
    if prefixes > 0 { parts.append(count(prefixes, "prefix", "prefixes", pane)) }
    if objects > 0 || prefixes == 0 { parts.append(count(objects, "object", "objects", pane)) }
    return parts.joined(separator: ", ")
  }

  private static func count(
    _ number: Int, _ one: String, _ many: String, _ pane: ObjectPane
  ) -> String {
    let mark = mark(pane)
    return ByteFormat.exact(Int64(number)) + mark + " " + (number == 1 && mark.isEmpty ? one : many)
  }
}
