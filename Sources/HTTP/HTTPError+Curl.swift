internal import CCurl

extension HTTPError {
  /// What a result of libcurl means. See <https://curl.se/libcurl/c/libcurl-errors.html>.
  ///
  /// - Parameters:
  ///   - reason: libcurl's words.
  ///   - isConnected: whether a connection stood; before that a timeout is the connect timeout.
  ///   - tunnelStatus: what a proxy answered to the request for a tunnel; 0 when it was not asked.
  static func curl(
    _ code: CURLcode, reason: String, host: String, isConnected: Bool, tunnelStatus: Int
  ) -> HTTPError {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST:
      .unresolvedHost(host)
    case CURLE_COULDNT_RESOLVE_PROXY:
      // As passing as that of the host.
      .proxy(reason: reason, isPassing: true)
    case CURLE_PROXY:
      .proxy(reason: reason, isPassing: false)
    case CURLE_RECV_ERROR, CURLE_COULDNT_CONNECT:
      // A proxy may answer the request for a tunnel with no; the first words are of libcurl 7.87
      // and later.
      if reason.contains("CONNECT tunnel failed") || reason.contains("from proxy after CONNECT") {
        // With 502, 503 or 504 it reports that the connection to the host was lost, or could not be made.
        .proxy(
          reason: reason, isPassing: [408, 429].contains(tunnelStatus) || tunnelStatus >= 500)
      } else if code == CURLE_COULDNT_CONNECT {
        .noConnection(host: host, reason: reason)
      } else {
        .connectionLost(reason: reason)
      }
    case CURLE_INTERFACE_FAILED:
      .noConnection(host: host, reason: reason)
    case CURLE_OPERATION_TIMEDOUT:
      isConnected ? .stalled : .noConnection(host: host, reason: reason)
    case CURLE_SSL_CONNECT_ERROR
    where reason.contains("SYSCALL") || reason.contains("reset by peer"):
      // The connection broke during the handshake; no certificate was refused.
      .noConnection(host: host, reason: reason)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR,
      CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED,
      CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS, CURLE_USE_SSL_FAILED:
      .tls(host: host, reason: reason)
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
      // The first is also HTTP/0.9; the scheme was looked at before.
      .malformedAnswer(reason: reason)
    case CURLE_OUT_OF_MEMORY:
      // So says libcurl when one field of the head is longer than it takes.
      .malformedAnswer(reason: "a header field of the answer is too long")
    case CURLE_URL_MALFORMAT:
      .invalidRequest(reason: reason)
    default:
      .connectionLost(reason: reason)
    }
  }
}
