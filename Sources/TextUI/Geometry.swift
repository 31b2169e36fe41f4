/// Width and height in cells; neither is ever negative.
public struct Size: Hashable, Sendable {
  public let columns: Int
  public let rows: Int

  /// Negative values count as 0.
  public init(columns: Int, rows: Int) {
    self.columns = max(0, columns)
    self.rows = max(0, rows)
  }
}

/// A cell's place, counted from 0 at the top left. May lie outside of a frame: nothing is drawn there.
public struct Point: Hashable, Sendable {
  public var column: Int
  public var row: Int

  public init(column: Int, row: Int) {
    self.column = column
    self.row = row
  }
}

/// A block of cells.
public struct Rect: Hashable, Sendable {
  public var origin: Point
  public var size: Size

  public init(origin: Point, size: Size) {
    self.origin = origin
    self.size = size
  }

  public init(column: Int, row: Int, columns: Int, rows: Int) {
    self.init(
      origin: Point(column: column, row: row), size: Size(columns: columns, rows: rows))
  }

  public var column: Int { origin.column }
  public var row: Int { origin.row }
  public var columns: Int { size.columns }
  public var rows: Int { size.rows }
  /// The first column to the right of the block.
  public var endColumn: Int { column + columns }
  /// The first row below the block.
  public var endRow: Int { row + rows }

  /// What is left inside a border of `margin` cells; empty when nothing is.
  public func inset(by margin: Int) -> Rect {
    Rect(
      column: column + margin, row: row + margin, columns: columns - 2 * margin,
      rows: rows - 2 * margin)
  }

  /// A block of at most `size`, in the middle of this one.
  public func centered(_ size: Size) -> Rect {
    let columns = min(size.columns, self.columns)
    let rows = min(size.rows, self.rows)
    return Rect(
      column: column + (self.columns - columns) / 2, row: row + (self.rows - rows) / 2,
      columns: columns, rows: rows)
  }
}
