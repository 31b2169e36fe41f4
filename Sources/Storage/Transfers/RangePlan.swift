import S3

/// The ranges in which an object is downloaded: of one size but for the last, or cut so that none
/// crosses the boundary of a part.
///
/// Ranges have no limit to their number, and none is stored here; parts are 10,000 at most.
struct RangePlan: Sendable, Hashable, RandomAccessCollection {
  /// What is cut into ranges by itself: the whole object, or one of its parts.
  private struct Unit: Sendable, Hashable {
    var bytes: Range<Int64>
    /// Of each of its ranges but the last.
    var rangeSize: Int64
    /// The index of its first range.
    var first: Int

    var count: Int { Int((Int64(bytes.count) + rangeSize - 1) / rangeSize) }
  }

  let objectSize: ByteCount
  private let units: [Unit]

  /// - Parameters:
  ///   - objectSize: 0 bytes or more; an empty object has no ranges.
  ///   - rangeSize: 1 byte or more.
  init(objectSize: ByteCount, rangeSize: ByteCount) {
    precondition(rangeSize.bytes >= 1, "a range has at least one byte")
    self.objectSize = objectSize
    units = [Unit(bytes: 0..<objectSize.bytes, rangeSize: rangeSize.bytes, first: 0)]
  }

  /// - Parameters:
  ///   - partSizes: 1 byte or more each, one part or more.
  ///   - rangeSize: what a range of a larger part should have; 1 byte or more. One of up to half as
  ///     much again spares a small one beside it.
  init(partSizes: [Int64], rangeSize: ByteCount) {
    precondition(rangeSize.bytes >= 1, "a range has at least one byte")
    var units: [Unit] = []
    units.reserveCapacity(partSizes.count)
    var start: Int64 = 0
    var first = 0
    for size in partSizes {
      let pieces = Swift.max((size + rangeSize.bytes / 2) / rangeSize.bytes, 1)
      let unit = Unit(
        bytes: start..<(start + size), rangeSize: (size + pieces - 1) / pieces, first: first)
      units.append(unit)
      start += size
      first += unit.count
    }
    objectSize = ByteCount(start)
    self.units = units
  }

  var startIndex: Int { 0 }
  var endIndex: Int { units.last.map { $0.first + $0.count } ?? 0 }

  subscript(index: Int) -> Range<Int64> {
    precondition(indices.contains(index), "no such range")
    let unit = units[unit(of: index)]
    let start = unit.bytes.lowerBound + Int64(index - unit.first) * unit.rangeSize
    return start..<Swift.min(start + unit.rangeSize, unit.bytes.upperBound)
  }

  /// 1 for an object that is not cut by its parts.
  var unitCount: Int { units.count }

  /// The unit that a range belongs to.
  func unit(of index: Int) -> Int {
    var low = 0
    var high = units.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if units[middle].first <= index { low = middle } else { high = middle }
    }
    return low
  }

  /// The indices of a unit's ranges.
  func ranges(ofUnit unit: Int) -> Range<Int> {
    units[unit].first..<(units[unit].first + units[unit].count)
  }
}
