import S3
import TextUI

extension ObjectPane {
  /// The positions between where a range began and the selection, both included.
  private var range: ClosedRange<Int>? {
    guard let rangeStart else { return nil }
    return min(rangeStart, viewport.selection)...max(rangeStart, viewport.selection)
  }

  /// Whether the row at a position is marked, or lies in the range being marked.
  func isMarked(at position: Int) -> Bool {
    guard let row = row(at: position) else { return false }
    return marks.contains(row) || range?.contains(position) == true
  }

  /// How many are marked and their bytes, the range included.
  var marked: (count: Int, bytes: Int64) {
    guard let range else { return (marks.count, markedBytes) }
    var (count, bytes) = (marks.count, markedBytes)
    for position in range {
      guard let row = row(at: position), !marks.contains(row) else { continue }
      count += 1
      bytes = bytes.addingReportingOverflow(rows.size(row)?.bytes ?? 0).partialValue
    }
    return (count, bytes)
  }

  mutating func setMark(_ row: Int, _ isMarked: Bool) {
    guard marks.contains(row) != isMarked else { return }
    let size = rows.size(row)?.bytes ?? 0
    if isMarked {
      marks.insert(row)
      markedBytes = markedBytes.addingReportingOverflow(size).partialValue
    } else {
      marks.remove(row)
      markedBytes = markedBytes.subtractingReportingOverflow(size).partialValue
    }
  }

  /// Marks the selected row, or takes its mark away, and goes down. `..` cannot be marked.
  mutating func toggleMark(_ turn: inout Turn) {
    endRange()
    if let row = selectedRow { setMark(row, !marks.contains(row)) }
    _ = move(.moveDown, &turn)
  }

  /// Begins a range at the selection, or ends it and keeps its marks.
  mutating func toggleRange() {
    if rangeStart == nil { rangeStart = viewport.selection } else { endRange() }
  }

  mutating func endRange() {
    if let range {
      for position in range {
        if let row = row(at: position) { setMark(row, true) }
      }
    }
    rangeStart = nil
  }

  /// Inverts the marks of the rows that the filter shows.
  mutating func invertMarks() {
    endRange()
    for index in 0..<matchingCount {
      let row = order.map { Int($0[index]) } ?? index
      setMark(row, !marks.contains(row))
    }
  }

  mutating func clearMarks() {
    rangeStart = nil
    marks = RowSet()
    markedBytes = 0
  }

  /// The rows that a command is about: those marked, else the selected one.
  var chosenRows: [Int] {
    var pane = self
    pane.endRange()
    if !pane.marks.isEmpty { return pane.marks.rows }
    return selectedRow.map { [$0] } ?? []
  }
}
