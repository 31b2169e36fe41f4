import S3

/// What every transfer of an engine shares.
struct TransferTools: Sendable {
  var client: S3Client
  let recorder: Recorder
  let pool: RequestPool
  let settings: TransferSettings

  /// The same, with the retries of its requests told to `progress`.
  func reporting(to progress: TransferProgress) -> TransferTools {
    var tools = self
    tools.client.retryObserver = { progress.note($0) }
    return tools
  }
}
