/// A moment: seconds since 1970-01-01T00:00:00Z, and the nanoseconds within the second.
///
/// Kept without Foundation, whose `Date` loses nanoseconds in a Double.
public struct Timestamp: Sendable, Hashable, Comparable {
  public var seconds: Int64
  /// 0 through 999,999,999.
  public var nanoseconds: Int32

  public init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}
