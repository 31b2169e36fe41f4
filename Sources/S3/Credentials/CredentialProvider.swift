internal import HTTP

/// Where the credentials of each request come from.
///
/// Asked before every attempt, so that temporary credentials can be renewed between two of them.
public protocol CredentialProvider: Sendable {
  func credentials() async throws(CredentialError) -> Credentials

  /// Those that are good for longest, fetched anew if what is kept ends before `moment`.
  func credentials(lastingUntil moment: Timestamp) async throws(CredentialError) -> Credentials

  /// Told when a server calls these credentials expired, before it is asked for others.
  func discard(_ credentials: Credentials) async
}

extension CredentialProvider {
  /// The same where nothing is kept.
  public func credentials(
    lastingUntil moment: Timestamp
  ) async throws(CredentialError) -> Credentials {
    try await credentials()
  }

  /// Nothing to do where nothing is kept.
  public func discard(_ credentials: Credentials) async {}
}

/// Why there are no credentials.
public enum CredentialError: Error, Sendable, Hashable {
  /// No source has any.
  case missing
  /// They ended at this moment and cannot be renewed.
  case expired(Timestamp)
  /// A source was found and failed; the text holds no secret.
  case unusable(source: String, reason: String)
  /// A source was found and has none to give now, as it does not answer or is too busy; the text
  /// holds no secret.
  case unavailable(source: String, reason: String)
  /// A person has to sign in first, with `command` in a shell.
  case signInNeeded(command: String, reason: String)
  case cancelled

  /// Whether the same source may well have some later.
  var isTransient: Bool {
    if case .unavailable = self { true } else { false }
  }

  /// From an answer that holds none: a source in trouble, or one that refuses.
  init(
    source: String, reason: String, head: HTTPResponseHead, document: XMLElement? = nil
  ) {
    let error = ServiceError(document: document, head: head)
    self =
      error.isTransient || error.code == Self.silentIdentityProvider
      ? .unavailable(source: source, reason: reason) : .unusable(source: source, reason: reason)
  }

  /// Source: AWS STS API Reference, "AssumeRoleWithWebIdentity", where it is told to try again.
  private static let silentIdentityProvider = S3ErrorCode("IDPCommunicationError")
}

/// Credentials that never change.
public struct StaticCredentials: CredentialProvider {
  private let value: Credentials

  public init(_ value: Credentials) {
    self.value = value
  }

  public init(accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret? = nil) {
    value = Credentials(
      accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken)
  }

  public func credentials() async throws(CredentialError) -> Credentials { value }
}
