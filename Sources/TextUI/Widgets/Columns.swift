/// Splits a row into columns, leaving out the least important ones when there is too little room.
public struct Columns: Hashable, Sendable {
  public struct Column: Hashable, Sendable {
    public enum Width: Hashable, Sendable {
      case fixed(Int)
      /// Takes what the others leave, but no less than `minimum`. Several share alike.
      case flexible(minimum: Int)
    }

    public var width: Width
    public var alignment: VisibleText.Alignment
    /// Columns of the lowest importance are left out first; the last one stays always.
    public var importance: Int

    public init(
      _ width: Width, alignment: VisibleText.Alignment = .left, importance: Int = .max
    ) {
      self.width = width
      self.alignment = alignment
      self.importance = importance
    }
  }

  /// Where one column stands.
  public struct Place: Hashable, Sendable {
    /// Its index in the list that was given.
    public let index: Int
    /// From the row's start.
    public let offset: Int
    public let columns: Int
    public let alignment: VisibleText.Alignment
  }

  /// Those that are shown, left to right.
  public let places: [Place]

  /// - Parameters:
  ///   - gap: Blanks between two columns.
  ///   - total: The row's width. When not even the most important column fits, it gets it all.
  public init(_ columns: [Column], gap: Int = 1, total: Int) {
    var kept = Array(columns.indices)
    func needed(_ indices: [Int]) -> Int {
      indices.reduce(gap * max(0, indices.count - 1)) { sum, index in
        switch columns[index].width {
        case .fixed(let width): sum + width
        case .flexible(let minimum): sum + minimum
        }
      }
    }
    while kept.count > 1, needed(kept) > total,
      let least = kept.min(by: { columns[$0].importance < columns[$1].importance })
    {
      kept.removeAll { $0 == least }
    }
    var spare = max(0, total - needed(kept))
    var flexible = kept.reduce(0) { count, index in
      if case .flexible = columns[index].width { count + 1 } else { count }
    }
    var offset = 0
    var places: [Place] = []
    for index in kept {
      var width: Int
      switch columns[index].width {
      case .fixed(let fixed): width = fixed
      case .flexible(let minimum):
        let share = spare / max(1, flexible)
        width = minimum + share
        spare -= share
        flexible -= 1
      }
      width = max(0, min(width, total - offset))
      places.append(
        Place(index: index, offset: offset, columns: width, alignment: columns[index].alignment))
      offset += width + gap
    }
    self.places = places
  }
}

extension Frame {
  /// Writes one row of a table; each text is elided in the middle to its column.
  ///
  /// - Parameter texts: One for each column that was given, and its role.
  public mutating func write(
    _ texts: [(VisibleText, StyleRole)], in columns: Columns, at point: Point
  ) {
    for place in columns.places where texts.indices.contains(place.index) {
      let (text, style) = texts[place.index]
      write(
        text.elidedInMiddle(to: place.columns)
          .padded(to: place.columns, alignment: place.alignment),
        at: Point(column: point.column + place.offset, row: point.row), style: style)
    }
  }
}
