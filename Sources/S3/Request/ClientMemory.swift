internal import Synchronization

/// What a client learns from answers: the regions of buckets, and how far its clock is off.
final class ClientMemory: Sendable {
  private struct State {
    var regions: [BucketName?: Region] = [:]
    var clockOffset = Duration.zero
    var serverOffset: Duration?
    var etagsAreMD5 = false
  }

  private let state = Mutex(State())
  let signingKeys = SigningKeys()

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

  /// How far the server's clock was ahead of the system's in its last answer.
  var serverOffset: Duration? {
    get { state.withLock { $0.serverOffset } }
    set { state.withLock { $0.serverOffset = newValue } }
  }

  /// Whether an ETag of this endpoint was once seen to be the MD5 of the object's bytes.
  var etagsAreMD5: Bool {
    get { state.withLock { $0.etagsAreMD5 } }
    set { state.withLock { $0.etagsAreMD5 = newValue } }
  }
}
