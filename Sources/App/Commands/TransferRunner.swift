import S3
import Storage
import TextUI

/// Runs transfers to their end, tells of each result, and shows a line of progress meanwhile.
struct TransferRunner {
  let engine: TransferEngine
  let context: CommandContext
  let progress: TransferProgressLine

  /// - Parameter total: nil while it is not known how many there will be.
  init(_ session: Session, _ context: CommandContext, total: Int?) {
    engine = session.service.transfers
    self.context = context
    context.console.neverWaitForTerminal()
    context.serve(session)
    ProgramPages.giveBack()
    progress = TransferProgressLine(context, total: total)
  }

  /// Shows how far the engine's transfers are while `body` runs, and stops them resumably when the
  /// task is cancelled.
  func withProgress<Value>(_ body: () async -> Value) async -> Value {
    let (engine, progress) = (engine, progress)
    let watch = Task {
      for await statuses in engine.updates() { progress.show(statuses, rate: await engine.rate) }
    }
    defer {
      watch.cancel()
      context.console.clearProgress()
      tellJournalProblem()
    }
    return await withTaskCancellationHandler {
      await body()
    } onCancel: {
      Task { await engine.stopResumably() }
    }
  }

  /// Another Pail may have asked for one more try of what failed here.
  func waitForRetries() async {
    guard await !engine.isIdle else { return }
    for await statuses in engine.updates() where statuses.allSatisfy(\.state.isOver) { return }
  }

  private func tellJournalProblem() {
    guard let problem = engine.untoldJournalProblem() else { return }
    context.console.message(
      "pail: \(problem.message)\n  What is interrupted meanwhile cannot be resumed")
  }

  /// Runs single transfers to their end, each told as it is over.
  func run(_ requests: [TransferRequest]) async {
    let engine = engine
    let ids = await engine.enqueue(requests)
    progress.began()
    await withTaskGroup(of: Ended.self) { group in
      for (id, request) in zip(ids, requests) {
        group.addTask {
          // In a task of its own: who interrupts the command wants what has moved to be kept,
          // and cancelling the wait would give it up.
          Ended(request: request, result: await Task { await engine.outcome(of: id) }.value)
        }
      }
      for await ended in group { report(ended) }
    }
    await engine.clearArrived(ids)
  }

  private struct Ended: Sendable {
    var request: TransferRequest
    var result: Result<TransferResult, StorageError>
  }

  private func report(_ ended: Ended) {
    switch ended.result {
    case .success(let result):
      progress.finished(result.isSkipped ? .zero : result.size ?? .zero)
      context.warn(result.warning)
      context.report(result.resumption, of: subject(of: ended.request))
      context.reportTransfer(ended.request.direction, result)
    // One that was cancelled alone was cancelled by another Pail.
    case .failure(let error)
    where error.kind == .stopped || error.isCancellation && Task.isCancelled: break
    case .failure(let error):
      progress.finished(.zero)
      context.fail(subject(of: ended.request), error)
    }
  }

  private func subject(of request: TransferRequest) -> [UInt8] {
    if case .upload(let file, _, _) = request.work { return file.bytes }
    return S3URI(bucket: request.location.bucket, key: request.location.key).bytes
  }
}

extension CommandContext {
  /// Says when nothing of an earlier run could be kept.
  fileprivate func report(_ resumption: Resumption?, of subject: [UInt8]) {
    guard case .startedOver(let reason) = resumption else { return }
    console.notice("pail: \(Visible.text(subject)): started over, since \(reason.words)")
  }

  /// One line for each object that has moved.
  ///
  /// - Parameter isFile: false for standard input, whose name in words is no path.
  func reportTransfer(
    _ direction: TransferDirection, _ result: TransferResult, isFile: Bool = true
  ) {
    let place = S3URI(bucket: result.location.bucket, key: result.location.key).bytes
    if isJSON {
      var line = JSONLine()
      line.add("action", direction == .upload ? "upload" : "download")
      line.add("bucket", result.location.bucket.text)
      line.add("key", bytes: result.location.key.bytes)
      if isFile { line.add("localPath", bytes: result.localPath.bytes) }
      line.add("size", result.size?.bytes)
      line.add("etag", result.etag?.text)
      line.add("versionID", result.location.versionID?.text)
      line.add("checksum", result.checksum)
      if let verification = result.verification {
        line.add("verified", verification.isVerified)
        line.add("verification", verification.description)
      }
      line.add("skipped", result.isSkipped)
      switch result.resumption {
      case .resumed(let kept): line.add("resumedFrom", kept.bytes)
      case .startedOver(let reason): line.add("startedOver", "\(reason)")
      case nil: break
      }
      console.result(line.bytes)
      return
    }
    if result.isSkipped {
      let existing = direction == .upload ? place : result.localPath.bytes
      console.confirmation(
        Array("Skipped ".utf8) + console.name(existing) + Array(", which is there already".utf8))
      return
    }
    let (from, to) =
      direction == .upload ? (result.localPath.bytes, place) : (place, result.localPath.bytes)
    let verb = direction == .upload ? "Uploaded" : "Downloaded"
    var end = ""
    if case .resumed(let kept) = result.resumption, kept > .zero {
      end = " (\(ByteFormat.iec(kept.bytes)) were there already)"
    }
    var line: [UInt8] = []
    line.reserveCapacity(from.count + to.count + 64)
    line += verb.utf8
    line.append(UInt8(ascii: " "))
    line += console.name(from)
    line += " to ".utf8
    line += console.name(to)
    line += end.utf8
    console.confirmation(line)
    if let verification = result.verification, !verification.isVerified {
      // Also where nothing else is told.
      console.message("pail: \(String(decoding: to, as: UTF8.self)) is \(verification)")
    }
  }
}
