import HTTP
import History
import S3
import SystemPackage

/// One small file to one key, in one request, for thousands of them at once.
///
/// Its row is begun before it waits for its turn, and its outcome recorded after it has given it
/// back: while the history flushes the rows of some, the requests of others are under way.
///
/// A class, since it is handed on some ten times, and has more to copy than the file often has bytes.
final class SmallUpload: Sendable {
  static let largestSize = ConcurrencyPlan.Kind.largestSmallObject
  /// Up to here, in bytes, a file is read when it is opened, which costs less than reading it piece
  /// by piece. Some hundreds of them are under way.
  static let largestRead = 16 * 1024

  let source: SourceFile
  let location: ObjectLocation
  let attributes: ObjectAttributes
  let condition: WriteCondition
  let tools: TransferTools
  let progress: TransferProgress
  /// When it was opened and read together with others, which costs each of them less; nil for one that
  /// is alone.
  let readAt: ContinuousClock.Instant?
  /// Where its request runs; nil for anywhere.
  let executor: (any TaskExecutor)?

  init(
    source: SourceFile, location: ObjectLocation, attributes: ObjectAttributes,
    condition: WriteCondition, tools: TransferTools, progress: TransferProgress,
    readAt: ContinuousClock.Instant? = nil, executor: (any TaskExecutor)? = nil
  ) {
    self.source = source
    self.location = location
    self.attributes = attributes
    self.condition = condition
    self.tools = tools
    self.progress = progress
    self.readAt = readAt
    self.executor = executor
  }

  /// Why it did not go well, and what the history is to say of it.
  ///
  /// A class, so that hundreds of uploads which do not fail hold no room for it.
  private final class Failure: Error {
    let error: StorageError
    let ending: Ending
    /// nil when nothing was sent.
    let cause: S3Error?

    init(error: StorageError, ending: Ending, cause: S3Error? = nil) {
      self.error = error
      self.ending = ending
      self.cause = cause
    }
  }

  private var undertaking: Undertaking { .upload(source.path, to: location) }

  private var change: Change {
    Change(
      .upload, bucket: location.bucket, key: location.key, size: source.size,
      localPath: source.path)
  }

  /// Begins the rows of several, all or none of them.
  ///
  /// - Returns: nil when they could not be begun, as for each of them alone.
  static func begin(_ uploads: [SmallUpload]) async -> [ChangeID]? {
    guard let first = uploads.first else { return [] }
    return try? await first.tools.recorder.begin(
      uploads.map(\.change), while: first.undertaking)
  }

  func run() async throws(StorageError) -> TransferResult {
    try await run(as: try await tools.recorder.begin(change, while: undertaking))
  }

  /// Not inlined, like ``finish(_:_:)``.
  ///
  /// - Parameter row: which has been begun, and gets its outcome here.
  @inline(never)
  func run(as row: ChangeID) async throws(StorageError) -> TransferResult {
    let result = await putPatiently()
    return try await finish(row, result)
  }

  /// Not inlined: the room for its locals would be taken while the request is under way.
  @inline(never)
  private func finish(
    _ row: ChangeID, _ result: Result<WriteReceipt, Failure>
  ) async throws(StorageError) -> TransferResult {
    switch result {
    case .success(let receipt):
      let warning = await tools.recorder.finish(
        [(row, Ending(receipt, size: source.size))], while: undertaking)
      // What was read at once is of one moment; else the object may mix old and new bytes.
      if source.contents == nil, await source.hasChanged() {
        throw StorageError.fileChanged(source.path).noting(warning)
      }
      return TransferResult(
        location: ObjectLocation(
          bucket: location.bucket, key: location.key, versionID: receipt.versionID),
        localPath: source.path, size: source.size, etag: receipt.etag,
        checksum: receipt.checksum, warning: warning)
    case .failure(let failure):
      let warning = await tools.recorder.finish([(row, failure.ending)], while: undertaking)
      throw failure.error.noting(warning)
    }
  }

  private func putPatiently() async -> Result<WriteReceipt, Failure> {
    var last: Failure?
    var trouble = Patience.Trouble()
    while true {
      guard let turn = await tools.enter(.small) else {
        return .failure(
          last.map { cancelled(after: $0) } ?? Failure(error: .cancelled, ending: .unsent))
      }
      let result = await put(after: last?.cause)
      switch result {
      case .success:
        tools.leave(turn)
        tools.patience.succeeded()
        return result
      case .failure(let failure):
        tools.leave(turn, isAnswered: false)
        // What may have been stored fails the condition, as if somebody else had stored it.
        guard let cause = failure.cause, condition == .none || !cause.isInDoubt,
          await tools.patience.isLeft(after: cause, &trouble)
        else {
          guard Task.isCancelled, failure.cause?.isTransient == true else { return result }
          return .failure(cancelled(after: failure))
        }
        last = failure
      }
    }
  }

  /// Of one that is cancelled while it waits for its next try: nobody wants to know any more why the
  /// last one failed, unless it may have stored something.
  private func cancelled(after last: Failure) -> Failure {
    guard last.ending.outcome == .failed else { return last }
    return Failure(error: .cancelled, ending: last.ending, cause: last.cause)
  }

  /// - Parameter last: why the attempt before it failed; what that may have stored, this one does not
  ///   take back.
  private func put(after last: S3Error?) async -> Result<WriteReceipt, Failure> {
    let wasInDoubt = last?.isInDoubt ?? false
    // It may have waited for its turn; what would be cut off now must not replace an object.
    if !wasReadJustNow, await source.hasChanged() {
      return .failure(sourceChanged(mayBeStored: wasInDoubt))
    }
    let body: HTTPRequestBody =
      source.contents.map { .bytes($0) }
      ?? .file(FileSlice(file: source.file, offset: 0, count: source.size.bytes))
    let counter = progress.begin()
    let size = source.size.bytes
    do {
      // Once the whole body has left, the answer tells more than giving up would.
      let receipt = try await withGrace(
        on: executor,
        { () async throws(S3Error) in
          try await self.tools.client.putObject(
            self.location, body: body, attributes: self.attributes, condition: self.condition,
            progress: counter)
        }, if: { counter.value >= size })
      progress.end(counter, isDone: true)
      return .success(receipt)
    } catch {
      progress.end(counter, isDone: false)
      return .failure(await failure(for: error, mayBeStored: wasInDoubt))
    }
  }

  /// What becomes of one of many is then as if it came after its upload.
  private var wasReadJustNow: Bool {
    guard source.contents != nil, let readAt else { return false }
    return readAt.duration(to: .now) < .seconds(1)
  }

  /// A source that changes makes other errors, such as one about a checksum: it is named instead.
  private func failure(for error: S3Error, mayBeStored: Bool) async -> Failure {
    var error = error
    error.isInDoubt = error.isInDoubt || mayBeStored
    let ending = Ending(of: error)
    if !error.isCancellation, await source.hasChanged() {
      return Failure(
        error: .fileChanged(source.path),
        ending: Ending(outcome: ending.outcome, errorCode: "SourceChanged"), cause: error)
    }
    return Failure(
      error: StorageError(error, ending: ending, while: undertaking),
      ending: ending, cause: error)
  }

  private func sourceChanged(mayBeStored: Bool) -> Failure {
    Failure(
      error: .fileChanged(source.path),
      ending: Ending(outcome: mayBeStored ? .interrupted : .failed, errorCode: "SourceChanged"))
  }
}
