/// Why a connection cannot be trusted, as far as the words of libcurl and OpenSSL tell.
///
/// Source: OpenSSL's manual, `X509_STORE_CTX_get_error`; libcurl has no codes for these.
public enum TLSProblem: Sendable, Hashable {
  case expired
  case notYetValid
  /// The certificate is for other names.
  case wrongName
  /// Nobody vouches for it whom this machine trusts.
  case unknownAuthority
  /// The server knows only versions before TLS 1.2.
  case oldProtocol
  /// The server answers without TLS.
  case plainHTTP
  /// The file of certificates to trust cannot be read.
  case unreadableBundle

  /// nil where the words say something else.
  init?(reason: String) {
    let signs: [(String, TLSProblem)] = [
      ("certificate has expired", .expired), ("not yet valid", .notYetValid),
      ("does not match target host name", .wrongName), ("no alternative certificate", .wrongName),
      ("subject name matches target", .wrongName), ("self-signed certificate", .unknownAuthority),
      ("self signed certificate", .unknownAuthority),
      ("unable to get local issuer certificate", .unknownAuthority),
      ("unable to verify the first certificate", .unknownAuthority),
      ("unsupported protocol", .oldProtocol), ("protocol version", .oldProtocol),
      // The letters "HTTP" read as the head of a TLS record.
      ("wrong version number", .plainHTTP), ("packet length too long", .plainHTTP),
      ("certificate verify locations", .unreadableBundle),
      ("certificate file", .unreadableBundle),
    ]
    guard let found = signs.first(where: { reason.contains($0.0) }) else { return nil }
    self = found.1
  }
}

extension HTTPError {
  /// nil for any other error, and where the reason is none of the usual ones.
  public var tlsProblem: TLSProblem? {
    if case .tls(_, let reason) = self { TLSProblem(reason: reason) } else { nil }
  }
}
