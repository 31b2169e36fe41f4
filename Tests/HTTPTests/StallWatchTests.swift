import Testing

@testable import HTTP

@Suite("Stall watch")
struct StallWatchTests {
  private let start = ContinuousClock.now

  /// #expect takes no mutating call.
  private func check(
    _ watch: inout StallWatch, mark: Int64, isServerAtWork: Bool = false,
    at now: ContinuousClock.Instant
  ) -> Bool {
    watch.isStalled(mark: mark, isServerAtWork: isServerAtWork, at: now)
  }

  @Test("A byte now and then is not a stall")
  func slowButSteady() {
    var watch = StallWatch(timeout: .seconds(20), at: start)
    for second in stride(from: 19, through: 190, by: 19) {
      #expect(!check(&watch, mark: Int64(second), at: start + .seconds(second)))
    }
  }

  @Test("No byte for the whole timeout is one")
  func stalled() {
    var watch = StallWatch(timeout: .seconds(20), at: start)
    #expect(!check(&watch, mark: 5, at: start + .seconds(10)))
    #expect(!check(&watch, mark: 5, at: start + .seconds(29)))
    #expect(check(&watch, mark: 5, at: start + .seconds(30)))
  }

  @Test("A server that has the whole body gets three times as long for its answer")
  func serverAtWork() {
    var watch = StallWatch(timeout: .seconds(20), at: start)
    #expect(!check(&watch, mark: 9, at: start + .seconds(10)))
    #expect(!check(&watch, mark: 9, isServerAtWork: true, at: start + .seconds(69)))
    #expect(check(&watch, mark: 9, isServerAtWork: true, at: start + .seconds(70)))
  }

  @Test("A body that starts again counts as moving")
  func rewound() {
    var watch = StallWatch(timeout: .seconds(20), at: start)
    #expect(!check(&watch, mark: 500, at: start + .seconds(19)))
    #expect(!check(&watch, mark: 0, at: start + .seconds(38)))
    #expect(!check(&watch, mark: 0, at: start + .seconds(57)))
    #expect(check(&watch, mark: 0, at: start + .seconds(58)))
  }
}
