import HTTP
import S3
import Synchronization
import SystemPackage

/// How far one transfer has come; written by its requests, read by ``TransferEngine`` when it looks.
///
/// Nothing on the way of a body waits for an actor because of it.
final class TransferProgress: Sendable {
  /// What can be seen of a transfer at one moment.
  struct Snapshot: Sendable {
    var total: ByteCount?
    var moved: ByteCount
    /// What of `moved` an earlier run had moved.
    var kept: ByteCount
    /// Of one that moves in parts.
    var partSize: ByteCount?
    var retry: RetryNotice?
    /// Whether there are requests that move bytes.
    var isUnderWay: Bool
    /// Differ from what was asked for when a free name had to be found.
    var location: ObjectLocation?
    var localPath: FilePath?
  }

  private struct State {
    var total: ByteCount?
    var finished: Int64 = 0
    var kept: Int64 = 0
    var partSize: ByteCount?
    /// Of the requests under way, a few.
    var counters: [ByteCounter] = []
    var retry: (notice: RetryNotice, moved: Int64)?
    var location: ObjectLocation?
    var localPath: FilePath?

    var moved: Int64 { counters.reduce(kept + finished) { $0 + $1.value } }
  }

  private let state = Mutex(State())

  var snapshot: Snapshot {
    state.withLock { state in
      let moved = state.moved
      // Bytes that move again end the trouble.
      if let retry = state.retry, moved > retry.moved { state.retry = nil }
      return Snapshot(
        total: state.total, moved: ByteCount(moved), kept: ByteCount(state.kept),
        partSize: state.partSize,
        retry: state.retry?.notice, isUnderWay: !state.counters.isEmpty,
        location: state.location, localPath: state.localPath)
    }
  }

  func set(total: ByteCount) {
    state.withLock { $0.total = total }
  }

  func set(partSize: ByteCount) {
    state.withLock { $0.partSize = partSize }
  }

  func set(location: ObjectLocation) {
    state.withLock { $0.location = location }
  }

  func set(localPath: FilePath) {
    state.withLock { $0.localPath = localPath }
  }

  /// A counter for one request; to be given to ``end(_:isDone:)``.
  func begin() -> ByteCounter {
    let counter = ByteCounter()
    state.withLock { $0.counters.append(counter) }
    return counter
  }

  /// - Parameter isDone: whether what it counted has arrived.
  func end(_ counter: ByteCounter, isDone: Bool) {
    state.withLock { state in
      state.counters.removeAll { $0 === counter }
      if isDone {
        state.finished += counter.value
        state.retry = nil
      }
    }
  }

  /// What has arrived is fetched once more.
  func startAgain() {
    state.withLock { state in
      state.finished = 0
      state.kept = 0
    }
  }

  /// Some of what has arrived is fetched once more.
  func lose(_ count: ByteCount) {
    state.withLock { state in
      let own = min(count.bytes, state.finished)
      state.finished -= own
      state.kept = max(state.kept - (count.bytes - own), 0)
    }
  }

  /// Counts what an earlier run had moved.
  func keep(_ count: ByteCount) {
    state.withLock { $0.kept += count.bytes }
  }

  /// A request failed and will be sent again.
  func note(_ notice: RetryNotice) {
    state.withLock { $0.retry = (notice, $0.moved) }
  }
}
