/// Which proxies requests go through, and which hosts are reached without one.
///
/// Source: curl's manual, "ENVIRONMENT", from where the names of the variables come.
public struct ProxySettings: Sendable, Hashable {
  /// For requests over TLS, which go through it as a tunnel.
  public var https: ProxyServer?
  /// For requests without TLS, which the proxy reads.
  public var http: ProxyServer?
  /// Hosts, domains and networks, with commas between them; `*` for all.
  public var exceptions: String?

  public static let none = ProxySettings()

  public init(
    https: ProxyServer? = nil, http: ProxyServer? = nil, exceptions: String? = nil
  ) {
    self.https = https
    self.http = http
    self.exceptions = exceptions
  }

  func proxy(for url: String) -> ProxyServer? { url.hasPrefix("https://") ? https : http }
}
