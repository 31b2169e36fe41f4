/// Which row of a list is selected, and which rows are in view.
///
/// Whatever is asked of it, the selection stays inside of the list and in view, and no row below
/// the last one is shown while rows above are hidden.
public struct ListViewport: Hashable, Sendable {
  /// How many rows there are, 0 or more.
  public private(set) var count: Int
  /// How many rows are in view, 0 or more.
  public private(set) var height: Int
  /// From 0; 0 in an empty list.
  public private(set) var selection: Int
  /// The first row in view.
  public private(set) var offset: Int

  public init(count: Int = 0, height: Int = 0, selection: Int = 0) {
    self.count = max(0, count)
    self.height = max(0, height)
    self.selection = selection
    offset = 0
    settle()
  }

  /// The rows in view, top to bottom.
  public var visible: Range<Int> { offset..<min(count, offset + height) }

  /// Nil in an empty list.
  public var selected: Int? { count > 0 ? selection : nil }

  public mutating func select(_ row: Int) {
    selection = row
    settle()
  }

  public mutating func move(by rows: Int) {
    let (sum, overflow) = selection.addingReportingOverflow(rows)
    selection = overflow ? (rows < 0 ? 0 : count - 1) : sum
    settle()
  }

  public mutating func moveToStart() { select(0) }
  public mutating func moveToEnd() { select(count - 1) }

  /// Scrolls a page, keeping one row of the old one in view as pagers do.
  public mutating func pageDown() { scroll(by: max(1, height - 1)) }
  public mutating func pageUp() { scroll(by: -max(1, height - 1)) }
  public mutating func halfPageDown() { scroll(by: max(1, height / 2)) }
  public mutating func halfPageUp() { scroll(by: -max(1, height / 2)) }

  public mutating func setCount(_ count: Int) {
    self.count = max(0, count)
    settle()
  }

  public mutating func setHeight(_ height: Int) {
    self.height = max(0, height)
    settle()
  }

  /// Moves selection and view together, so that the selected row stays where it is on the screen.
  private mutating func scroll(by rows: Int) {
    offset += rows
    selection += rows
    offset = min(max(0, offset), max(0, count - height))
    settle()
  }

  private mutating func settle() {
    selection = min(max(0, selection), max(0, count - 1))
    offset = min(offset, selection)
    if height > 0 { offset = max(offset, selection - height + 1) }
    offset = min(max(0, offset), max(0, count - max(1, height)))
  }
}
