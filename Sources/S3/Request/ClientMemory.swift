internal import Synchronization

/// What a client learns from answers: the regions of buckets, how far its clock is off, and which
/// requests the endpoint does not know.
final class ClientMemory: Sendable {
  private struct State {
    var regions: [BucketName?: Region] = [:]
    var clockOffset = Duration.zero
    var isClockCorrected = false
    var serverOffset: Duration?
    var lastCredentials: Credentials?
    var tokenDoubted: Timestamp
    var etagMeaning = ETagMeaning.unknown
    var uploadsWithoutLesson = 0
    var uploadChecksum = UploadChecksum.crc64nvme
    var answersChecksums: Bool?
    var tellsChecksums = true
    var tellsAttributes = true
    var listing = ListingDialect()
    var deletesMany = true
    var deletesConditionally = true
    var listsByFolder = false
    var stallFactor = 1
  }

  private static let mostStallFactor = 9

  private let state: Mutex<State>
  let signingKeys = SigningKeys()

  /// - Parameters:
  ///   - isBasic: whether to begin with what every store knows.
  ///   - now: by the clock of the client.
  init(isBasic: Bool = false, now: Timestamp) {
    state = Mutex(State(tokenDoubted: now))
    guard isBasic else { return }
    state.withLock { state in
      state.uploadChecksum = .none
      state.tellsChecksums = false
      state.tellsAttributes = false
      state.listing = ListingDialect(isV2: false, isEncoded: true)
      state.deletesMany = false
      state.deletesConditionally = false
    }
  }

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
  var clockOffset: Duration { state.withLock { $0.clockOffset } }

  /// - Returns: whether this is the first correction.
  func correctClock(by offset: Duration) -> Bool {
    state.withLock { state in
      state.clockOffset = offset
      defer { state.isClockCorrected = true }
      return !state.isClockCorrected
    }
  }

  /// How far the server's clock was ahead of the system's in its last answer.
  var serverOffset: Duration? {
    get { state.withLock { $0.serverOffset } }
    set { state.withLock { $0.serverOffset = newValue } }
  }

  /// How many times the usual time long bodies are to be given before they count as stalled.
  ///
  /// A tunnel takes megabytes at once and passes them on over a line that several share: nothing
  /// moves here for a minute, and a body that is sent anew then would never arrive. A line that is
  /// dead is noticed the first time as soon as ever.
  var stallFactor: Int { state.withLock { $0.stallFactor } }

  /// A long body stalled though it was given `factor` times the usual time.
  func noteStall(after factor: Int) {
    state.withLock { state in
      state.stallFactor = max(state.stallFactor, min(3 * factor, Self.mostStallFactor))
    }
  }

  /// A long body arrived within the usual time.
  func noteArrival() {
    state.withLock { $0.stallFactor = 1 }
  }

  /// The last ones that were to be had, of which the history was told.
  var lastCredentials: Credentials? {
    get { state.withLock { $0.lastCredentials } }
    set { state.withLock { $0.lastCredentials = newValue } }
  }

  /// Whether an answer that gives no reason may be due to a token that has ended: not while it was
  /// fetched a short time ago, by the client's first request or for the last such doubt.
  func mayDoubtToken(at now: Timestamp) -> Bool {
    state.withLock { state in
      guard now.since(state.tokenDoubted) >= Self.shortestTokenLife else { return false }
      state.tokenDoubted = now
      return true
    }
  }

  /// Source: AWS STS API Reference, "AssumeRole", `DurationSeconds`.
  private static let shortestTokenLife = Duration.seconds(900)

  /// What the endpoint's ETags are, as far as seen.
  var etagMeaning: ETagMeaning { state.withLock { $0.etagMeaning } }

  /// Whether the ETag of one more upload may tell what they are: no longer once some have not.
  func mayLearnETags() -> Bool {
    state.withLock { state in
      guard state.etagMeaning == .unknown, state.uploadsWithoutLesson < Self.uploadsToLearnFrom
      else { return false }
      state.uploadsWithoutLesson += 1
      return true
    }
  }

  private static let uploadsToLearnFrom = 16

  /// - Parameter isMD5: one that was an MD5 says more than one that was not.
  func noteETag(isMD5: Bool) {
    state.withLock { state in
      if isMD5 {
        state.etagMeaning = .md5
      } else if state.etagMeaning == .unknown {
        state.etagMeaning = .other
      }
    }
  }

  /// The best checksum that the endpoint is not known to refuse.
  var uploadChecksum: UploadChecksum { state.withLock { $0.uploadChecksum } }

  /// A request went through with `checksum` that was refused with a better one.
  func noteBest(_ checksum: UploadChecksum) {
    state.withLock { state in
      // Another request may have found out more.
      if state.uploadChecksum.weakerOnes.contains(checksum) { state.uploadChecksum = checksum }
    }
  }

  /// Whether the endpoint is not known to refuse the question for the checksum of an object.
  var tellsChecksums: Bool {
    get { state.withLock { $0.tellsChecksums } }
    set { state.withLock { $0.tellsChecksums = newValue } }
  }

  /// Whether the endpoint is not known to refuse the question for attributes of an object.
  var tellsAttributes: Bool {
    get { state.withLock { $0.tellsAttributes } }
    set { state.withLock { $0.tellsAttributes = newValue } }
  }

  /// How the endpoint is asked for listings.
  var listing: ListingDialect {
    get { state.withLock { $0.listing } }
    set { state.withLock { $0.listing = newValue } }
  }

  /// Whether the endpoint is not known to refuse DeleteObjects.
  var deletesMany: Bool {
    get { state.withLock { $0.deletesMany } }
    set { state.withLock { $0.deletesMany = newValue } }
  }

  /// Whether the endpoint is not known to refuse a condition of DeleteObject.
  var deletesConditionally: Bool {
    get { state.withLock { $0.deletesConditionally } }
    set { state.withLock { $0.deletesConditionally = newValue } }
  }

  /// Whether the endpoint is known to list what is in a folder where the folder's name stands.
  var listsByFolder: Bool {
    get { state.withLock { $0.listsByFolder } }
    set { state.withLock { $0.listsByFolder = newValue } }
  }

  /// Whether the endpoint answers an upload with the checksum of what it stored; nil before the
  /// first answer.
  var answersChecksums: Bool? {
    get { state.withLock { $0.answersChecksums } }
    set { state.withLock { $0.answersChecksums = newValue } }
  }
}
