import Testing

@testable import Storage

@Suite("Part sizes")
struct PartSizesTests {
  @Test(
    "The size that a tool used is among the candidates",
    arguments: [
      // Object, part size, as the AWS CLI, rclone, s5cmd, s3cmd and even splits make them.
      (41_943_051, 8 << 20), (41_943_051, 5 << 20), (209_715_200, 50 << 20),
      (100_000_000, 15 << 20), (100_000_000, 10_000_000), (100_000_003, 25_000_001),
      (123_456_789, 7 << 20), (6_291_460, 5 << 20), (300 << 20, 33 << 20),
    ] as [(Int64, Int64)])
  func candidates(objectSize: Int64, partSize: Int64) {
    let count = Int((objectSize + partSize - 1) / partSize)
    let found = PartSizes.candidates(objectSize: objectSize, count: count, limit: 32)
    #expect(found.contains(partSize))
    #expect(Set(found).count == found.count)
    for size in found {
      #expect((objectSize + size - 1) / size == Int64(count))
      let parts = PartSizes.even(size, objectSize: objectSize)
      #expect(parts.count == count && parts.reduce(0, +) == objectSize)
    }
  }

  @Test("No more candidates than asked for, and none where there can be none")
  func limits() {
    #expect(PartSizes.candidates(objectSize: 5 << 30, count: 2, limit: 3).count == 3)
    #expect(PartSizes.candidates(objectSize: 3, count: 4, limit: 9).isEmpty)
    #expect(PartSizes.candidates(objectSize: 0, count: 1, limit: 9) == [1])
    #expect(PartSizes.candidates(objectSize: 100, count: 1, limit: 9) == [100])
  }
}
