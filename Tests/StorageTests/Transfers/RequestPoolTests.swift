import Testing

@testable import Storage

@Suite("Request pool")
struct RequestPoolTests {
  @Test("Who waits gets a turn when one is given back, in the order of coming")
  func turns() async {
    let pool = RequestPool(limit: 1)
    #expect(await pool.enter())
    let order = Order()
    let tasks = await queue(["a", "b", "c"], at: pool, noting: order)
    await pool.leave()
    for task in tasks { await task.value }
    #expect(await order.names == ["a", "b", "c"])
    #expect(await pool.enter())
  }

  @Test("Who is cancelled while waiting gets no turn, and takes none away")
  func cancelled() async {
    let pool = RequestPool(limit: 1)
    #expect(await pool.enter())
    let order = Order()
    let tasks = await queue(["a", "b"], at: pool, noting: order)
    tasks[0].cancel()
    await tasks[0].value
    await pool.leave()
    await tasks[1].value
    #expect(await order.names == ["b"])
    #expect(await pool.enter())
  }

  /// Returns once all of them wait.
  private func queue(
    _ names: [String], at pool: RequestPool, noting order: Order
  ) async -> [Task<Void, Never>] {
    var tasks: [Task<Void, Never>] = []
    for name in names {
      tasks.append(
        Task {
          guard await pool.enter() else { return }
          await order.add(name)
          await pool.leave()
        })
      while await pool.waitingCount < tasks.count { await Task.yield() }
    }
    return tasks
  }

  private actor Order {
    private(set) var names: [String] = []
    func add(_ name: String) { names.append(name) }
  }
}
