import S3
import Synchronization
import SystemPackage

/// How far a tree has come; written by its files, read by ``TransferEngine`` when it looks.
final class TreeProgress: Sendable {
  private struct State {
    var status = TreeStatus()
    /// Bytes of the files that are over.
    var moved = ByteCount.zero
    /// Of `moved`, what an earlier run has moved.
    var kept = ByteCount.zero
    var running: [Int: TransferProgress] = [:]
    var lastID = 0
    var failures: [TreeOutcome] = []
    /// The requests of `failures`, to be tried again; nil for what is no file.
    var failedRequests: [TransferRequest?] = []
  }

  /// What can be seen of a tree at one moment.
  struct Snapshot: Sendable {
    var status: TreeStatus
    var moved: ByteCount
    /// Of `moved`, what an earlier run has moved.
    var kept: ByteCount
    /// Of the file that moves since longest.
    var current: TransferProgress.Snapshot?
    /// Whether there are requests that move bytes.
    var isUnderWay = false
  }

  private let state = Mutex(State())
  /// Of the requests that find out what is in the tree and what is there already.
  let questions = Retries()

  var snapshot: Snapshot {
    let (snapshot, running) = state.withLock { state in
      (
        Snapshot(status: state.status, moved: state.moved, kept: state.kept),
        state.running.sorted { $0.key < $1.key }.map(\.value)
      )
    }
    var seen = snapshot
    for progress in running {
      let file = progress.snapshot
      seen.moved += file.moved
      seen.kept += file.kept
      if file.isUnderWay { seen.isUnderWay = true }
      if seen.current == nil || (seen.current?.retry == nil && file.retry != nil) {
        seen.current = file
      }
    }
    return seen
  }

  var status: TreeStatus { state.withLock { $0.status } }
  var failures: [TreeOutcome] { state.withLock { $0.failures } }

  /// The files to try again; nil when not all of them are known.
  var failedRequests: [TransferRequest]? {
    state.withLock { state in
      let requests = state.failedRequests.compactMap(\.self)
      return requests.count == state.status.failed ? requests : nil
    }
  }

  func found(_ size: ByteCount) {
    state.withLock {
      $0.status.found += 1
      $0.status.bytes += size
    }
  }

  func foundAll() {
    state.withLock { $0.status.isComplete = true }
  }

  /// A file begins to move.
  func begin() -> (Int, TransferProgress) {
    let progress = TransferProgress()
    let id = state.withLock { state in
      state.lastID += 1
      state.running[state.lastID] = progress
      return state.lastID
    }
    return (id, progress)
  }

  /// A file that began will begin once more.
  func forget(_ id: Int) {
    state.withLock { $0.running[id] = nil }
  }

  /// A file is over, or did not even begin where `id` is nil.
  ///
  /// - Parameter size: as it was found.
  func end(_ id: Int?, _ outcome: TreeOutcome, _ request: TransferRequest?, size: ByteCount) {
    state.withLock { state in
      if let id { state.running[id] = nil }
      switch outcome.end {
      case .finished(let result) where result.isSkipped:
        state.status.skipped += 1
        state.status.bytes += ByteCount(-size.bytes)
      case .finished(let result):
        state.status.done += 1
        let moved = result.size ?? size
        state.moved += moved
        if case .resumed(let kept) = result.resumption { state.kept += kept }
        // It may have changed since it was found.
        state.status.bytes += ByteCount(moved.bytes - size.bytes)
        if outcome.isRenamed || request?.otherName(in: result) != nil {
          state.status.note(OtherName(location: result.location, localPath: result.localPath))
        }
        if result.verification?.isVerified == false { state.status.unverified += 1 }
      case .failed(let error) where error.isOnPurpose: break
      case .failed:
        state.status.failed += 1
        state.status.bytes += ByteCount(-size.bytes)
        guard state.failures.count < TreeStatus.namesKept else { return }
        state.failures.append(outcome)
        state.failedRequests.append(request)
      }
    }
  }
}
