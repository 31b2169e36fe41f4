public import SystemPackage

/// Why a request brought no complete answer.
///
/// Holds facts for `StorageError` to put into words; never a header or a body.
public enum HTTPError: Error, Sendable, Hashable {
  /// The task was cancelled.
  case cancelled
  /// The host name could not be resolved.
  case unresolvedHost(String)
  /// No connection: refused, unreachable, or not within the connect timeout.
  case noConnection(host: String, reason: String)
  /// The proxy could not be found, or did not connect to the host.
  ///
  /// - Parameter isPassing: whether it may well do so some time later: it reports trouble of its own or
  ///   of the network, rather than that it will not.
  case proxy(reason: String, isPassing: Bool)
  /// TLS failed: the certificate or the handshake was refused.
  case tls(host: String, reason: String)
  /// The connection broke, or the body ended before its Content-Length.
  case connectionLost(reason: String)
  /// No byte moved for the request's `stallTimeout`.
  case stalled
  /// The answer is not HTTP, or breaks its rules.
  case malformedAnswer(reason: String)
  /// The answer is longer than the request allowed.
  case bodyTooLarge(limit: Int64)
  /// `accepts` or the receiver of the pieces said no; the head tells why.
  case refused(HTTPResponseHead)
  /// Reading the body to send, or writing the one received, failed.
  case file(Errno)
  /// The file to send ended before the promised length.
  case fileTooShort
  /// The request itself is impossible, such as a URL that is none.
  case invalidRequest(reason: String)
}
