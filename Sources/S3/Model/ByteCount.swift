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

extension Int64 {
  /// In bytes: thousands of times what S3 stores in an object, and so far from the largest number
  /// that nothing traps where some such sizes are added or rounded up.
  private static let largestSize = Int64(1) << 60

  /// A size of an object or of a part as a server tells it; nil for what can be none.
  init?(sizeTold text: some StringProtocol) {
    guard let size = Int64(text), (0...Self.largestSize).contains(size) else { return nil }
    self = size
  }
}
