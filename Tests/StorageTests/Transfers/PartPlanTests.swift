import S3
import Storage
import Testing

@Suite("Part plan")
struct PartPlanTests {
  @Test(
    "Parts grow only when 10 000 of them are not enough",
    arguments: [(1, 8, 1), (80_000, 8, 10_000), (80_001, 9, 8_889)] as [(Int64, Int64, Int)])
  func partSize(objectMiB: Int64, partMiB: Int64, count: Int) throws {
    let plan = try PartPlan(objectSize: .mebibytes(objectMiB))
    #expect(plan.partSize == .mebibytes(partMiB))
    #expect(plan.partCount == count)
  }

  @Test("The largest object has 10 000 parts of 5 GiB, and one byte more is refused")
  func limits() throws {
    let largest = ByteCount(10_000 * (5 << 30))
    let plan = try PartPlan(objectSize: largest)
    #expect(plan.partSize == .gibibytes(5))
    #expect(plan.partCount == 10_000)
    let tooLarge = largest + ByteCount(1)
    #expect(throws: PartPlan.PlanError.objectTooLarge(tooLarge)) {
      try PartPlan(objectSize: tooLarge)
    }
  }

  @Test(
    "The ranges of the parts follow each other and end with the object",
    arguments: [1, 8 << 20, (8 << 20) + 1, (16 << 20) - 1, 83_886_080_001] as [Int64])
  func ranges(size: Int64) throws {
    let plan = try PartPlan(objectSize: ByteCount(size))
    var end: Int64 = 0
    for number in plan.partNumbers {
      let range = plan.range(of: PartNumber(number))
      #expect(range.lowerBound == end)
      #expect(!range.isEmpty)
      #expect(Int64(range.count) <= plan.partSize.bytes)
      end = range.upperBound
    }
    #expect(end == size)
  }
}
