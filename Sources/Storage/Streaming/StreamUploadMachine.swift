import History
import S3

/// Decides what an upload in parts does next whose size nobody knows before its end.
/// ``StreamUpload`` carries out the commands and reports back.
///
/// As with ``UploadMachine``, no part is left on the server however it ends.
struct StreamUploadMachine {
  typealias Failure = UploadMachine.Failure

  enum Event: Sendable {
    /// Somebody wants it to end. May come at any time and more than once.
    case cancelled
    case created(UploadID)
    case creationFailed(Failure)
    /// A part has been read; none where the source ended with the part before.
    case read(PartNumber?, isLast: Bool)
    case readFailed(Failure)
    case partSent(PartReceipt)
    case partFailed(Failure)
    case completed(WriteReceipt)
    case completionFailed(Failure)
    /// - Parameter problem: why parts are left behind, if they are.
    case aborted(problem: StorageError?)
  }

  enum Command: Sendable, Hashable {
    case create
    case read(PartNumber)
    case send(PartNumber, UploadID)
    /// End the reading and the requests of all parts under way; each still brings its event.
    case stopParts
    case complete(UploadID, [PartReceipt])
    case abort(UploadID)
    case succeed(WriteReceipt)
    /// - Parameter leftovers: why parts are left behind, if they are.
    case fail(Failure, leftovers: StorageError?)
  }

  private struct Sending {
    var id: UploadID
    /// The part that is read next.
    var next: Int
    var isReading = false
    var isAtEnd = false
    /// Read, in their order, and not sent for want of a request.
    var waiting: [PartNumber] = []
    var underWay = 0
    var done: [PartReceipt] = []
  }

  private enum State {
    /// CreateMultipartUpload is under way. Next: `sending`; `aborting` or `finished` when given up.
    case creating(givenUp: Failure?)
    /// Parts are read and sent. Next: `completing` with the last one; `stopping` when given up.
    case sending(Sending)
    /// Waits for what is under way. Next: `aborting`.
    case stopping(UploadID, underWay: Int, Failure)
    /// CompleteMultipartUpload is under way; it is too late to give up. Next: `finished`, `aborting`.
    case completing(UploadID)
    /// AbortMultipartUpload is under way. Next: `finished`.
    case aborting(Failure)
    case finished
  }

  private let partsAtOnce: Int
  private let requestsAtOnce: Int
  private let tooLong: Failure
  private var state = State.creating(givenUp: nil)

  /// Part 1 has been read, and is full.
  ///
  /// - Parameters:
  ///   - partsAtOnce: how many parts are held at a time, the one being read among them; 1 or more.
  ///   - requestsAtOnce: how many parts are sent at a time, 1 or more.
  ///   - tooLong: what to say when 10,000 parts do not hold the source.
  init(partsAtOnce: Int, requestsAtOnce: Int, tooLong: Failure) {
    self.partsAtOnce = max(partsAtOnce, 1)
    self.requestsAtOnce = max(requestsAtOnce, 1)
    self.tooLong = tooLong
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
      return goOn(Sending(id: id, next: 2, waiting: [PartNumber(1)]))
    case (.creating, .creationFailed(let failure)):
      state = .finished
      return [.fail(failure, leftovers: nil)]

    case (.sending(var sending), .read(let part, let isLast)):
      sending.isReading = false
      sending.isAtEnd = isLast
      guard let part else { return goOn(sending) }
      guard part.value <= PartPlan.maximumPartCount else {
        return stop(sending.id, underWay: sending.underWay, tooLong)
      }
      sending.next = part.value + 1
      sending.waiting.append(part)
      return goOn(sending)
    case (.sending(var sending), .partSent(let receipt)):
      sending.underWay -= 1
      sending.done.append(receipt)
      return goOn(sending)
    case (.sending(var sending), .readFailed(let failure)):
      sending.isReading = false
      return stop(sending.id, underWay: sending.underWay, failure)
    case (.sending(let sending), .partFailed(let failure)):
      return stop(
        sending.id, underWay: sending.underWay - 1 + (sending.isReading ? 1 : 0), failure)
    case (.sending(let sending), .cancelled):
      return stop(
        sending.id, underWay: sending.underWay + (sending.isReading ? 1 : 0), .cancelled)

    case (.stopping(let id, let underWay, let failure), .partSent),
      (.stopping(let id, let underWay, let failure), .partFailed),
      (.stopping(let id, let underWay, let failure), .read),
      (.stopping(let id, let underWay, let failure), .readFailed):
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

  /// Sends and reads on where there is room, and completes what is whole.
  private mutating func goOn(_ sending: Sending) -> [Command] {
    var sending = sending
    var commands: [Command] = []
    while sending.underWay < requestsAtOnce, !sending.waiting.isEmpty {
      commands.append(.send(sending.waiting.removeFirst(), sending.id))
      sending.underWay += 1
    }
    if sending.isAtEnd, sending.underWay == 0 {
      state = .completing(sending.id)
      return [.complete(sending.id, sending.done.sorted { $0.number < $1.number })]
    }
    guard !sending.isAtEnd, !sending.isReading,
      sending.underWay + sending.waiting.count < partsAtOnce
    else {
      state = .sending(sending)
      return commands
    }
    sending.isReading = true
    state = .sending(sending)
    return commands + [.read(PartNumber(sending.next))]
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
