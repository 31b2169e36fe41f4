import HTTP
import History
import S3

/// What every transfer of an engine shares.
struct TransferTools: Sendable {
  var client: S3Client
  let recorder: Recorder
  let pool: RequestPool
  let files: OpenFiles
  let settings: TransferSettings
  /// Where unfinished transfers are kept; nil when none are.
  var journaling: Journaling?
  /// Whether an earlier run may have left something in the journal.
  var mayHaveLeftovers = true
  /// Raised before the task is cancelled when the transfer is to be kept for later.
  var stop = StopSign()
  let patience: Patience
  /// In whose name requests wait for their turns. The files of a tree wait in the tree's.
  var owner = TransferID(0)
  /// The journal's entry of the tree that files are part of.
  var tree: JournalID?
  /// What a tree that is resumed has moved already.
  var earlierRun: EarlierRun?
  /// Where the files of a tree arrive, held open for all of them.
  var folder: DownloadFolder?

  /// The same for one transfer.
  func serving(_ owner: TransferID, stoppedBy stop: StopSign) -> TransferTools {
    var tools = self
    tools.owner = owner
    tools.stop = stop
    return tools
  }

  /// The same with the retries of its requests told to `progress`.
  func reporting(to progress: TransferProgress) -> TransferTools {
    var tools = self
    tools.client.retryObserver = { event in
      // Bytes that move again end the trouble, long before the request is over.
      if case .failed(let notice) = event { progress.note(notice) }
    }
    return tools
  }

  /// The same with the retries of what a tree asks told to `progress`. Its files tell their own.
  func reporting(to progress: TreeProgress) -> TransferTools {
    var tools = self
    tools.client.retryObserver = { progress.questions.note($0) }
    return tools
  }

  /// As many parts or ranges of one transfer as may ever be under way; more would only wait.
  var partsAtOnce: Int { pool.mostParts }

  /// The same for an upload: beside the parts that have a turn, some are digested, six in hardly more
  /// time than two, and some have been, so that no turn waits for a digest.
  var uploadedPartsAtOnce: Int { partsAtOnce + 6 }

  /// Waits for the turn of a request that carries a body.
  ///
  /// - Returns: nil when the task was cancelled; otherwise to be given back with ``leave(_:)``.
  func enter(_ kind: RequestPool.Kind) async -> RequestPool.Turn? {
    await pool.enter(kind, for: owner)
  }

  /// - Parameter isAnswered: whether the time since its beginning is that of an answer.
  func leave(_ turn: RequestPool.Turn, isAnswered: Bool = true) {
    pool.leave(turn, isAnswered: isAnswered)
  }

  /// Waits for a turn and sends a request whose loss costs no more than sending it again: while the
  /// transfer is paused, or has too many parts under way, it is given up, and it goes again later.
  ///
  /// - Parameters:
  ///   - progress: told what it moves.
  ///   - request: to count what it moves.
  func pausable<Answer: Sendable>(
    _ operation: S3Operation, _ progress: TransferProgress,
    _ request: @escaping @Sendable (ByteCounter) async throws(S3Error) -> Answer
  ) async throws(S3Error) -> Answer {
    while true {
      guard let turn = await pool.enter(.part, for: owner, isPart: true) else {
        throw S3Error(operation: operation, cause: .transport(.cancelled), attempts: 0)
      }
      let counter = progress.begin()
      let (result, isGivenUp) = await unlessPaused(
        { () async throws(S3Error) in try await request(counter) }, moved: counter)
      let isDone = if case .success = result { true } else { false }
      progress.end(counter, isDone: isDone)
      leave(turn, isAnswered: isDone)
      if isGivenUp { continue }
      return try result.get()
    }
  }

  /// Sends a request that is given up when the transfer is paused.
  ///
  /// - Parameters:
  ///   - moved: what it has moved, where it may also be given up for another part of the transfer.
  ///   - mayGiveUp: asked then; one that is not given up ends as if there were no pause.
  /// - Returns: also whether it was given up, which an attempt may precede whose answer was lost.
  func unlessPaused<Answer: Sendable>(
    _ request: @escaping @Sendable () async throws(S3Error) -> Answer,
    moved: ByteCounter? = nil, if mayGiveUp: @escaping @Sendable () -> Bool = { true }
  ) async -> (result: Result<Answer, S3Error>, isGivenUp: Bool) {
    let task = Task { () async -> Result<Answer, S3Error> in
      do throws(S3Error) {
        return .success(try await request())
      } catch {
        return .failure(error)
      }
    }
    let isInterrupted = StopSign()
    let interruption = pool.onHold(of: owner, moved: moved) {
      guard mayGiveUp() else { return }
      isInterrupted.raise()
      task.cancel()
    }
    let result = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
    pool.forget(interruption, of: owner)
    guard case .failure(let error) = result else { return (result, false) }
    return (result, isInterrupted.isRaised && error.isCancellation && !Task.isCancelled)
  }
}
