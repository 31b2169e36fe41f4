import HTTP
import History
import S3
import SystemPackage

/// One small file to one key, in one request, for thousands of them at once.
///
/// Its row is begun before it waits for its turn, and its outcome recorded after it has given it
/// back: while the history flushes the rows of some, the requests of others are under way.
struct SmallUpload: Sendable {
  static let largestSize = ConcurrencyPlan.Kind.largestSmallObject
  /// Up to here a file is read at once, which costs less than reading it piece by piece. Some
  /// hundreds of them are under way.
  private static let largestRead = ByteCount.kibibytes(16)

  let source: SourceFile
  let location: ObjectLocation
  let attributes: ObjectAttributes
  let condition: WriteCondition
  let tools: TransferTools
  let progress: TransferProgress

  /// Why it did not go well, and what the history is to say of it.
  private struct Failure: Error {
    var error: StorageError
    var ending: Ending
    /// nil when nothing was sent.
    var cause: S3Error?
  }

  private var undertaking: Undertaking { .upload(source.path, to: location) }

  func run() async throws(StorageError) -> TransferResult {
    let change = Change(
      .upload, bucket: location.bucket, key: location.key, size: source.size,
      localPath: source.path)
    let row = try await tools.recorder.begin(change, while: undertaking)
    switch await putPatiently() {
    case .success(let receipt):
      let warning = await tools.recorder.finish(
        [(row, Ending(receipt, size: source.size))], while: undertaking)
      // What was read at once is of one moment; else the object may mix old and new bytes.
      if !isReadAtOnce, await source.hasChanged() {
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
    while true {
      guard let turn = await tools.enter(.small) else {
        return .failure(last ?? Failure(error: .cancelled, ending: .unsent))
      }
      let result = await put()
      switch result {
      case .success:
        tools.leave(turn)
        tools.patience.succeeded()
        return result
      case .failure(let failure):
        tools.leave(turn, isAnswered: false)
        // What may have been stored fails the condition, as if somebody else had stored it.
        guard let cause = failure.cause, condition == .none || !cause.isInDoubt,
          await tools.patience.isLeft(after: cause)
        else { return result }
        last = failure
      }
    }
  }

  private var isReadAtOnce: Bool { source.size <= Self.largestRead }

  private func put() async -> Result<WriteReceipt, Failure> {
    // It may have waited for its turn; what would be cut off now must not replace an object.
    let body: HTTPRequestBody
    if isReadAtOnce {
      guard let bytes = await source.contents() else { return .failure(sourceChanged) }
      body = .bytes(bytes)
    } else {
      guard await !source.hasChanged() else { return .failure(sourceChanged) }
      body = .file(FileSlice(file: source.file, offset: 0, count: source.size.bytes))
    }
    let counter = progress.begin()
    let size = source.size.bytes
    do {
      // Once the whole body has left, the answer tells more than giving up would.
      let receipt = try await withGrace(
        { () async throws(S3Error) in
          try await tools.client.putObject(
            location, body: body, attributes: attributes, condition: condition, progress: counter)
        }, if: { counter.value >= size })
      progress.end(counter, isDone: true)
      return .success(receipt)
    } catch {
      progress.end(counter, isDone: false)
      return .failure(await failure(for: error))
    }
  }

  /// A source that changes makes other errors, such as one about a checksum: it is named instead.
  private func failure(for error: S3Error) async -> Failure {
    let ending = Ending(of: error)
    if !error.isCancellation, await source.hasChanged() {
      return Failure(
        error: .fileChanged(source.path),
        ending: Ending(outcome: ending.outcome, errorCode: "SourceChanged"), cause: error)
    }
    // Not simply cancelled, where the server may have stored it.
    let isInDoubt = error.isCancellation && ending.outcome == .interrupted
    return Failure(
      error: isInDoubt ? .unanswered(undertaking) : StorageError(error, while: undertaking),
      ending: ending, cause: error)
  }

  private var sourceChanged: Failure {
    Failure(
      error: .fileChanged(source.path),
      ending: Ending(outcome: .failed, errorCode: "SourceChanged"))
  }
}
