import HTTP
import History
import S3
import SystemPackage

/// One file to one key, of which it is decided that it is to be written.
struct SingleUpload: Sendable {
  let source: SourceFile
  let location: ObjectLocation
  let attributes: ObjectAttributes
  let condition: WriteCondition
  let tools: TransferTools
  let progress: TransferProgress

  private var client: S3Client { tools.client }
  private var undertaking: Undertaking { .upload(source.path, to: location) }
  private var change: Change {
    Change(
      .upload, bucket: location.bucket, key: location.key, size: source.size,
      localPath: source.path)
  }

  private func result(_ receipt: WriteReceipt, _ warning: StorageError?) -> TransferResult {
    TransferResult(
      location: ObjectLocation(
        bucket: location.bucket, key: location.key, versionID: receipt.versionID),
      localPath: source.path, size: source.size, etag: receipt.etag, checksum: receipt.checksum,
      warning: warning)
  }

  // MARK: - In one request

  func whole() async throws(StorageError) -> TransferResult {
    guard let turn = await tools.enter(.init(objectOf: source.size)) else { throw .cancelled }
    do {
      let result = try await put()
      tools.leave(turn)
      return result
    } catch {
      tools.leave(turn)
      throw error
    }
  }

  private func put() async throws(StorageError) -> TransferResult {
    // It may have waited for its turn; what would be cut off now must not replace an object.
    guard await !source.hasChanged() else { throw .fileChanged(source.path) }
    let row = try await tools.recorder.begin(change, while: undertaking)
    let counter = progress.begin()
    let size = source.size.bytes
    let receipt: WriteReceipt
    do {
      let body = HTTPRequestBody.file(FileSlice(file: source.file, offset: 0, count: size))
      // Once the whole body has left, the answer tells more than giving up would.
      receipt = try await withGrace(
        { () async throws(S3Error) in
          try await client.putObject(
            location, body: body, attributes: attributes, condition: condition,
            progress: counter)
        }, if: { counter.value >= size })
    } catch {
      progress.end(counter, isDone: false)
      let failure = await failure(for: error, ending: Ending(of: error))
      let warning = await tools.recorder.finish([(row, failure.ending)], while: undertaking)
      throw failure.error.noting(warning)
    }
    progress.end(counter, isDone: true)
    let warning = await tools.recorder.finish(
      [(row, Ending(receipt, size: source.size))], while: undertaking)
    // The object is there, and may mix old and new bytes.
    guard await !source.hasChanged() else {
      throw StorageError.fileChanged(source.path).noting(warning)
    }
    return result(receipt, warning)
  }

  /// A source that changes makes other errors, such as one about a checksum: it is named instead.
  private func failure(for error: S3Error, ending: Ending) async -> UploadMachine.Failure {
    if !error.isCancellation, await source.hasChanged() {
      var ending = ending
      ending.errorCode = "SourceChanged"
      return UploadMachine.Failure(error: .fileChanged(source.path), ending: ending)
    }
    // Not simply cancelled, where the server may have stored it.
    let isInDoubt = error.isCancellation && ending.outcome == .interrupted
    return UploadMachine.Failure(
      error: isInDoubt ? .unanswered(undertaking) : StorageError(error, while: undertaking),
      ending: ending)
  }

  // MARK: - In parts

  func inParts(_ plan: PartPlan) async throws(StorageError) -> TransferResult {
    let row = try await tools.recorder.begin(change, while: undertaking)
    let (end, ending, mayLeaveUpload) = await carryOut(plan)
    let warning = await tools.recorder.finish([(row, ending)], while: undertaking)
    switch end {
    case .success(let receipt):
      guard mayLeaveUpload else { return result(receipt, warning) }
      return result(receipt, StorageError.unfinishedUpload(of: location).noting(warning))
    case .failure(let error):
      throw (mayLeaveUpload ? error.perhapsLeavingUpload(of: location) : error).noting(warning)
    }
  }

  private typealias End = (
    result: Result<WriteReceipt, StorageError>, ending: Ending, mayLeaveUpload: Bool
  )

  private func carryOut(_ plan: PartPlan) async -> End {
    await withTaskGroup(of: UploadMachine.Event.self) { tasks in
      var mayLeaveUpload = false
      var machine = UploadMachine(plan: plan, partsAtOnce: tools.partsAtOnce)
      var commands = [machine.firstCommand]
      while true {
        for command in commands {
          switch command {
          case .stopParts:
            tasks.cancelAll()
          case .succeed(let receipt):
            return (.success(receipt), Ending(receipt, size: source.size), mayLeaveUpload)
          case .fail(let failure, let leftovers):
            let error = leftovers.map { failure.error.leaving($0, at: location) }
            return (.failure(error ?? failure.error), failure.ending, mayLeaveUpload)
          case .create:
            // Nothing else of this upload can run meanwhile.
            let creation = await create()
            mayLeaveUpload = creation.mayLeaveUpload
            tasks.addTask { creation.event }
          case .send(let part, let id): tasks.addTask { await send(part, plan.range(of: part), id) }
          case .complete(let id, let parts): tasks.addTask { await complete(id, parts) }
          case .abort(let id): tasks.addTask { await abort(id) }
          }
        }
        guard let event = await tasks.next() else {
          preconditionFailure("a machine that has not finished has a request under way")
        }
        commands = Task.isCancelled ? machine.handle(.cancelled) : []
        commands += machine.handle(event)
      }
    }
  }

  /// Runs to its end although the transfer is cancelled: a lost answer would leave an upload behind
  /// that nobody can name.
  ///
  /// - Returns: also whether an attempt without an answer may have begun an upload whose ID is not
  ///   known. It is not looked for by its key: somebody else may be uploading to the same one.
  private func create() async -> (event: UploadMachine.Event, mayLeaveUpload: Bool) {
    do {
      let upload = try await withGrace(
        { () async throws(S3Error) in
          try await client.createMultipartUpload(location, attributes: attributes)
        }, for: .seconds(30))
      return (.created(upload.uploadID), upload.mayHaveLeftAnother)
    } catch {
      let failure = await failure(for: error, ending: .notStored(error))
      return (.creationFailed(failure), error.isInDoubt)
    }
  }

  private func send(
    _ part: PartNumber, _ range: Range<Int64>, _ id: UploadID
  ) async -> UploadMachine.Event {
    guard let turn = await tools.enter(.part) else { return .partFailed(.cancelled) }
    let event = await sendNow(part, range, id)
    tools.leave(turn)
    return event
  }

  private func sendNow(
    _ part: PartNumber, _ range: Range<Int64>, _ id: UploadID
  ) async -> UploadMachine.Event {
    guard await !source.hasChanged() else { return .partFailed(sourceChanged) }
    let counter = progress.begin()
    do {
      let slice = FileSlice(
        file: source.file, offset: range.lowerBound, count: Int64(range.count))
      let receipt = try await client.uploadPart(
        location, uploadID: id, partNumber: part, body: .file(slice), progress: counter)
      progress.end(counter, isDone: true)
      return .partSent(receipt)
    } catch {
      progress.end(counter, isDone: false)
      return .partFailed(await failure(for: error, ending: .notStored(error)))
    }
  }

  private func complete(_ id: UploadID, _ parts: [PartReceipt]) async -> UploadMachine.Event {
    guard await !source.hasChanged() else { return .completionFailed(sourceChanged) }
    do {
      return .completed(
        try await withGrace(
          { () async throws(S3Error) in
            try await client.completeMultipartUpload(
              location, uploadID: id, parts: parts, condition: condition,
              objectSize: source.size.bytes)
          }, for: .seconds(30)))
    } catch {
      return .completionFailed(await failure(for: error, ending: Ending(of: error)))
    }
  }

  /// A change like any other, so it is recorded; it goes on when the transfer is cancelled.
  private func abort(_ id: UploadID) async -> UploadMachine.Event {
    let change = Change(.abortUpload, bucket: location.bucket, key: location.key)
    let abortion = Task { () async -> StorageError? in
      do throws(StorageError) {
        return try await tools.recorder.recorded(change, while: .abortUpload(location)) {
          () async throws(S3Error) in
          try await client.abortMultipartUpload(location, uploadID: id)
        }.warning
      } catch {
        return error
      }
    }
    return .aborted(problem: await abortion.value)
  }

  private var sourceChanged: UploadMachine.Failure {
    UploadMachine.Failure(
      error: .fileChanged(source.path),
      ending: Ending(outcome: .failed, errorCode: "SourceChanged"))
  }
}

extension Ending {
  /// Before its completion an upload in parts has no object, whatever became of a request.
  fileprivate static func notStored(_ error: S3Error) -> Ending {
    Ending(
      outcome: error.isCancellation ? .cancelled : .failed, errorCode: error.recordedCode)
  }
}
