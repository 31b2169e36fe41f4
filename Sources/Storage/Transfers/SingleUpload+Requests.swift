import HTTP
import History
import S3
import Synchronization

/// The requests of an upload in parts: one that begins it, many for its parts, and one that makes them
/// an object or gives them up. ``UploadMachine`` decides which is next.
extension SingleUpload {
  /// What an upload in parts begins with.
  enum Beginning {
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

  /// How it ended.
  struct End {
    var result: Result<WriteReceipt, StorageError>
    var ending: Ending
    /// Whether an upload may be on the server whose ID nobody knows.
    var mayLeaveUpload: Bool
    /// Whether the upload stays there to be resumed.
    var isKept = false
  }

  func carryOut(_ beginning: Beginning, _ log: UploadLog?) async -> End {
    await withTaskGroup(of: UploadMachine.Event.self) { tasks in
      var mayLeaveUpload = false
      let plan = beginning.plan
      progress.set(partSize: plan.partSize)
      let troubles = PartTroubles()
      var machine = UploadMachine(plan: plan, partsAtOnce: tools.uploadedPartsAtOnce)
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
            tasks.addTask { await send(part, plan.range(of: part), id, log, troubles) }
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
    var trouble = Patience.Trouble()
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
        if await tools.patience.isLeft(after: error, &trouble) { continue }
        let failure = await failure(for: error, ending: .notStored(error))
        return (.creationFailed(failure), mayLeaveUpload)
      }
    }
  }

  private func send(
    _ part: PartNumber, _ range: Range<Int64>, _ id: UploadID, _ log: UploadLog?,
    _ troubles: PartTroubles
  ) async -> UploadMachine.Event {
    switch await sendNow(part, range, id) {
    case .success(let receipt):
      tools.patience.succeeded()
      return .partSent(receipt)
    case .failure(let error):
      // In nobody's way while it waits.
      var trouble = troubles[part]
      let isLeft = await tools.patience.isLeft(after: error, &trouble)
      troubles[part] = trouble
      if isLeft { return .partPutBack(part) }
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
    let slice = FileSlice(
      file: source.file, offset: range.lowerBound, count: Int64(range.count))
    do {
      // While others are sent: whoever gets a turn has no more to do than to send.
      let digest = try await client.digest(ofPart: .file(slice))
      let receipt = try await tools.pausable(.uploadPart, progress) {
        (counter) async throws(S3Error) in
        // It may have waited for its turn. The failure is then found to be that of the source.
        guard await !source.hasChanged() else {
          throw S3Error(operation: .uploadPart, cause: .transport(.fileTooShort), attempts: 0)
        }
        return try await client.uploadPart(
          location, uploadID: id, partNumber: part, body: .file(slice), digest: digest,
          progress: counter)
      }
      return .success(receipt)
    } catch {
      return .failure(error)
    }
  }

  /// Whether to go on some other day: when the line, the keys, rights that were taken away or the disk
  /// of the source are at fault and not the upload.
  private func keepsUpload(
    _ error: S3Error, _ failure: UploadMachine.Failure, _ log: UploadLog?
  ) -> Bool {
    guard log?.canResume == true, failure.error.kind != .fileChanged else { return false }
    return error.isTransient
      || [.credentials, .connection, .stopped, .accessDenied, .localFile].contains(
        failure.error.kind)
  }

  private func complete(
    _ id: UploadID, _ parts: [PartReceipt], _ log: UploadLog?
  ) async -> UploadMachine.Event {
    guard await !source.hasChanged() else { return .completionFailed(sourceChanged) }
    let stop = tools.stop
    var isInDoubt = false
    var trouble = Patience.Trouble()
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
        if await tools.patience.isLeft(after: error, &trouble) { continue }
        var ending = Ending(of: error)
        if isInDoubt { ending.outcome = .interrupted }
        var failure = await failure(for: error, ending: ending)
        failure.keepsUpload = keepsUpload(error, failure, log)
        return .completionFailed(failure)
      }
    }
  }

  func abort(_ id: UploadID) async -> StorageError? {
    await tools.recorder.abort(id, of: location, client)
  }

  private var sourceChanged: UploadMachine.Failure {
    UploadMachine.Failure(
      error: .fileChanged(source.path),
      ending: Ending(outcome: .failed, errorCode: "SourceChanged"))
  }
}

/// What the parts of one upload have been through, which are put back and sent again.
private final class PartTroubles: Sendable {
  private let troubles = Mutex<[PartNumber: Patience.Trouble]>([:])

  subscript(part: PartNumber) -> Patience.Trouble {
    get { troubles.withLock { $0[part] ?? Patience.Trouble() } }
    set { troubles.withLock { $0[part] = newValue } }
  }
}

extension Duration {
  /// How long the answer to a request is waited for that begins or completes an upload. Who stops
  /// wants to be gone in two seconds, and resuming finds out what the server did.
  fileprivate static func lastRequest(_ stop: StopSign) -> Duration {
    stop.isRaised ? .seconds(1) : .seconds(30)
  }
}
