import S3

/// By what rows are sorted.
public enum SortKey: Sendable, Hashable, CaseIterable {
  case name, size, date, storageClass
}

/// Which rows of a listing are shown, and in which order.
public struct RowOrdering: Sendable, Hashable {
  public var key: SortKey = .name
  public var isDescending = false
  /// Shows only names that contain this, without regard to case; all when empty.
  public var filter = ""

  public init(key: SortKey = .name, isDescending: Bool = false, filter: String = "") {
    self.key = key
    self.isDescending = isDescending
    self.filter = filter
  }

  /// Whether the rows of `rows` stand in this order already, as S3 lists them.
  func isOrder(of rows: ListingRows) -> Bool {
    key == .name && !isDescending && filter.isEmpty && rows.isOrdered
  }

  /// Whether the rows shown are those of `rows`, in their order, less some.
  func isOnlyFilter(of rows: ListingRows) -> Bool {
    key == .name && !isDescending && rows.isOrdered
  }

  /// Whether the order is only right once the whole listing has been loaded. A filter alone is
  /// right for the rows there are: more are asked for as one moves.
  var needsWholeListing: Bool { key != .name || isDescending }
}

extension ListingRows {
  /// The numbers of the rows to be shown, in their order. Takes time: not for a reducer.
  ///
  /// Prefixes have no size, date or class: they stay in front, in the order of their names.
  ///
  /// - Parameters:
  ///   - start: rows before this number are left out.
  ///   - isCancelled: asked between steps; the result no longer matters when true.
  public func ordered(
    by ordering: RowOrdering, from start: Int = 0, isCancelled: () -> Bool = { false }
  ) -> [UInt32] {
    let matching = matchingRows(ordering.filter, from: start, isCancelled: isCancelled)
    guard !isCancelled() else { return [] }
    switch ordering.key {
    case .name:
      let byName = isOrdered ? matching : sortedByName(matching)
      return ordering.isDescending ? byName.reversed() : byName
    case .size:
      return sorted(matching, isDescending: ordering.isDescending) { $0.rawSize(at: $1) }
    case .date:
      return sorted(matching, isDescending: ordering.isDescending) { $0.rawTime(at: $1) }
    case .storageClass:
      let ranks = classRanks()
      return sorted(matching, isDescending: ordering.isDescending) {
        ranks[$0.storageClass(at: $1)?.text ?? ""] ?? 0
      }
    }
  }

  private func matchingRows(
    _ text: String, from start: Int, isCancelled: () -> Bool
  ) -> [UInt32] {
    guard !text.isEmpty else { return (min(start, count)..<count).map { UInt32(clamping: $0) } }
    let filter = NameFilter(text)
    var matching: [UInt32] = []
    forEachChunk { chunk, first in
      guard first + chunk.count > start, !isCancelled() else { return }
      chunk.forEachMatch(filter) { index in
        if first + index >= start { matching.append(UInt32(clamping: first + index)) }
      }
    }
    return matching
  }

  private func sortedByName(_ rows: [UInt32]) -> [UInt32] {
    rows.sorted { left, right in
      let (a, b) = (key(Int(left)), key(Int(right)))
      return a == b ? left < right : a < b
    }
  }

  /// Sorted by a number of each row; equal rows keep the order of their names.
  private func sorted(
    _ rows: [UInt32], isDescending: Bool, by value: (PageChunk, Int) -> Int64
  ) -> [UInt32] {
    var prefixes: [UInt32] = []
    var objects: [(value: Int64, row: UInt32)] = []
    objects.reserveCapacity(rows.count)
    var remaining = rows[...]
    forEachChunk { chunk, start in
      while let row = remaining.first, Int(row) < start + chunk.count {
        let index = Int(row) - start
        if chunk.isPrefix(at: index) {
          prefixes.append(row)
        } else {
          objects.append((value(chunk, index), row))
        }
        remaining.removeFirst()
      }
    }
    objects.sort { left, right in
      if left.value == right.value { return left.row < right.row }
      return isDescending ? left.value > right.value : left.value < right.value
    }
    return prefixes + objects.map(\.row)
  }

  /// The place of each storage class among those of this listing, by name.
  private func classRanks() -> [String: Int64] {
    var names: Set<String> = []
    forEachChunk { chunk, _ in
      for index in 0..<chunk.count { names.insert(chunk.storageClass(at: index)?.text ?? "") }
    }
    var ranks: [String: Int64] = [:]
    for (rank, name) in names.sorted().enumerated() { ranks[name] = Int64(rank) }
    return ranks
  }
}
