import S3
import Storage
import TextUI

/// Draws the buckets.
struct BucketPaneView {
  let pane: BucketPane
  /// Of its listing.
  let retry: RetryStatus?
  let isFocused: Bool

  func draw(in rect: Rect, on frame: inout Frame) {
    frame.box(rect, title: VisibleText(title), footer: footer(rect.columns - 4), focused: isFocused)
    let inner = rect.inset(by: 1)
    var viewport = pane.viewport
    viewport.setHeight(inner.rows)
    guard !pane.shown.isEmpty else {
      let held = retry.map { [Line($0.words, .warning)] } ?? []
      frame.writeCentered([Line(emptyText, .secondary)] + held, in: inner)
      return
    }
    for (offset, index) in viewport.visible.enumerated() where pane.shown.indices.contains(index) {
      let isSelected = index == viewport.selection
      let row = inner.row + offset
      if isSelected {
        frame.write("▸", at: Point(column: inner.column, row: row), style: .emphasis)
      }
      frame.write(
        VisibleText(pane.shown[index].text).elidedInMiddle(to: inner.columns - 2),
        at: Point(column: inner.column + 2, row: row), style: isSelected ? .emphasis : .normal)
    }
  }

  private var title: String {
    let all = pane.names.count
    guard pane.isLoaded || all > 0 else { return "Buckets" }
    // Names opened by hand are not all there are.
    let total = pane.isLoaded ? "\(all)" : "\(all)+"
    return pane.filter.isEmpty ? "Buckets (\(total))" : "Buckets (\(pane.shown.count) of \(total))"
  }

  private func footer(_ columns: Int) -> VisibleText? {
    if pane.request != nil {
      // There is no room for both; where no bucket is shown, the middle tells it in full.
      guard let retry, !pane.shown.isEmpty else { return "loading…" }
      return VisibleText(retry.words).elidedAtEnd(to: columns)
    }
    return pane.filter.isEmpty ? nil : VisibleText("/" + pane.filter)
  }

  private var emptyText: String {
    if !pane.filter.isEmpty, !pane.names.isEmpty { return "Nothing matches /\(pane.filter)" }
    if pane.request != nil { return "Loading…" }
    if let problem = pane.problem {
      return problem.kind == .accessDenied
        ? "No permission to list buckets. :s3://NAME/ opens one" : problem.message
    }
    return pane.isLoaded ? "No buckets yet" : "Not listed"
  }
}
