internal import HTTP
public import S3
internal import Synchronization
public import SystemPackage

extension S3Service {
  /// Uploads what a descriptor gives until its end, such as standard input. Cancelling the task
  /// aborts it, also while nothing comes.
  ///
  /// Not to be resumed, since nothing can be read again; the journal only says that it is under way. Memory is bounded; parts lie in files
  /// without a name in TMPDIR, else `/var/tmp`.
  ///
  /// - Parameters:
  ///   - descriptor: is read from its place on and not closed.
  ///   - ifExists: `rename` is no choice here and means `fail`.
  ///   - partSize: 5 MiB through 5 GiB; 10,000 parts are the most that can be uploaded.
  ///   - progress: tells how far it has come.
  public func upload(
    from descriptor: FileDescriptor, to location: ObjectLocation,
    attributes: ObjectAttributes = ObjectAttributes(),
    ifExists: TransferRequest.ExistingDestination = .overwrite,
    partSize: ByteCount = .mebibytes(16),
    progress: StreamProgress = StreamProgress()
  ) async throws(StorageError) -> TransferResult {
    let undertaking = Undertaking.upload(StreamUpload.name, to: location)
    guard !isReadOnly else { throw .readOnly(undertaking) }
    let skipped = TransferResult(
      location: location, localPath: StreamUpload.name, size: nil, isSkipped: true)
    // Some stores ignore the condition of the write: then this question is all there is.
    if ifExists != .overwrite, try await bodies.hasObject(location, while: undertaking) {
      guard ifExists == .skip else { throw .exists(undertaking.subject) }
      return skipped
    }
    var attributes = attributes
    if attributes.contentType == nil {
      attributes.contentType = ContentType.guess(
        fileName: String(decoding: location.key.lastSegment, as: UTF8.self))
    }
    do throws(StorageError) {
      return try await StreamUpload(
        reader: StreamReader(descriptor, partSize: partSize), partSize: partSize,
        location: location, attributes: attributes,
        condition: ifExists == .overwrite ? .none : .ifNoneMatch, client: bodies,
        recorder: recorder, patience: patience, journaling: journaling,
        mostPartsAtOnce: transferSettings.concurrentRequests,
        progress: progress
      ).run()
    } catch  where error.kind == .alreadyExists && ifExists == .skip {
      return skipped
    }
  }

  /// Hands over the bytes of an object as they come, and compares them with what the server keeps
  /// of it. S3 API Reference: HeadObject, GetObject.
  ///
  /// A connection that breaks is made anew, and goes on where it broke with the same object. What
  /// was handed over cannot be taken back, so damage is an error that comes after the bytes. Trouble
  /// with a request is told as over before the first byte of its answer is handed over.
  ///
  /// - Parameters:
  ///   - progress: tells how far it has come.
  ///   - receive: called on the thread of the connections, which waits for it; `false` ends the
  ///     download.
  /// - Throws: ``StorageError/Kind/damaged`` when other bytes arrived than were stored.
  public func stream(
    _ object: ObjectLocation, progress: StreamProgress = StreamProgress(),
    to receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Bool
  ) async throws(StorageError) -> (metadata: ObjectMetadata, verification: Verification) {
    let undertaking = Undertaking.readDetails(object)
    let metadata = try await read(undertaking) { () async throws(S3Error) in
      try await patience.keepTrying { (_) async throws(S3Error) in
        try await bodies.headNamedObject(object)
      }
    }
    var source = object
    // `null` is the version of objects from before versioning, and is replaced like any object.
    if let version = metadata.versionID, version.text != "null" { source.versionID = version }
    let stored = StoredDigest(metadata, etags: bodies.etagMeaning)
    var sizes: [Int64]?
    if let count = stored.partCount {
      sizes = await bodies.partSizes(of: source, count: count, objectSize: metadata.size.bytes)
    }
    let check = StreamCheck(stored, objectSize: metadata.size.bytes, partSizes: sizes)
    do throws(S3Error) {
      try await fetch(metadata, from: source, check, progress, receive)
    } catch  where error.code == .accessDenied && source != object && check.count == 0 {
      // Who may read objects need not be allowed to read versions; the ETag holds them together.
      try await read(undertaking) { () async throws(S3Error) in
        try await fetch(metadata, from: object, check, progress, receive)
      }
    } catch {
      throw StorageError(error, while: undertaking)
    }
    var outcome = check.finish(areETagsMD5: bodies.etagMeaning == .md5)
    if case .success(.notVerified(.unprovenETag)) = outcome, bodies.etagMeaning == .unknown {
      await bodies.seekProofOfETags(beside: object)
      if bodies.etagMeaning == .unknown, metadata.size <= DownloadCheck.largestForLearning {
        // Bytes that come right the second time show that the first ones were damaged; the same ones,
        // that the ETag is something else.
        let again = StreamCheck(stored, objectSize: metadata.size.bytes, partSizes: sizes)
        try? await fetch(metadata, from: source, again, StreamProgress()) { _ in true }
        let second = again.finish(areETagsMD5: true)
        if case .success(.verified) = second {
          bodies.noteETag(isMD5: true)
        } else if second == check.finish(areETagsMD5: true) {
          bodies.noteETag(isMD5: false)
        }
      }
      outcome = check.finish(areETagsMD5: bodies.etagMeaning == .md5)
    }
    switch outcome {
    case .success(let verification):
      if case .verified = verification, stored.isETag { bodies.noteETag(isMD5: true) }
      return (metadata, verification)
    case .failure(let mismatch):
      throw .damaged(object, stored: mismatch.stored, arrived: mismatch.arrived)
    }
  }

  /// Fetches what is missing until nothing is.
  private func fetch(
    _ metadata: ObjectMetadata, from source: ObjectLocation, _ check: StreamCheck,
    _ progress: StreamProgress, _ receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Bool
  ) async throws(S3Error) {
    let trouble = TroubleUntilAnswer(observer: bodies.retryObserver)
    defer { trouble.end() }
    let patience = patience
    var client = bodies
    client.retryObserver = { trouble.note($0) }
    let counter = progress.transfer.begin()
    defer { progress.transfer.end(counter, isDone: true) }
    var waited = Patience.Trouble()
    while true {
      let start = check.count
      do throws(S3Error) {
        _ = try await client.getObject(
          source, range: start > 0 ? start..<metadata.size.bytes : nil, of: metadata.size,
          ifMatch: metadata.etag,
          into: .pieces { piece in
            if check.count == start {
              trouble.end()
              patience.succeeded()
            }
            guard progress.holding({ receive(piece) }) else { return false }
            check.add(piece)
            return true
          }, progress: counter)
        return
      } catch {
        // What stands in the way now has nothing to do with what did before.
        if check.count > start { waited = Patience.Trouble() }
        // Without an ETag nothing holds two answers together.
        guard check.count == 0 || (metadata.etag != nil && check.count < metadata.size.bytes) else {
          throw error
        }
        guard case .transport(let problem) = error.cause, problem.isPassing, check.count > start,
          !Task.isCancelled
        else {
          guard await patience.isLeft(after: error, &waited) else { throw error.orCancellation }
          continue
        }
        // Its bytes have shown that the server can be reached.
        trouble.note(
          .failed(
            .brokenAnswer(of: .getObject, cause: error.cause, policy: client.retryPolicy)))
      }
    }
  }
}

/// Retries of requests whose answers are used as they come. Such a request ends with the last byte,
/// which may be hours away; the trouble is over with the first.
private final class TroubleUntilAnswer: Sendable {
  private let observer: (@Sendable (RetryEvent) -> Void)?
  /// The requests that trouble was told of.
  private let requests = Mutex<Set<Int>>([])

  init(observer: (@Sendable (RetryEvent) -> Void)?) {
    self.observer = observer
  }

  func note(_ event: RetryEvent) {
    if case .failed(let notice) = event { _ = requests.withLock { $0.insert(notice.request) } }
    observer?(event)
  }

  func end() {
    let ended = requests.withLock { requests in
      defer { requests = [] }
      return requests
    }
    for request in ended { observer?(.ended(request: request)) }
  }
}

extension HTTPError {
  /// Whether another connection may do better.
  fileprivate var isPassing: Bool {
    switch self {
    case .connectionLost, .stalled: true
    default: false
    }
  }
}
