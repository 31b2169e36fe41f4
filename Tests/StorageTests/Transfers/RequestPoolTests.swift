import HTTP
import S3
import Synchronization
import Testing

@testable import Storage

@Suite("Request pool")
struct RequestPoolTests {
  private let one = TransferID(1)

  private func pool(parts: Int = 1, small: Int = 1) -> RequestPool {
    RequestPool(parts: ConcurrencyPlan(fixed: parts), small: ConcurrencyPlan(fixed: small))
  }

  @Test("Who waits gets a turn when one is given back, in the order of coming")
  func turns() async throws {
    let pool = pool()
    let turn = try #require(await pool.enter(.part, for: one))
    let order = Order()
    let tasks = await queue([("a", 1), ("b", 1), ("c", 1)], at: pool, noting: order)
    pool.leave(turn)
    for task in tasks { await task.value }
    #expect(await order.names == ["a", "b", "c"])
    #expect(await pool.enter(.part, for: one) != nil)
  }

  @Test("Transfers that wait get a turn each before one gets its second")
  func fair() async throws {
    let pool = pool()
    let turn = try #require(await pool.enter(.part, for: one))
    let order = Order()
    let tasks = await queue(
      [("a1", 1), ("a2", 1), ("a3", 1), ("b1", 2), ("c1", 3), ("b2", 2)], at: pool, noting: order)
    pool.leave(turn)
    for task in tasks { await task.value }
    #expect(await order.names == ["a1", "b1", "c1", "a2", "b2", "a3"])
  }

  @Test("Parts and small objects do not take each other's room")
  func kinds() async throws {
    let pool = pool(parts: 1, small: 2)
    #expect(await pool.enter(.part, for: one) != nil)
    #expect(await pool.enter(.small, for: one) != nil)
    #expect(await pool.enter(.small, for: one) != nil)
    let order = Order()
    let tasks = await queue([("a", 1)], at: pool, noting: order)
    tasks[0].cancel()
    await tasks[0].value
    #expect(await order.names.isEmpty)
  }

  @Test("A number of requests that was asked for is that of both kinds together")
  func fixed() async throws {
    let pool = RequestPool(fixed: 2)
    let turn = try #require(await pool.enter(.part, for: one))
    #expect(await pool.enter(.small, for: one) != nil)
    let order = Order()
    let tasks = await queue([("a", 1)], at: pool, noting: order)
    #expect(await order.names.isEmpty)
    pool.leave(turn)
    await tasks[0].value
    #expect(await order.names == ["a"])
  }

  @Test("Who is cancelled while waiting gets no turn, and takes none away")
  func cancelled() async throws {
    let pool = pool()
    let turn = try #require(await pool.enter(.part, for: one))
    let order = Order()
    let tasks = await queue([("a", 1), ("b", 1)], at: pool, noting: order)
    tasks[0].cancel()
    await tasks[0].value
    pool.leave(turn)
    await tasks[1].value
    #expect(await order.names == ["b"])
    #expect(await pool.enter(.part, for: one) != nil)
  }

  @Test("A transfer with too many parts gives up those that moved least, and gets no turn for them")
  func limited() async throws {
    let pool = pool(parts: 4)
    let stopped = Mutex<Set<Int64>>([])
    var turns: [RequestPool.Turn] = []
    for moved: Int64 in [10, 5, 25, 30] {
      turns.append(try #require(await pool.enter(.part, for: one, isPart: true)))
      let counter = ByteCounter()
      counter.add(moved)
      _ = pool.onHold(of: one, moved: counter) { _ = stopped.withLock { $0.insert(moved) } }
    }
    _ = pool.onHold(of: one) { _ = stopped.withLock { $0.insert(0) } }
    pool.limitParts(of: one, to: 1, sparing: ByteCount(20))
    #expect(stopped.withLock { $0 } == [5, 10])
    #expect(pool.partCount(of: one) == 4)

    let order = Order()
    let tasks = await queue(
      [("a1", 1), ("b1", 2)], at: pool, isPart: true, noting: order)
    for turn in turns.prefix(3) { pool.leave(turn) }
    await tasks[1].value
    #expect(await order.names == ["b1"])
    #expect(pool.partCount(of: one) == 1)
    pool.limitParts(of: one, to: nil, sparing: ByteCount(20))
    await tasks[0].value
    #expect(await order.names == ["b1", "a1"])
  }

  @Test("A number of requests that was asked for is not limited further", .timeLimit(.minutes(1)))
  func fixedIsNotLimited() async throws {
    let pool = RequestPool(fixed: 2)
    pool.limitParts(of: one, to: 1, sparing: .zero)
    #expect(await pool.enter(.part, for: one, isPart: true) != nil)
    #expect(await pool.enter(.part, for: one, isPart: true) != nil)
  }

  /// Returns once all of them wait.
  private func queue(
    _ names: [(String, Int)], at pool: RequestPool, isPart: Bool = false, noting order: Order
  ) async -> [Task<Void, Never>] {
    var tasks: [Task<Void, Never>] = []
    for (name, transfer) in names {
      tasks.append(
        Task {
          guard let turn = await pool.enter(.part, for: TransferID(transfer), isPart: isPart)
          else { return }
          await order.add(name)
          pool.leave(turn)
        })
      while pool.waitingCount < tasks.count { await Task.yield() }
    }
    return tasks
  }

  private actor Order {
    private(set) var names: [String] = []
    func add(_ name: String) { names.append(name) }
  }
}
