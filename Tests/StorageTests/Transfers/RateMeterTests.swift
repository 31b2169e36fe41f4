import S3
import Storage
import Testing

@Suite("Rate meter")
struct RateMeterTests {
  private func meter(_ samples: [(Int64, Double)]) -> RateMeter {
    var meter = RateMeter(window: .seconds(5))
    for (moved, seconds) in samples { meter.add(moved: ByteCount(moved), at: .seconds(seconds)) }
    return meter
  }

  @Test("Nothing is promised before half a second was seen")
  func unknownAtFirst() {
    #expect(meter([]).rate == 0)
    #expect(meter([(0, 0), (100, 0.4)]).rate == 0)
    #expect(meter([(0, 0), (100, 0.4)]).timeLeft(total: ByteCount(200)) == nil)
  }

  @Test("A steady flow shows its rate and the time left")
  func steady() {
    let meter = meter((0...20).map { (Int64($0) * 100, Double($0) / 10) })
    #expect(abs(meter.rate - 1_000) < 0.001)
    #expect(meter.timeLeft(total: ByteCount(5_000)) == .seconds(3))
    #expect(meter.timeLeft(total: nil) == nil)
  }

  @Test("A stall brings the rate to 0 and takes the time left away")
  func stall() {
    let meter = meter((0...10).map { (Int64($0) * 100, Double($0)) } + [(1_000, 15), (1_000, 20)])
    #expect(meter.rate == 0)
    #expect(meter.timeLeft(total: ByteCount(5_000)) == nil)
  }

  @Test("What nobody looked at was no time of moving")
  func pause() {
    #expect(meter([(0, 0), (1_000, 1), (1_000, 3_600), (2_000, 3_601)]).rate == 1_000)
  }

  @Test("Bytes that are taken back have not moved")
  func takenBack() {
    #expect(meter([(0, 0), (1_000, 1), (200, 2)]).rate == 100)
    #expect(meter([(0, 0), (1_000, 1), (200, 2), (1_200, 3)]).rate == 400)
    #expect(meter([(1_000, 1), (200, 2)]).rate == 0)
  }
}
