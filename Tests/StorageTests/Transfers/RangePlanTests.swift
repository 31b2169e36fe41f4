import S3
import Testing

@testable import Storage

@Suite("Range plan")
struct RangePlanTests {
  @Test(
    "Ranges cover the object once, and an empty object has none",
    arguments: [
      (0, []), (1, [0..<1]), (10, [0..<10]), (11, [0..<10, 10..<11]),
      (20, [0..<10, 10..<20]),
    ] as [(Int64, [Range<Int64>])])
  func ranges(size: Int64, ranges: [Range<Int64>]) {
    let plan = RangePlan(objectSize: ByteCount(size), rangeSize: ByteCount(10))
    #expect(Array(plan) == ranges)
  }
}
