import DequeModule
import Synchronization

/// What became of each file of a tree, in the order of their ends, for one reader.
///
/// The tree moves no further while `limit` outcomes have not been read, so that a slow reader misses
/// none of them and memory does not grow. Ends with the tree, or when the reader's task is
/// cancelled; the tree then no longer waits for it.
///
/// A reader is handed what comes after a quiet moment at once. After that it rests, and is woken for
/// all that has come meanwhile: waking it for each of many small files would cost a tenth of their
/// time.
public final class TreeOutcomes: AsyncSequence, Sendable {
  public typealias Element = TreeOutcome
  public typealias Failure = Never

  private struct State {
    var unread: Deque<TreeOutcome> = []
    /// Places promised to files that are on their way.
    var expected = 0
    var isEnded = false
    var isAbandoned = false
    /// Who waits for the next outcome.
    var reader: CheckedContinuation<TreeOutcome?, Never>?
    /// Whether it has been woken a moment ago.
    var isResting = false
    var writers: [CheckedContinuation<Void, Never>] = []

    func hasRoom(_ limit: Int) -> Bool {
      isAbandoned || unread.count + expected <= limit
    }

    /// Those who may go on.
    mutating func takeWriters(_ limit: Int) -> [CheckedContinuation<Void, Never>] {
      guard !writers.isEmpty, hasRoom(limit) else { return [] }
      defer { writers = [] }
      return writers
    }
  }

  private static let rest = Duration.milliseconds(10)

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: 1 or more.
  public init(limit: Int = 1_024) {
    self.limit = Swift.max(limit, 1)
  }

  public func makeAsyncIterator() -> Iterator { Iterator(outcomes: self) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let outcomes: TreeOutcomes

    public mutating func next() async -> TreeOutcome? { await outcomes.next() }

    public mutating func next(isolation actor: isolated (any Actor)?) async throws(Never)
      -> TreeOutcome?
    {
      await outcomes.next()
    }
  }

  /// Whether somebody waits to be promised a place.
  var isHoldingBack: Bool { state.withLock { !$0.writers.isEmpty } }

  /// Whether the reader waits.
  var isAwaited: Bool { state.withLock { $0.reader != nil } }

  // MARK: - Reading

  private func next() async -> TreeOutcome? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (reader: CheckedContinuation<TreeOutcome?, Never>) in
        let (outcome, isOver, writers) = state.withLock { state in
          if Task.isCancelled { state.isAbandoned = true }
          let outcome = state.isAbandoned ? nil : state.unread.popFirst()
          let isOver = outcome != nil || state.isEnded || state.isAbandoned
          if !isOver { state.reader = reader }
          return (outcome, isOver, state.takeWriters(limit))
        }
        for writer in writers { writer.resume() }
        if isOver { reader.resume(returning: outcome) }
      }
    } onCancel: {
      let (reader, writers) = state.withLock { state in
        state.isAbandoned = true
        state.unread.removeAll()
        defer { state.reader = nil }
        return (state.reader, state.takeWriters(limit))
      }
      for writer in writers { writer.resume() }
      reader?.resume(returning: nil)
    }
  }

  // MARK: - Writing

  /// Whether one more outcome can be promised a place at once.
  var hasRoom: Bool {
    state.withLock { state in
      state.isAbandoned || state.unread.count + state.expected < limit
    }
  }

  /// Waits until one more outcome can be kept, and promises its place.
  ///
  /// Returns at once when the task is cancelled: nothing more is then begun.
  func expect() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { writer in
        let mayGoOn = state.withLock { state in
          state.expected += 1
          let mayGoOn = state.hasRoom(limit) || Task.isCancelled
          if !mayGoOn { state.writers.append(writer) }
          return mayGoOn
        }
        if mayGoOn { writer.resume() }
      }
    } onCancel: {
      let writers = state.withLock { state in
        defer { state.writers = [] }
        return state.writers
      }
      for writer in writers { writer.resume() }
    }
  }

  /// Keeps an outcome, or hands it to the reader who waits for it.
  ///
  /// - Parameter wasExpected: whether its place was promised.
  func add(_ outcome: TreeOutcome, wasExpected: Bool) {
    let hasCome = state.withLock { state in
      if wasExpected { state.expected -= 1 }
      guard !state.isAbandoned else { return false }
      state.unread.append(outcome)
      // One who rests, and holds others up by it, does so no longer.
      return !state.isResting || !state.hasRoom(limit - 1)
    }
    if hasCome { wakeReader() }
  }

  /// Hands the reader who waits what has come, after which it rests.
  private func wakeReader() {
    let (reader, outcome, beginsRest) = state.withLock { state in
      guard let reader = state.reader, let outcome = state.unread.popFirst() else {
        return (nil as CheckedContinuation<TreeOutcome?, Never>?, nil as TreeOutcome?, false)
      }
      state.reader = nil
      defer { state.isResting = true }
      return (reader, outcome, !state.isResting)
    }
    if beginsRest {
      Task {
        // The rest itself. Sleeping fails only when the task is cancelled, and nobody can.
        try? await Task.sleep(for: Self.rest)
        state.withLock { $0.isResting = false }
        wakeReader()
      }
    }
    reader?.resume(returning: outcome)
  }

  /// What was expected does not come: nobody is to be told of a file that was cancelled.
  func forget() {
    let writers = state.withLock { state in
      state.expected -= 1
      return state.takeWriters(limit)
    }
    for writer in writers { writer.resume() }
  }

  func end() {
    let (reader, outcome) = state.withLock { state in
      state.isEnded = true
      defer { state.reader = nil }
      // One who rests has some to read.
      return (state.reader, state.reader == nil ? nil : state.unread.popFirst())
    }
    reader?.resume(returning: outcome)
  }
}
