import Testing

@testable import Storage

@Suite("Concurrency plan")
struct ConcurrencyPlanTests {
  /// A server that answers each request after `latency`, and a client that needs `cost` of its one
  /// processor for each.
  private func limit(
    after plan: ConcurrencyPlan, latency: Duration, cost: Duration, answers: Int = 20_000
  ) -> ConcurrencyPlan {
    var plan = plan
    var time = Duration.zero
    for _ in 0..<answers {
      // Whatever is slower decides how far apart answers come, and who waits waits in the line.
      let apart = max(cost, latency / plan.limit)
      time += apart
      plan.answered(after: max(latency, apart * plan.limit), at: time, wasFull: true)
    }
    return plan
  }

  @Test(
    "As many requests are under way as the way to the server holds",
    arguments: [
      // 20 ms away, 0.1 ms of work each: 200 hide the way.
      (20_000, 100, 150...256), (5_000, 100, 40...128), (200, 100, 32...64),
      (100_000, 100, 256...256),
    ] as [(Int, Int, ClosedRange<Int>)])
  func small(latency: Int, cost: Int, expected: ClosedRange<Int>) {
    let plan = limit(
      after: ConcurrencyPlan(.small, cores: 2), latency: .microseconds(latency),
      cost: .microseconds(cost))
    #expect(expected.contains(plan.limit), "\(plan.limit)")
  }

  @Test("Parts stay few where they only share the line, and become more where each is slow")
  func parts() {
    let line = limit(
      after: ConcurrencyPlan(.part, cores: 2), latency: .milliseconds(5), cost: .milliseconds(4))
    #expect((4...8).contains(line.limit), "\(line.limit)")
    let slow = limit(
      after: ConcurrencyPlan(.part, cores: 2), latency: .milliseconds(400), cost: .milliseconds(4))
    #expect(slow.limit == 8)
  }

  @Test("It never leaves its range, whatever comes")
  func range() {
    var plan = ConcurrencyPlan(.small, cores: 64)
    #expect(plan.limit <= 256)
    for step in 0..<10_000 {
      let latency = Duration.microseconds([1, 1_000_000, 50, 0][step % 4])
      plan.answered(after: latency, at: .microseconds(step / 3), wasFull: step % 7 != 0)
      #expect(plan.range.contains(plan.limit))
    }
  }

  @Test("Answers tell nothing while fewer requests run than may")
  func notFull() {
    var plan = ConcurrencyPlan(.small, cores: 2)
    let before = plan.limit
    for step in 0..<10_000 {
      plan.answered(after: .milliseconds(20), at: .milliseconds(20 * step), wasFull: false)
    }
    #expect(plan.limit == before)
  }

  @Test("What a person asked for stays", arguments: [1, 3, 400])
  func fixed(count: Int) {
    let plan = limit(
      after: ConcurrencyPlan(fixed: count), latency: .milliseconds(20), cost: .microseconds(100))
    #expect(plan.limit == count)
  }
}
