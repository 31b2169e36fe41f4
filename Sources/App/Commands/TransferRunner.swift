import S3
import Storage
import TextUI

/// Runs transfers to their end, tells of each result, and shows a line of progress meanwhile.
struct TransferRunner {
  let engine: TransferEngine
  let context: CommandContext
  let progress: TransferProgressLine

  /// Waiting in the engine at a time: a folder of a million files is not a million transfers.
  private static let inFlight = 64
  /// The engine forgets what is over after so many.
  private static let batch = 250

  /// - Parameter total: nil while it is not known how many there will be.
  init(_ session: Session, _ context: CommandContext, total: Int?) {
    engine = session.service.transfers
    self.context = context
    context.console.neverWaitForTerminal()
    context.serve(session)
    ProgramPages.giveBack()
    progress = TransferProgressLine(context, total: total)
  }

  /// - Parameter next: gives the next transfer, nil at the end.
  /// - Throws: what `next` throws, and `CancellationError` when the task was cancelled. No
  ///   transfer is under way any more in either case.
  func run(_ next: () async throws -> TransferRequest?) async throws {
    let engine = engine
    let progress = progress
    let watch = Task {
      for await statuses in engine.updates() { progress.show(statuses) }
    }
    defer {
      watch.cancel()
      context.console.clearProgress()
      tellJournalProblem()
    }
    try await withTaskCancellationHandler {
      var isAtEnd = false
      while !isAtEnd {
        isAtEnd = try await runBatch(next)
        await waitForRetries()
        await engine.clearFinished()
      }
    } onCancel: {
      Task { await engine.stopResumably() }
    }
    if Task.isCancelled { await engine.stopResumably() }
    try Task.checkCancellation()
  }

  /// Another Pail may have asked for one more try of what failed here.
  private func waitForRetries() async {
    guard await !engine.isIdle else { return }
    for await statuses in engine.updates() where statuses.allSatisfy(\.state.isOver) { return }
  }

  func tellJournalProblem() {
    guard let problem = engine.untoldJournalProblem() else { return }
    context.console.message(
      "pail: \(problem.message)\n  What is interrupted meanwhile cannot be resumed")
  }

  /// Says, when all was stopped, what can be resumed.
  ///
  /// - Parameters:
  ///   - rest: folders and prefixes that were not begun with; they are kept as well.
  ///   - others: the count of those that the journal has and that were not begun with.
  func tellKept(_ rest: ArraySlice<TransferTree>, besides others: Int = 0) async {
    let count = await engine.stopResumably().kept + engine.keep(rest) + others
    guard count > 0 else { return }
    let what = count == 1 ? "1 unfinished transfer is" : "\(count) unfinished transfers are"
    context.console.message("pail: \(what) kept: pail transfers resume goes on from there")
  }

  func run(_ requests: [TransferRequest]) async throws {
    var rest = requests[...]
    try await run { rest.popFirst() }
  }

  /// - Returns: whether there are no more.
  private func runBatch(_ next: () async throws -> TransferRequest?) async throws -> Bool {
    let engine = engine
    return try await withThrowingTaskGroup(of: Ended.self) { group in
      var running = 0
      for _ in 0..<Self.batch {
        if running >= Self.inFlight, let ended = try await group.next() {
          report(ended)
          running -= 1
        }
        guard !Task.isCancelled, let request = try await next() else {
          while let ended = try await group.next() { report(ended) }
          return true
        }
        running += 1
        group.addTask {
          let ids = await engine.enqueue([request])
          guard let id = ids.first else { return Ended(request: request, result: nil) }
          // In a task of its own: who interrupts the command wants what has moved to be kept,
          // and cancelling the wait would give it up.
          let result = await Task { await engine.outcome(of: id) }.value
          return Ended(request: request, result: result)
        }
      }
      while let ended = try await group.next() { report(ended) }
      return false
    }
  }

  private struct Ended: Sendable {
    var request: TransferRequest
    var result: Result<TransferResult, StorageError>?
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
    case nil: break
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
  func reportTransfer(_ direction: TransferDirection, _ result: TransferResult) {
    let place = S3URI(bucket: result.location.bucket, key: result.location.key).bytes
    if isJSON {
      var line = JSONLine()
      line.add("action", direction == .upload ? "upload" : "download")
      line.add("bucket", result.location.bucket.text)
      line.add("key", bytes: result.location.key.bytes)
      line.add("localPath", bytes: result.localPath.bytes)
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
    if case .resumed(let kept) = result.resumption {
      end = " (\(ByteFormat.iec(kept.bytes)) were there already)"
    }
    console.confirmation(
      Array("\(verb) ".utf8) + console.name(from) + Array(" to ".utf8) + console.name(to)
        + Array(end.utf8))
    if let verification = result.verification, !verification.isVerified {
      // Also where nothing else is told.
      console.message("pail: \(String(decoding: to, as: UTF8.self)) is \(verification)")
    }
  }
}
