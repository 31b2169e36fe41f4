/// Which proxies requests go through, and which hosts are reached without one.
///
/// A proxy is written like `http://user:password@proxy.example:3128`, so none of them is ever part
/// of a description.
///
/// Source: curl's manual, "ENVIRONMENT", from where the names of the variables come.
public struct ProxySettings: Sendable, Hashable {
  /// For requests over TLS, which go through it as a tunnel.
  public var https: String?
  /// For requests without TLS, which the proxy reads.
  public var http: String?
  /// Hosts, domains and networks, with commas between them; `*` for all.
  public var exceptions: String?

  public static let none = ProxySettings()

  public init(https: String? = nil, http: String? = nil, exceptions: String? = nil) {
    self.https = https
    self.http = http
    self.exceptions = exceptions
  }

  func proxy(for url: String) -> String? { url.hasPrefix("https://") ? https : http }
}

extension ProxySettings: CustomStringConvertible, CustomReflectable {
  public var description: String { "ProxySettings" }
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
