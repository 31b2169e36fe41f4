import DequeModule

/// Lets a number of requests with bodies run at once, over all transfers; the others wait in turn.
///
/// More connections than that only make each slower, and each body costs buffers.
actor RequestPool {
  private var free: Int
  private var waiting: Deque<(id: Int, turn: CheckedContinuation<Bool, Never>)> = []
  private var nextID = 0

  /// - Parameter limit: 1 or more.
  init(limit: Int) {
    free = max(limit, 1)
  }

  var waitingCount: Int { waiting.count }

  /// Waits for a turn. Whoever gets one gives it back with ``leave()``.
  ///
  /// - Returns: `false` when the task was cancelled instead.
  func enter() async -> Bool {
    guard !Task.isCancelled else { return false }
    if free > 0 {
      free -= 1
      return true
    }
    let id = nextID
    nextID += 1
    return await withTaskCancellationHandler {
      await withCheckedContinuation { turn in
        // Cancelled before it stood in the queue: the handler found nobody to wake.
        guard !Task.isCancelled else { return turn.resume(returning: false) }
        waiting.append((id, turn))
      }
    } onCancel: {
      Task { await self.giveUp(id) }
    }
  }

  func leave() {
    if let (_, turn) = waiting.popFirst() {
      turn.resume(returning: true)
    } else {
      free += 1
    }
  }

  private func giveUp(_ id: Int) {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
    waiting.remove(at: index).turn.resume(returning: false)
  }
}
