/// An access key and, for temporary ones, its session token and end.
public struct Credentials: Sendable, Hashable {
  public var accessKeyID: String
  public var secretAccessKey: Secret
  /// Only temporary credentials have one.
  public var sessionToken: Secret?
  /// When temporary credentials end, where that is known.
  public var expires: Timestamp?

  public init(
    accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret? = nil,
    expires: Timestamp? = nil
  ) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
    self.expires = expires
  }

  /// No credentials at all: requests go out unsigned, for buckets that are open to everybody.
  public static let anonymous = Credentials(accessKeyID: "", secretAccessKey: Secret(""))

  public var isAnonymous: Bool { accessKeyID.isEmpty }

  /// False for temporary credentials that do not say when they end.
  public var isExpiryKnown: Bool { sessionToken == nil || expires != nil }
}
