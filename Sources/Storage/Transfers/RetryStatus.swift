import S3

/// A request that failed and is sent again, as a person sees it.
public struct RetryStatus: Sendable, Hashable {
  /// The attempt that comes next: 2 or more.
  public var attempt: Int
  public var mostAttempts: Int
  public var code: String

  public init(attempt: Int, of mostAttempts: Int, code: String) {
    self.attempt = attempt
    self.mostAttempts = mostAttempts
    self.code = code
  }

  init(_ notice: RetryNotice) {
    let error = S3Error(
      operation: notice.operation, cause: notice.cause, attempts: notice.attempt)
    self.init(
      attempt: notice.attempt + 1, of: notice.maxAttempts, code: error.recordedCode)
  }

  /// `retrying 2/5: SlowDown`
  public var words: String { "retrying \(attempt)/\(mostAttempts): \(code)" }
}
