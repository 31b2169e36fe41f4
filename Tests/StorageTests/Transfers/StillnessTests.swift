import S3
import Testing

@testable import Storage

@Suite("Stillness")
struct StillnessTests {
  private struct Look {
    var time: Double
    var moved: Int64
    var isUnderWay = true
  }

  private func stalledFor(_ looks: [Look]) -> Duration? {
    var stillness = Stillness()
    for look in looks {
      stillness.look(
        moved: ByteCount(look.moved), isUnderWay: look.isUnderWay, at: .seconds(look.time))
    }
    return stillness.stalledFor
  }

  @Test("After five seconds without a byte it says for how long, in whole seconds")
  func stalled() {
    #expect(stalledFor([Look(time: 1, moved: 0), Look(time: 5.9, moved: 0)]) == nil)
    #expect(stalledFor([Look(time: 1, moved: 0), Look(time: 6, moved: 0)]) == .seconds(5))
    #expect(stalledFor([Look(time: 1, moved: 7), Look(time: 9.8, moved: 7)]) == .seconds(8))
  }

  @Test("One byte is enough to be no stall, and so is one that is taken back")
  func moving() {
    for moved in [6, 8] as [Int64] {
      let looks = [Look(time: 0, moved: 7), Look(time: 5, moved: 7), Look(time: 6, moved: moved)]
      #expect(stalledFor(looks) == nil)
      #expect(stalledFor(looks + [Look(time: 10.9, moved: moved)]) == nil)
    }
  }

  @Test("Where nothing is under way nothing stands still")
  func idle() {
    let idle = [Look(time: 0, moved: 7), Look(time: 60, moved: 7, isUnderWay: false)]
    #expect(stalledFor(idle) == nil)
    #expect(stalledFor(idle + [Look(time: 61, moved: 7)]) == nil)
    #expect(stalledFor(idle + [Look(time: 61, moved: 7), Look(time: 66, moved: 7)]) == .seconds(5))
  }
}
