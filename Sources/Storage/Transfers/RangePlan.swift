import S3

/// The ranges in which an object is downloaded: of one size, but for the last.
///
/// Unlike parts they have no limit to their number, and none is stored.
struct RangePlan: Sendable, Hashable, RandomAccessCollection {
  let objectSize: ByteCount
  let rangeSize: ByteCount

  /// - Parameters:
  ///   - objectSize: 0 bytes or more; an empty object has no ranges.
  ///   - rangeSize: 1 byte or more.
  init(objectSize: ByteCount, rangeSize: ByteCount) {
    precondition(rangeSize.bytes >= 1, "a range has at least one byte")
    self.objectSize = objectSize
    self.rangeSize = rangeSize
  }

  var startIndex: Int { 0 }
  var endIndex: Int { Int((objectSize.bytes + rangeSize.bytes - 1) / rangeSize.bytes) }

  subscript(index: Int) -> Range<Int64> {
    precondition(indices.contains(index), "no such range")
    let start = Int64(index) * rangeSize.bytes
    return start..<Swift.min(start + rangeSize.bytes, objectSize.bytes)
  }
}
