import S3
import Testing

@testable import Storage

@Suite("Tree outcomes")
struct TreeOutcomesTests {
  private func outcome(_ number: Int) -> TreeOutcome {
    TreeOutcome(
      direction: .upload,
      location: ObjectLocation(bucket: BucketName("b"), key: ObjectKey("\(number)")),
      localPath: nil, end: .failed(.cancelled))
  }

  @Test("Every outcome is read, in order, however slow the reader")
  func order() async {
    let outcomes = TreeOutcomes(limit: 3)
    let writer = Task {
      for number in 0..<1_000 {
        await outcomes.expect()
        outcomes.add(outcome(number), wasExpected: true)
      }
      outcomes.end()
    }
    var read: [TreeOutcome] = []
    for await outcome in outcomes {
      await Task.yield()
      read.append(outcome)
    }
    await writer.value
    #expect(read == (0..<1_000).map(outcome))
  }

  @Test("What comes while the reader rests is read, also when it ends with that")
  func rest() async {
    let outcomes = TreeOutcomes()
    let (firsts, sink) = AsyncStream.makeStream(of: TreeOutcome.self)
    let reader = Task {
      var read: [TreeOutcome] = []
      for await outcome in outcomes {
        read.append(outcome)
        sink.yield(outcome)
      }
      return read
    }
    // One that has to be woken rests afterwards.
    while !outcomes.isAwaited { await Task.yield() }
    outcomes.add(outcome(0), wasExpected: false)
    for await _ in firsts { break }
    while !outcomes.isAwaited { await Task.yield() }
    for number in 1..<4 { outcomes.add(outcome(number), wasExpected: false) }
    outcomes.end()
    #expect(await reader.value == (0..<4).map(outcome))
  }

  @Test("No more are begun than can be kept, until one is read or does not come")
  func backPressure() async {
    let outcomes = TreeOutcomes(limit: 2)
    await outcomes.expect()
    await outcomes.expect()
    let third = Task { await outcomes.expect() }
    while !outcomes.isHoldingBack { await Task.yield() }
    outcomes.add(outcome(1), wasExpected: true)
    #expect(outcomes.isHoldingBack)
    outcomes.forget()
    await third.value
    let fourth = Task { await outcomes.expect() }
    while !outcomes.isHoldingBack { await Task.yield() }
    var iterator = outcomes.makeAsyncIterator()
    #expect(await iterator.next() == outcome(1))
    await fourth.value
  }

  @Test("A reader who leaves holds nothing back")
  func abandoned() async {
    let outcomes = TreeOutcomes(limit: 1)
    let reader = Task { () -> Int in
      var count = 0
      for await _ in outcomes { count += 1 }
      return count
    }
    reader.cancel()
    _ = await reader.value
    for number in 0..<10 {
      await outcomes.expect()
      outcomes.add(outcome(number), wasExpected: true)
    }
  }

  @Test("Who is cancelled while held back goes on, and begins nothing more")
  func cancelledWriter() async {
    let outcomes = TreeOutcomes(limit: 1)
    await outcomes.expect()
    let writer = Task { await outcomes.expect() }
    while !outcomes.isHoldingBack { await Task.yield() }
    writer.cancel()
    await writer.value
  }
}
