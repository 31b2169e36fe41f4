import HTTP
import History
import S3

/// The side of large files, in parts: what an earlier run has left of it, and its rows in the history.
/// What has arrived is kept in the journal, so that a later run goes on from there.
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
    // Whether an upload of before could not be given up.
    var isLeft = false
    if let log, let left = left(log) {
      switch await left.examine() {
      case .goesOn(let id, let plan, let parts):
        let kept = ByteCount(parts.reduce(0) { $0 + $1.size })
        progress.keep(kept)
        resumption = .resumed(kept: kept)
        beginning = .resumed(id, plan, parts)
      case .completed(let receipt):
        return (.success(await completedBefore(receipt)), false)
      case .startsOver(let reason, let id):
        resumption = .startedOver(reason)
        if let id {
          warning = await abort(id)
          isLeft = warning != nil
        }
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
      return (.failure(error.noting(warning)), beginning.isResumed || isLeft)
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
      return (.failure(error.noting(warning)), end.isKept || isLeft && log?.hasBegun == false)
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
      let result = await completedBefore(receipt)
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

  private func completedBefore(_ receipt: WriteReceipt) async -> TransferResult {
    progress.keep(source.size)
    let resumption = Resumption.resumed(kept: source.size)
    var change = change
    change.detail = resumption.detail
    let warning = await tools.recorder.foundDone(
      change, Ending(receipt, size: source.size), while: undertaking)
    return result(receipt, resumption, warning)
  }

  /// Gives the rows of the process that died an outcome.
  private func settleEarlier(_ log: UploadLog, _ ending: Ending) async {
    // A new entry has had no process before this one.
    guard log.entry.subject != nil || log.entry.state != .stopped else { return }
    await tools.recorder.settle(change, ending)
  }
}
