import History
import S3

/// Decides what an upload in parts does next. ``Uploader`` carries out the commands and reports back.
///
/// However it ends, no part is left on the server: an upload that was begun is completed or aborted,
/// also when the answer that names it comes after the cancellation. Only one that the journal keeps,
/// so that it can be resumed, stays as it is.
struct UploadMachine {
  /// Why an upload is given up.
  struct Failure: Error, Sendable, Hashable {
    var error: StorageError
    var ending: Ending
    /// Whether the upload stays on the server, to be resumed.
    var keepsUpload = false

    static let cancelled = Failure(
      error: .cancelled, ending: Ending(outcome: .cancelled, errorCode: "Cancelled"))
    static let stopped = Failure(
      error: .stopped, ending: Ending(outcome: .interrupted, errorCode: "Stopped"),
      keepsUpload: true)
  }

  enum Event: Sendable {
    /// Somebody wants it to end: for ever, or to be resumed. May come at any time and more than
    /// once; the first counts.
    case givenUp(Failure)
    case created(UploadID)
    case creationFailed(Failure)
    case partSent(PartReceipt)
    /// A part did not arrive, and is to be sent again.
    case partPutBack(PartNumber)
    case partFailed(Failure)
    case completed(WriteReceipt)
    case completionFailed(Failure)
    /// - Parameter problem: why parts are left behind, if they are.
    case aborted(problem: StorageError?)
  }

  enum Command: Sendable, Hashable {
    case create
    case send(PartNumber, UploadID)
    /// End the requests of all parts under way; each still brings its event.
    case stopParts
    case complete(UploadID, [PartReceipt])
    case abort(UploadID)
    case succeed(WriteReceipt)
    /// - Parameter leftovers: why parts are left behind, if they are.
    case fail(Failure, leftovers: StorageError?)
  }

  private enum State {
    /// CreateMultipartUpload is under way. Next: `sending`; `aborting` or `finished` when given up.
    case creating(givenUp: Failure?)
    /// Parts are under way. Next: `completing` with the last one; `stopping` when given up.
    case sending(UploadID, waiting: ArraySlice<PartNumber>, underWay: Int, done: [PartReceipt])
    /// Waits for the parts under way. Next: `aborting`.
    case stopping(UploadID, underWay: Int, Failure)
    /// CompleteMultipartUpload is under way; it is too late to give up. Next: `finished`, `aborting`.
    case completing(UploadID)
    /// AbortMultipartUpload is under way. Next: `finished`.
    case aborting(Failure)
    case finished
  }

  private let plan: PartPlan
  private let partsAtOnce: Int
  private var state = State.creating(givenUp: nil)

  /// - Parameter partsAtOnce: 1 or more.
  init(plan: PartPlan, partsAtOnce: Int) {
    self.plan = plan
    self.partsAtOnce = max(partsAtOnce, 1)
  }

  /// What a new upload begins with.
  func start() -> [Command] { [.create] }

  /// What one begins with that was begun before.
  ///
  /// - Parameter done: parts that the server has, each once.
  mutating func resume(_ id: UploadID, done: [PartReceipt]) -> [Command] {
    let there = Set(done.map(\.number))
    return send(plan.partNumbers.map { PartNumber($0) }.filter { !there.contains($0) }, id, done)
  }

  private mutating func send(
    _ missing: [PartNumber], _ id: UploadID, _ done: [PartReceipt]
  ) -> [Command] {
    guard !missing.isEmpty else {
      state = .completing(id)
      return [.complete(id, done.sorted { $0.number < $1.number })]
    }
    let first = missing.prefix(partsAtOnce)
    state = .sending(
      id, waiting: missing.dropFirst(first.count), underWay: first.count, done: done)
    return first.map { .send($0, id) }
  }

  mutating func handle(_ event: Event) -> [Command] {
    switch (state, event) {
    case (.creating(nil), .givenUp(let failure)):
      state = .creating(givenUp: failure)
      return []
    case (.creating(let failure?), .created) where failure.keepsUpload:
      return end(failure)
    case (.creating(let failure?), .created(let id)):
      state = .aborting(failure)
      return [.abort(id)]
    case (.creating(nil), .created(let id)):
      return send(plan.partNumbers.map { PartNumber($0) }, id, [])
    case (.creating, .creationFailed(let failure)):
      return end(failure)

    case (.sending(let id, let waiting, let underWay, var done), .partSent(let receipt)):
      done.append(receipt)
      if done.count == plan.partCount {
        state = .completing(id)
        return [.complete(id, done.sorted { $0.number < $1.number })]
      }
      guard let next = waiting.first else {
        state = .sending(id, waiting: [], underWay: underWay - 1, done: done)
        return []
      }
      state = .sending(id, waiting: waiting.dropFirst(), underWay: underWay, done: done)
      return [.send(next, id)]
    case (.sending(let id, let waiting, let underWay, let done), .partPutBack(let part)):
      // Behind those that were never tried: one part in trouble keeps no other waiting.
      let next = waiting.first ?? part
      let rest: ArraySlice<PartNumber> = waiting.isEmpty ? [] : waiting.dropFirst() + [part]
      state = .sending(id, waiting: rest, underWay: underWay, done: done)
      return [.send(next, id)]
    case (.sending(let id, _, let underWay, _), .partFailed(let failure)):
      return stop(id, underWay: underWay - 1, failure)
    case (.sending(let id, _, let underWay, _), .givenUp(let failure)):
      return stop(id, underWay: underWay, failure)

    case (.stopping(let id, let underWay, let failure), .partSent),
      (.stopping(let id, let underWay, let failure), .partPutBack),
      (.stopping(let id, let underWay, let failure), .partFailed):
      return stop(id, underWay: underWay - 1, failure)

    case (.completing, .completed(let receipt)):
      state = .finished
      return [.succeed(receipt)]
    case (.completing, .completionFailed(let failure)) where failure.keepsUpload:
      return end(failure)
    case (.completing(let id), .completionFailed(let failure)):
      // Does nothing where the server completed it although the answer got lost.
      state = .aborting(failure)
      return [.abort(id)]

    case (.aborting(let failure), .aborted(let problem)):
      state = .finished
      return [.fail(failure, leftovers: problem)]

    default:
      // Cancelled again, or too late.
      return []
    }
  }

  private mutating func stop(
    _ id: UploadID, underWay: Int, _ failure: Failure
  ) -> [Command] {
    // A part that arrives after the abortion would stay.
    guard underWay == 0 else {
      let isFirst = if case .sending = state { true } else { false }
      state = .stopping(id, underWay: underWay, failure)
      return isFirst ? [.stopParts] : []
    }
    if failure.keepsUpload { return end(failure) }
    state = .aborting(failure)
    return [.abort(id)]
  }

  private mutating func end(_ failure: Failure) -> [Command] {
    state = .finished
    return [.fail(failure, leftovers: nil)]
  }
}
