import TextUI

/// Where things stand on a screen of some size.
struct Layout: Sendable, Hashable {
  /// Below this nothing useful fits.
  static let smallest = Size(columns: 40, rows: 10)

  let size: Size
  let buckets: Rect?
  let objects: Rect?
  let transfers: Rect?

  /// - Parameter transfers: how many transfers there are; the box is there only while there are any.
  init(_ size: Size, focus: Focus, transfers count: Int, longestBucket: Int) {
    self.size = size
    guard size.columns >= Self.smallest.columns, size.rows >= Self.smallest.rows else {
      (buckets, objects, transfers) = (nil, nil, nil)
      return
    }
    // The first row is the header, the last one has messages and hints.
    let body = Rect(column: 0, row: 1, columns: size.columns, rows: size.rows - 2)
    let hasOnePane = size.columns < 60
    if hasOnePane, focus == .buckets {
      (buckets, objects, transfers) = (body, nil, nil)
      return
    }
    var main = body
    if hasOnePane {
      buckets = nil
    } else {
      let widest = size.columns >= 100 ? size.columns / 4 : 20
      let width = min(max(longestBucket + 5, 20), widest)
      buckets = Rect(column: 0, row: 1, columns: width, rows: body.rows)
      main = Rect(column: width, row: 1, columns: size.columns - width, rows: body.rows)
    }
    let share = focus == .transfers ? main.rows / 2 : main.rows / 3
    let wanted = count == 0 ? 0 : min(count, max(share - 2, 1)) + 2
    // The smallest screen has room for one transfer: keys that go to the box must be seen to.
    let rows = min(wanted, main.rows - 5)
    objects = Rect(
      column: main.column, row: main.row, columns: main.columns, rows: main.rows - rows)
    transfers =
      rows == 0
      ? nil
      : Rect(column: main.column, row: main.endRow - rows, columns: main.columns, rows: rows)
  }
}

/// The pane that keys go to.
enum Focus: Sendable, Hashable {
  case buckets, objects, transfers

  var place: KeyPlace {
    switch self {
    case .buckets: .buckets
    case .objects: .objects
    case .transfers: .transfers
    }
  }
}
