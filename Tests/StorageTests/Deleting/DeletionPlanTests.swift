import S3
import Testing

@testable import Storage

@Suite("Deletion plan")
struct DeletionPlanTests {
  private let confirmedAt = Timestamp(seconds: 1_000, nanoseconds: 500_000_000)

  private func candidates(_ count: Int) -> [DeletionCandidate] {
    (0..<count).map { DeletionCandidate(key: ObjectKey("k\($0)"), size: ByteCount(1)) }
  }

  @Test(
    "Batches hold up to 1,000 keys, and a single key goes alone",
    arguments: [
      (0, [], 0), (1, [], 1), (2, [2], 0), (1_000, [1_000], 0), (1_001, [1_000], 1),
      (2_500, [1_000, 1_000, 500], 0),
    ] as [(Int, [Int], Int)])
  func batches(count: Int, batches: [Int], singles: Int) {
    let plan = DeletionPlan(candidates(count), confirmedAt: nil)
    #expect(plan.batches.map(\.count) == batches)
    #expect(plan.singles.count == singles)
  }

  @Test("Keys that XML cannot carry go one by one")
  func hostileKeys() {
    let odd = [ObjectKey("a\u{1}b"), ObjectKey(bytes: [0xFF]), ObjectKey("\u{1b}[31m")]
    let plan = DeletionPlan(
      candidates(3) + odd.map { DeletionCandidate(key: $0) }, confirmedAt: nil)
    #expect(plan.batches.map(\.count) == [3])
    #expect(plan.singles.map(\.key) == odd)
  }

  @Test(
    "An object is newer than the confirmation only from the next second on",
    arguments: [
      (nil, false), (Timestamp(seconds: 999), false), (Timestamp(seconds: 1_000), false),
      (Timestamp(seconds: 1_001), true),
      (Timestamp(seconds: 1_000, nanoseconds: 400_000_000), false),
      (Timestamp(seconds: 1_000, nanoseconds: 600_000_000), true),
    ] as [(Timestamp?, Bool)])
  func newer(lastModified: Timestamp?, isNewer: Bool) {
    let candidate = DeletionCandidate(key: ObjectKey("k"), lastModified: lastModified)
    let plan = DeletionPlan([candidate], confirmedAt: confirmedAt)
    #expect(plan.newer == (isNewer ? [candidate] : []))
    #expect(plan.singles == (isNewer ? [] : [candidate]))
  }

  @Test("What is not there is not sent")
  func missing() {
    let gone = DeletionCandidate(key: ObjectKey("gone"), isMissing: true)
    let plan = DeletionPlan([gone] + candidates(2), confirmedAt: confirmedAt)
    #expect(plan.missing == [gone])
    #expect(plan.batches.map(\.count) == [2])
  }
}
