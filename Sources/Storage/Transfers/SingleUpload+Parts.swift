import HTTP
import History
import S3

/// The side of large files: one request that begins the upload, many for its parts, one that makes
/// them an object. What has arrived is kept in the journal, so that a later run goes on from there.
extension SingleUpload {
  func inParts(_ plan: PartPlan) async throws(StorageError) -> TransferResult {
    let log = try await UploadLog.take(request, insteadOf: asked, tools)
    let (result, isKept) = await inParts(plan, log)
    if isKept {
      await log?.release()
      tools.stop.keep()
    } else {
      await log?.remove()
    }
    return try result.get()
  }

  private typealias Finished = (result: Result<TransferResult, StorageError>, isKept: Bool)

  private func inParts(_ plan: PartPlan, _ log: UploadLog?) async -> Finished {
    var beginning = Beginning.new(plan)
    var resumption: Resumption?
    var warning: StorageError?
    if let log, let left = left(log) {
      switch await left.examine() {
      case .goesOn(let id, let plan, let parts):
        let kept = ByteCount(parts.reduce(0) { $0 + $1.size })
        progress.keep(kept)
        resumption = .resumed(kept: kept)
        beginning = .resumed(id, plan, parts)
      case .completed(let receipt):
        return (.success(await completedBefore(log, receipt)), false)
      case .startsOver(let reason, let id):
        resumption = .startedOver(reason)
        if let id { warning = await abort(id) }
      case .failed(let error):
        let failure = await failure(for: error, ending: .notStored(error))
        return (.failure(failure.error.resumable), true)
      }
    }
    if let log { await settleEarlier(log, .processDied) }

    var change = change
    change.detail = resumption?.detail
    let row: ChangeID
    do {
      row = try await tools.recorder.begin(change, while: undertaking)
    } catch {
      // Nothing was sent: what an earlier run has left is still there.
      return (.failure(error), beginning.isResumed)
    }
    let end = await carryOut(beginning, log)
    warning =
      await tools.recorder.finish([(row, end.ending)], while: undertaking)
      ?? warning
    switch end.result {
    case .success(let receipt):
      if end.mayLeaveUpload {
        warning = StorageError.unfinishedUpload(of: location).noting(warning)
      }
      return (.success(result(receipt, resumption, warning)), false)
    case .failure(var error):
      if end.mayLeaveUpload { error = error.perhapsLeavingUpload(of: location) }
      if end.isKept { error = error.resumable }
      return (.failure(error.noting(warning)), end.isKept)
    }
  }

  /// An upload that an earlier run left, where an object is that is not to be replaced.
  ///
  /// - Returns: nil when the object is not the one that it was to make; the upload is then given up.
  func finishCompleted(_ log: UploadLog) async throws(StorageError) -> TransferResult? {
    guard let left = left(log) else {
      await log.remove()
      return nil
    }
    switch await left.examine() {
    case .completed(let receipt):
      let result = await completedBefore(log, receipt)
      await log.remove()
      return result
    case .goesOn(let id, _, _), .startsOver(_, aborting: let id?):
      let problem = await abort(id)
      await settleEarlier(log, .processDied)
      if let problem {
        await log.release()
        throw problem
      }
    case .startsOver(_, aborting: nil):
      await settleEarlier(log, .processDied)
    case .failed(let error):
      await log.release()
      throw StorageError(error, while: undertaking)
    }
    await log.remove()
    return nil
  }

  private func left(_ log: UploadLog) -> LeftUpload? {
    guard let subject = log.entry.subject, let id = subject.uploadID else { return nil }
    return LeftUpload(
      log: log, subject: subject, id: id, source: source, location: location,
      attributes: attributes, client: client)
  }

  private func completedBefore(
    _ log: UploadLog, _ receipt: WriteReceipt
  ) async -> TransferResult {
    progress.keep(source.size)
    await settleEarlier(log, Ending(receipt, size: source.size))
    return result(receipt, .resumed(kept: source.size), nil)
  }

  /// What an upload in parts begins with.
  private enum Beginning {
    case new(PartPlan)
    /// Parts that are on the server already.
    case resumed(UploadID, PartPlan, [PartReceipt])

    var plan: PartPlan {
      switch self {
      case .new(let plan), .resumed(_, let plan, _): plan
      }
    }

    var isResumed: Bool { if case .resumed = self { true } else { false } }
  }

  private struct End {
    var result: Result<WriteReceipt, StorageError>
    var ending: Ending
    /// Whether an upload may be on the server whose ID nobody knows.
    var mayLeaveUpload: Bool
    /// Whether the upload stays there to be resumed.
    var isKept = false
  }

  private func carryOut(_ beginning: Beginning, _ log: UploadLog?) async -> End {
    await withTaskGroup(of: UploadMachine.Event.self) { tasks in
      var mayLeaveUpload = false
      let plan = beginning.plan
      var machine = UploadMachine(plan: plan, partsAtOnce: tools.partsAtOnce)
      var commands =
        if case .resumed(let id, _, let parts) = beginning {
          machine.resume(id, done: parts)
        } else {
          machine.start()
        }
      while true {
        for command in commands {
          switch command {
          case .stopParts:
            tasks.cancelAll()
          case .succeed(let receipt):
            return End(
              result: .success(receipt), ending: Ending(receipt, size: source.size),
              mayLeaveUpload: mayLeaveUpload)
          case .fail(let failure, let leftovers):
            let error = leftovers.map { failure.error.leaving($0, at: location) }
            return End(
              result: .failure(error ?? failure.error), ending: failure.ending,
              mayLeaveUpload: mayLeaveUpload, isKept: failure.keepsUpload)
          case .create:
            // Nothing else of this upload can run meanwhile.
            let creation = await create()
            mayLeaveUpload = creation.mayLeaveUpload
            if case .created(let id) = creation.event { await log?.began(id, of: source, plan) }
            tasks.addTask { creation.event }
          case .send(let part, let id):
            tasks.addTask { await send(part, plan.range(of: part), id, log) }
          case .complete(let id, let parts):
            tasks.addTask { await complete(id, parts, log) }
          case .abort(let id): tasks.addTask { .aborted(problem: await abort(id)) }
          }
        }
        guard let event = await tasks.next() else {
          preconditionFailure("a machine that has not finished has a request under way")
        }
        if case .partSent(let receipt) = event { await log?.sent(receipt) }
        commands = Task.isCancelled ? machine.handle(.givenUp(givenUp(log))) : []
        commands += machine.handle(event)
      }
    }
  }

  private func givenUp(_ log: UploadLog?) -> UploadMachine.Failure {
    guard tools.stop.isRaised else { return .cancelled }
    var failure = UploadMachine.Failure.stopped
    failure.keepsUpload = log?.canResume == true
    return failure
  }

  /// Runs to its end although the transfer is cancelled: a lost answer would leave an upload behind
  /// that nobody can name.
  ///
  /// - Returns: also whether an attempt without an answer may have begun an upload whose ID is not
  ///   known. It is not looked for by its key: somebody else may be uploading to the same one.
  private func create() async -> (event: UploadMachine.Event, mayLeaveUpload: Bool) {
    let stop = tools.stop
    var mayLeaveUpload = false
    while true {
      do {
        let upload = try await withGrace(
          { () async throws(S3Error) in
            try await client.createMultipartUpload(location, attributes: attributes)
          }, for: .lastRequest(stop))
        tools.patience.succeeded()
        return (.created(upload.uploadID), upload.mayHaveLeftAnother || mayLeaveUpload)
      } catch {
        mayLeaveUpload = mayLeaveUpload || error.isInDoubt
        if await tools.patience.isLeft(after: error) { continue }
        let failure = await failure(for: error, ending: .notStored(error))
        return (.creationFailed(failure), mayLeaveUpload)
      }
    }
  }

  private func send(
    _ part: PartNumber, _ range: Range<Int64>, _ id: UploadID, _ log: UploadLog?
  ) async -> UploadMachine.Event {
    switch await sendNow(part, range, id) {
    case .success(let receipt):
      tools.patience.succeeded()
      return .partSent(receipt)
    case .failure(let error):
      // In nobody's way while it waits.
      if await tools.patience.isLeft(after: error) { return .partPutBack(part) }
      if error.isCancellation { return .partFailed(givenUp(log)) }
      var failure = await failure(for: error, ending: .notStored(error))
      failure.keepsUpload = keepsUpload(error, failure, log)
      return .partFailed(failure)
    }
  }

  /// Given up and sent again when the transfer is paused meanwhile.
  private func sendNow(
    _ part: PartNumber, _ range: Range<Int64>, _ id: UploadID
  ) async -> Result<PartReceipt, S3Error> {
    do {
      let receipt = try await tools.pausable(.uploadPart) { () async throws(S3Error) in
        // It may have waited for its turn. The failure is then found to be that of the source.
        guard await !source.hasChanged() else {
          throw S3Error(operation: .uploadPart, cause: .transport(.fileTooShort), attempts: 0)
        }
        let counter = progress.begin()
        let slice = FileSlice(
          file: source.file, offset: range.lowerBound, count: Int64(range.count))
        do throws(S3Error) {
          let receipt = try await client.uploadPart(
            location, uploadID: id, partNumber: part, body: .file(slice), progress: counter)
          progress.end(counter, isDone: true)
          return receipt
        } catch {
          progress.end(counter, isDone: false)
          throw error
        }
      }
      return .success(receipt)
    } catch {
      return .failure(error)
    }
  }

  /// Whether to go on some other day: when the line or the keys are at fault and not the upload.
  private func keepsUpload(
    _ error: S3Error, _ failure: UploadMachine.Failure, _ log: UploadLog?
  ) -> Bool {
    guard log?.canResume == true, failure.error.kind != .fileChanged else { return false }
    return error.isTransient || failure.error.kind == .credentials
      || failure.error.kind == .connection || failure.error.kind == .stopped
  }

  private func complete(
    _ id: UploadID, _ parts: [PartReceipt], _ log: UploadLog?
  ) async -> UploadMachine.Event {
    guard await !source.hasChanged() else { return .completionFailed(sourceChanged) }
    let stop = tools.stop
    var isInDoubt = false
    while true {
      do {
        let receipt = try await withGrace(
          { () async throws(S3Error) in
            try await client.completeMultipartUpload(
              location, uploadID: id, parts: parts, condition: condition,
              objectSize: source.size.bytes)
          }, for: .lastRequest(stop))
        tools.patience.succeeded()
        return .completed(receipt)
      } catch {
        // An earlier round may have done it: then there is no such upload any more.
        if isInDoubt, !error.isTransient,
          let receipt = try? await client.completedUpload(location, parts: parts)
        {
          return .completed(receipt)
        }
        isInDoubt = isInDoubt || error.isInDoubt
        if await tools.patience.isLeft(after: error) { continue }
        var ending = Ending(of: error)
        if isInDoubt { ending.outcome = .interrupted }
        var failure = await failure(for: error, ending: ending)
        failure.keepsUpload = keepsUpload(error, failure, log)
        return .completionFailed(failure)
      }
    }
  }

  private func abort(_ id: UploadID) async -> StorageError? {
    await tools.recorder.abort(id, of: location, client)
  }

  /// Gives the rows of the process that died an outcome.
  private func settleEarlier(_ log: UploadLog, _ ending: Ending) async {
    // A new entry has had no process before this one.
    guard log.entry.subject != nil || log.entry.state != .stopped else { return }
    await tools.recorder.settle(change, ending)
  }

  private var sourceChanged: UploadMachine.Failure {
    UploadMachine.Failure(
      error: .fileChanged(source.path),
      ending: Ending(outcome: .failed, errorCode: "SourceChanged"))
  }
}

extension Duration {
  /// How long the answer to a request is waited for that begins or completes an upload. Who stops
  /// wants to be gone in two seconds, and resuming finds out what the server did.
  fileprivate static func lastRequest(_ stop: StopSign) -> Duration {
    stop.isRaised ? .seconds(1) : .seconds(30)
  }
}
