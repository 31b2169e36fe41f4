import DequeModule
import HTTP
import OrderedCollections

/// What a person does to transfers that are in the queue.
extension TransferEngine {
  /// Has a transfer stand still until ``resume(_:)-(TransferID)``: bodies, parts and ranges under way
  /// are given up and go again later, all that has arrived is kept. Small files under way, and bodies
  /// that have left entirely, end first.
  public func pause(_ id: TransferID) {
    switch entries[id]?.status.state {
    case .waiting: break
    case .running, .retrying:
      held.insert(id)
      tools.pool.hold(id)
    case .paused, .finished, .failed, .cancelling, .cancelled, nil: return
    }
    entries[id]?.status.state = .paused
    entries[id]?.status.rate = 0
    entries[id]?.status.timeLeft = nil
    startWaiting()
    changed()
  }

  /// Lets a paused transfer go on: one that ran at once, another one before those that wait.
  public func resume(_ id: TransferID) {
    guard let entry = entries[id], entry.status.state == .paused else { return }
    if held.remove(id) != nil {
      entries[id]?.status.state = .running
      // What was given up by the pause was taken back, and is no measure of what moves now.
      entries[id]?.meter = RateMeter()
      meter = RateMeter()
      tools.pool.release(id)
    } else {
      entries[id]?.status.state = .waiting
      waiting[entry.lane, default: []].prepend(id)
      startWaiting()
    }
    changed()
  }

  /// Moves a transfer that waits among those that wait: up with a negative number.
  public func move(_ id: TransferID, by places: Int) {
    guard let entry = entries[id], entry.status.state == .waiting else { return }
    var queue = (waiting[entry.lane] ?? []).filter { entries[$0]?.status.state == .waiting }
    guard let index = queue.firstIndex(of: id) else { return }
    let target = min(max(index + places, 0), queue.count - 1)
    guard target != index else { return }
    let step = target > index ? 1 : -1
    for place in stride(from: index, to: target, by: step) {
      // Shown in the order in which they will run.
      if let first = entries.index(forKey: queue[place]),
        let second = entries.index(forKey: queue[place + step])
      {
        entries.swapAt(first, second)
      }
      queue.swapAt(place, place + step)
    }
    waiting[entry.lane] = queue
    changed()
  }

  /// How many bytes of bodies may move in a second, over all transfers; nil for as many as there
  /// can be.
  public var limit: Int? { rateLimit?.bytesPerSecond }

  /// - Parameter bytesPerSecond: 1 or more; what runs feels it within a tenth of a second.
  public func setLimit(bytesPerSecond: Int?) {
    rateLimit?.bytesPerSecond = bytesPerSecond
    changed()
  }

  /// Ends a transfer. One that runs shows as `cancelling` until nothing of it is left; one that
  /// is over stays as it is.
  public func cancel(_ id: TransferID) {
    guard let entry = entries[id] else { return }
    switch entry.status.state {
    case .waiting: giveUp(id)
    case .paused where !running.contains(id): giveUp(id)
    case .running, .retrying, .paused:
      entries[id]?.status.state = .cancelling
      entry.task?.cancel()
    case .cancelling, .cancelled, .finished, .failed:
      return
    }
    changed()
  }

  /// Ends one that never ran.
  private func giveUp(_ id: TransferID) {
    queueLog?.end(id, as: .over)
    end(id, .failure(.cancelled))
  }

  /// Cancels all that wait or run. Returns when nothing of them is left.
  public func cancelAll() async {
    // None may start in the place of one that ends.
    waiting.removeAll()
    for id in entries.keys { cancel(id) }
    for entry in entries.values { await entry.task?.value }
    await queueLog?.flush()
  }

  /// Puts a transfer that failed or was cancelled at the end of the queue again.
  public func retry(_ id: TransferID) {
    guard let entry = entries[id] else { return }
    switch entry.status.state {
    case .failed, .cancelled: break
    case .waiting, .running, .retrying, .paused, .cancelling, .finished: return
    }
    // One that was cancelled while it waited may still stand there.
    waiting[entry.lane]?.removeAll { $0 == id }
    entries[id] = nil
    queue(entry.again)
    startWaiting()
    keepWaiting([id])
    changed()
  }

  /// Whether no transfer waits or is under way.
  public var isIdle: Bool { entries.allSatisfy { $0.value.status.state.isOver } }

  /// Forgets the transfers that are over.
  public func clearFinished() {
    entries.removeAll { $0.value.status.state.isOver }
    changed()
  }

  /// Forgets those of some transfers that have arrived. One that failed can still be tried again.
  public func clearArrived(_ ids: [TransferID]) {
    for id in ids {
      if case .finished = entries[id]?.status.state { entries[id] = nil }
    }
    changed()
  }
}
