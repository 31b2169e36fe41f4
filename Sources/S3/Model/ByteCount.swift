/// A number of bytes, 0 or more.
public struct ByteCount: Sendable, Hashable, Comparable {
  public var bytes: Int64

  public init(_ bytes: Int64) {
    self.bytes = bytes
  }

  public static let zero = ByteCount(0)
  public static func kibibytes(_ count: Int64) -> ByteCount { ByteCount(count << 10) }
  public static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(count << 20) }
  public static func gibibytes(_ count: Int64) -> ByteCount { ByteCount(count << 30) }

  public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
  /// Stops at the largest number: sizes come from servers, and no sum of theirs may trap.
  public static func + (left: ByteCount, right: ByteCount) -> ByteCount {
    let (sum, overflow) = left.bytes.addingReportingOverflow(right.bytes)
    return ByteCount(overflow ? (right.bytes > 0 ? .max : .min) : sum)
  }

  public static func += (left: inout ByteCount, right: ByteCount) { left = left + right }
}
