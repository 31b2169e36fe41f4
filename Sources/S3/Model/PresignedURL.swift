public import HTTP

/// What a presigned URL lets its holder do.
public enum PresignMethod: String, Sendable, Hashable, CaseIterable {
  case get = "GET"
  case put = "PUT"
}

/// A URL that carries its own signature. Whoever has it can use it until it expires.
public struct PresignedURL: Sendable, Hashable {
  /// When the credentials behind a URL end, and the URL with them.
  public enum CredentialsExpiry: Sendable, Hashable {
    case at(Timestamp)
    case never
    /// Temporary credentials that do not say when they end.
    case unknown
  }

  public var url: String
  public var method: PresignMethod
  public var expiresAt: Timestamp
  /// What a request with this URL must send as well.
  public var requiredHeaders: [HTTPHeader]
  public var credentialsExpiry: CredentialsExpiry
  /// Whether the credentials end before the time that was asked for.
  public var isShortened: Bool

  public init(
    url: String, method: PresignMethod, expiresAt: Timestamp, requiredHeaders: [HTTPHeader] = [],
    credentialsExpiry: CredentialsExpiry = .never, isShortened: Bool = false
  ) {
    self.url = url
    self.method = method
    self.expiresAt = expiresAt
    self.requiredHeaders = requiredHeaders
    self.credentialsExpiry = credentialsExpiry
    self.isShortened = isShortened
  }
}
