import History
import S3

/// Decides what an upload in parts does next. ``Uploader`` carries out the commands and reports back.
///
/// However it ends, no part is left on the server: an upload that was begun is completed or aborted,
/// also when the answer that names it comes after the cancellation.
struct UploadMachine {
  /// Why an upload is given up.
  struct Failure: Sendable, Hashable {
    var error: StorageError
    var ending: Ending

    static let cancelled = Failure(
      error: .cancelled, ending: Ending(outcome: .cancelled, errorCode: "Cancelled"))
  }

  enum Event: Sendable {
    /// Somebody wants it to end. May come at any time and more than once.
    case cancelled
    case created(UploadID)
    case creationFailed(Failure)
    case partSent(PartReceipt)
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
    case sending(UploadID, next: Int, underWay: Int, done: [PartReceipt])
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

  /// What an upload begins with.
  var firstCommand: Command { .create }

  mutating func handle(_ event: Event) -> [Command] {
    switch (state, event) {
    case (.creating(nil), .cancelled):
      state = .creating(givenUp: .cancelled)
      return []
    case (.creating(let failure?), .created(let id)):
      state = .aborting(failure)
      return [.abort(id)]
    case (.creating(nil), .created(let id)):
      let first = min(partsAtOnce, plan.partCount)
      state = .sending(id, next: first + 1, underWay: first, done: [])
      return (1...first).map { .send(PartNumber($0), id) }
    case (.creating, .creationFailed(let failure)):
      state = .finished
      return [.fail(failure, leftovers: nil)]

    case (.sending(let id, let next, let underWay, var done), .partSent(let receipt)):
      done.append(receipt)
      if done.count == plan.partCount {
        state = .completing(id)
        return [.complete(id, done.sorted { $0.number < $1.number })]
      }
      guard next <= plan.partCount else {
        state = .sending(id, next: next, underWay: underWay - 1, done: done)
        return []
      }
      state = .sending(id, next: next + 1, underWay: underWay, done: done)
      return [.send(PartNumber(next), id)]
    case (.sending(let id, _, let underWay, _), .partFailed(let failure)):
      return stop(id, underWay: underWay - 1, failure)
    case (.sending(let id, _, let underWay, _), .cancelled):
      return stop(id, underWay: underWay, .cancelled)

    case (.stopping(let id, let underWay, let failure), .partSent),
      (.stopping(let id, let underWay, let failure), .partFailed):
      return stop(id, underWay: underWay - 1, failure)

    case (.completing, .completed(let receipt)):
      state = .finished
      return [.succeed(receipt)]
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
    state = .aborting(failure)
    return [.abort(id)]
  }
}
