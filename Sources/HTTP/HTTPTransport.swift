/// Sends one request and returns its answer, whatever the status.
///
/// Two implementations: ``CurlTransport`` and, in the tests, a list of scripted answers.
public protocol HTTPTransport: Sendable {
  /// Cancelling the task ends the request at once, with ``HTTPError/cancelled``.
  ///
  /// A body shorter or longer than its Content-Length is an error, and no redirect is followed.
  func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse

  /// Where a task runs best that does little but send requests; nil for anywhere. What waits for a
  /// disk, or computes for long, would hold up the requests.
  var taskExecutor: (any TaskExecutor)? { get }
}

extension HTTPTransport {
  public var taskExecutor: (any TaskExecutor)? { nil }
}
