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

  /// The same, with the retries of its requests told to `progress`.
  func reporting(to progress: TransferProgress, stoppedBy stop: StopSign) -> TransferTools {
    var tools = self
    tools.stop = stop
    tools.client.retryObserver = { progress.note($0) }
    return tools
  }
}
