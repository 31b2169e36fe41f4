import History
import Synchronization

/// What the journal keeps of transfers that keep nothing there themselves: of those that wait, and
/// of small ones.
///
/// What comes while a commit is under way goes with the next one, and a transfer that is over before
/// its turn came is never written: many small ones cost little. A transfer is not over before its
/// entry is gone, so none of them is resumed once it is done.
final class QueueLog: Sendable {
  enum End {
    /// It is done, or was given up.
    case over
    /// What an earlier run has left is left once more.
    case failed
    /// Whoever stops all transfers keeps it, or it has done so itself.
    case kept
  }

  private enum Row {
    case unwritten(JournalRequest)
    case beingWritten(endingAs: End?)
    case written(WaitingEntry)
  }

  private struct State {
    var rows: [TransferID: Row] = [:]
    /// Of `rows`, in the order in which they came.
    var unwritten: [TransferID] = []
    /// Held for transfers that are still to come.
    var reserved: Set<JournalID> = []
    var over: [JournalID] = []
    var left: [JournalID] = []
    var current: Task<Void, Never>?
    var next: Task<Void, Never>?

    mutating func end(_ entry: WaitingEntry, as end: End) {
      switch end {
      case .failed where entry.wasLeft: left.append(entry.id)
      case .over, .failed: over.append(entry.id)
      case .kept: break
      }
    }
  }

  private let journaling: Journaling
  private let state = Mutex(State())

  init(_ journaling: Journaling) {
    self.journaling = journaling
  }

  func add(_ transfers: [(id: TransferID, request: JournalRequest)]) {
    guard !transfers.isEmpty else { return }
    state.withLock { state in
      for (id, request) in transfers {
        state.rows[id] = .unwritten(request)
        state.unwritten.append(id)
      }
    }
    commit()
  }

  /// Holds entries for transfers that come later, so that no other process takes them for
  /// interrupted. Returns once it is on the disk.
  ///
  /// - Returns: nil for one that another process or transfer has already.
  func reserve(_ requests: [JournalRequest]) async -> [WaitingEntry?] {
    let entries = try? await journaling.journal.queue(requests, for: journaling.holder)
    state.withLock { $0.reserved.formUnion((entries ?? []).compactMap { $0?.id }) }
    return entries ?? []
  }

  /// - Returns: what brings it about; nil when there is nothing to be done.
  @discardableResult
  func end(_ id: TransferID, as end: End) -> Task<Void, Never>? {
    let isToBeWritten = state.withLock { state -> Bool in
      switch state.rows[id] {
      case nil: return false
      case .unwritten:
        state.rows[id] = nil
        return false
      case .beingWritten: state.rows[id] = .beingWritten(endingAs: end)
      case .written(let entry):
        state.rows[id] = nil
        state.end(entry, as: end)
      }
      return true
    }
    return isToBeWritten ? commit() : nil
  }

  /// Waits until everything is written.
  func flush() async {
    while let task = state.withLock({ $0.next ?? $0.current }) {
      await task.value
      state.withLock { if $0.current == task { $0.current = nil } }
    }
  }

  /// The commit that what is there now goes with.
  @discardableResult
  private func commit() -> Task<Void, Never> {
    state.withLock { state in
      if let next = state.next { return next }
      let task = Task { [before = state.current] in
        await before?.value
        await self.write()
      }
      state.next = task
      return task
    }
  }

  private func write() async {
    var ids: [TransferID] = []
    var requests: [JournalRequest] = []
    let (over, left, reserved) = state.withLock { state in
      state.current = state.next
      state.next = nil
      for id in state.unwritten {
        guard case .unwritten(let request) = state.rows[id] else { continue }
        state.rows[id] = .beingWritten(endingAs: nil)
        ids.append(id)
        requests.append(request)
      }
      state.unwritten = []
      defer { (state.over, state.left) = ([], []) }
      return (state.over, state.left, state.reserved)
    }
    guard !(requests.isEmpty && over.isEmpty && left.isEmpty) else { return }
    // Without a journal transfers go on; they cannot be resumed.
    let written = try? await journaling.journal.queue(
      requests, for: journaling.holder, reserved: reserved, removing: over, releasing: left)
    state.withLock { state in
      if written == nil {
        // Else they would be taken for interrupted some day. They go with the next commit.
        state.over += over
        state.left += left
      }
      for (index, id) in ids.enumerated() {
        guard case .beingWritten(let end) = state.rows.removeValue(forKey: id),
          let entry = written?[index]
        else { continue }
        state.reserved.remove(entry.id)
        if let end { state.end(entry, as: end) } else { state.rows[id] = .written(entry) }
      }
    }
  }
}
