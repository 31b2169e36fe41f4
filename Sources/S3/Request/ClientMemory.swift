internal import Synchronization

/// What a client learns from answers: the regions of buckets, and how far its clock is off.
final class ClientMemory: Sendable {
  private struct State {
    var regions: [BucketName?: Region] = [:]
    var clockOffset = Duration.zero
  }

  private let state = Mutex(State())

  /// - Parameter bucket: nil for requests that name none.
  func region(of bucket: BucketName?) -> Region? {
    state.withLock { $0.regions[bucket] }
  }

  func remember(_ region: Region, of bucket: BucketName?) {
    state.withLock { $0.regions[bucket] = region }
  }

  func forget(_ bucket: BucketName) {
    state.withLock { $0.regions[bucket] = nil }
  }

  /// To be added to the system's clock; within a second of the server's once it has complained.
  var clockOffset: Duration {
    get { state.withLock { $0.clockOffset } }
    set { state.withLock { $0.clockOffset = newValue } }
  }
}
