import S3

/// What every transfer of an engine shares.
struct TransferTools: Sendable {
  var client: S3Client
  let recorder: Recorder
  let pool: RequestPool
  let settings: TransferSettings
  /// Where unfinished transfers are kept; nil when none are.
  var journaling: Journaling?
  /// Raised before the task is cancelled when the transfer is to be kept for later.
  var stop = StopSign()
  let patience: Patience
  /// In whose name requests wait for their turns. The files of a tree wait in the tree's.
  var owner = TransferID(0)
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
    tools.client.retryObserver = { progress.note($0) }
    return tools
  }

  /// As many parts or ranges of one transfer as may ever be under way; more would only wait.
  var partsAtOnce: Int { pool.mostParts }

  /// Waits for the turn of a request that carries a body.
  ///
  /// - Returns: nil when the task was cancelled; otherwise to be given back with ``leave(_:)``.
  func enter(_ kind: RequestPool.Kind) async -> RequestPool.Turn? {
    await pool.enter(kind, for: owner)
  }

  func leave(_ turn: RequestPool.Turn) { pool.leave(turn) }
}
