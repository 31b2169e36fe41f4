import HTTP
import History
import S3
import SystemPackage

/// One file to one key, of which it is decided that it is to be written.
struct SingleUpload: Sendable {
  let source: SourceFile
  /// As it waited.
  let asked: TransferRequest
  /// As the journal is to keep it.
  let request: TransferRequest
  let location: ObjectLocation
  let attributes: ObjectAttributes
  let condition: WriteCondition
  let tools: TransferTools
  let progress: TransferProgress

  var client: S3Client { tools.client }
  var undertaking: Undertaking { .upload(source.path, to: location) }
  var change: Change {
    Change(
      .upload, bucket: location.bucket, key: location.key, size: source.size,
      localPath: source.path)
  }

  func result(
    _ receipt: WriteReceipt, _ resumption: Resumption?, _ warning: StorageError?
  ) -> TransferResult {
    TransferResult(
      location: ObjectLocation(
        bucket: location.bucket, key: location.key, versionID: receipt.versionID),
      localPath: source.path, size: source.size, etag: receipt.etag, checksum: receipt.checksum,
      resumption: resumption, warning: warning)
  }

  // MARK: - In one request

  func whole() async throws(StorageError) -> TransferResult {
    var turn = await tools.enter(kind)
    guard turn != nil else { throw .cancelled }
    defer { if let turn { tools.leave(turn) } }
    // It may have waited for its turn; what would be cut off now must not replace an object.
    guard await !source.hasChanged() else { throw .fileChanged(source.path) }
    let row = try await tools.recorder.begin(change, while: undertaking)
    switch await putPatiently(in: &turn) {
    case .failure(let failure):
      let warning = await tools.recorder.finish([(row, failure.ending)], while: undertaking)
      throw failure.error.noting(warning)
    case .success(let receipt):
      let warning = await tools.recorder.finish(
        [(row, Ending(receipt, size: source.size))], while: undertaking)
      // The object is there, and may mix old and new bytes.
      guard await !source.hasChanged() else {
        throw StorageError.fileChanged(source.path).noting(warning)
      }
      return result(receipt, nil, warning)
    }
  }

  private var kind: RequestPool.Kind { .init(objectOf: source.size) }

  /// - Parameter turn: given back while the transfer is paused or waits for its next try; nil when it
  ///   was cancelled meanwhile.
  private func putPatiently(
    in turn: inout RequestPool.Turn?
  ) async -> Result<WriteReceipt, UploadMachine.Failure> {
    let size = source.size.bytes
    var trouble = Patience.Trouble()
    var last: S3Error?
    while true {
      if turn == nil {
        turn = await tools.enter(kind)
        guard turn != nil else { return .failure(await cancellation(after: last)) }
        if await source.hasChanged() {
          let mayBeStored = last?.isInDoubt ?? false
          return .failure(
            UploadMachine.Failure(
              error: .fileChanged(source.path),
              ending: Ending(
                outcome: mayBeStored ? .interrupted : .failed, errorCode: "SourceChanged")))
        }
      }
      let counter = progress.begin()
      let body = HTTPRequestBody.file(FileSlice(file: source.file, offset: 0, count: size))
      // Once the whole body has left, the answer tells more than giving up would. A pause saves
      // nothing any more then, and what is stored already would be in the way of a second try.
      let (result, isGivenUp) = await tools.unlessPaused(
        { () async throws(S3Error) in
          try await withGrace(
            { () async throws(S3Error) in
              try await client.putObject(
                location, body: body, attributes: attributes, condition: condition,
                progress: counter)
            }, if: { counter.value >= size })
        }, if: { counter.value < size })
      var error: S3Error
      switch result {
      case .success(let receipt):
        progress.end(counter, isDone: true)
        tools.patience.succeeded()
        return .success(receipt)
      case .failure(let failure): error = failure
      }
      progress.end(counter, isDone: false)
      // In nobody's way while it waits.
      if let held = turn { tools.leave(held, isAnswered: false) }
      turn = nil
      // What an earlier attempt may have stored, no later one takes back.
      error.isInDoubt = error.isInDoubt || last?.isInDoubt ?? false
      // What may have been stored fails the condition, as if somebody else had stored it.
      let mayGoAgain = condition == .none || !error.isInDoubt
      if isGivenUp, mayGoAgain {
        if error.isInDoubt { last = error }
        continue
      }
      last = error
      guard mayGoAgain, await tools.patience.isLeft(after: error, &trouble) else {
        guard Task.isCancelled, error.isTransient else {
          return .failure(await failure(for: error, ending: Ending(of: error)))
        }
        return .failure(await cancellation(after: error))
      }
    }
  }

  /// Of one that is cancelled while it waits.
  ///
  /// - Parameter last: why the last attempt failed; it counts where that may have stored something.
  private func cancellation(after last: S3Error?) async -> UploadMachine.Failure {
    let cancelled = S3Error(operation: .putObject, cause: .transport(.cancelled), attempts: 0)
    let ending = Ending(of: last ?? cancelled)
    let isInDoubt = ending.outcome == .interrupted
    return await failure(for: isInDoubt ? last ?? cancelled : cancelled, ending: ending)
  }

  /// A source that changes makes other errors, such as one about a checksum: it is named instead.
  func failure(for error: S3Error, ending: Ending) async -> UploadMachine.Failure {
    if !error.isCancellation, await source.hasChanged() {
      var ending = ending
      ending.errorCode = "SourceChanged"
      return UploadMachine.Failure(error: .fileChanged(source.path), ending: ending)
    }
    if error.isCancellation, tools.stop.isRaised {
      var ending = ending
      if ending.outcome == .cancelled { ending.errorCode = "Stopped" }
      return UploadMachine.Failure(error: .stopped, ending: ending)
    }
    return UploadMachine.Failure(
      error: StorageError(error, ending: ending, while: undertaking), ending: ending)
  }
}
