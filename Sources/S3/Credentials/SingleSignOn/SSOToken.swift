/// The token that `aws sso login` leaves behind, in a file of `~/.aws/sso/cache`.
///
/// Source: AWS SDKs and Tools Reference Guide, "IAM Identity Center credential provider", where the
/// file is named by the SHA-1 of the session's name, or of the start URL in the older form.
struct SSOToken: Sendable {
  /// What entitles to a new token without signing in again.
  struct Renewal: Sendable {
    var clientID: String
    var clientSecret: Secret
    var refreshToken: Secret
    var registrationExpires: Timestamp
  }

  var accessToken: Secret
  var expires: Timestamp
  /// nil where signing in again is the only way.
  var renewal: Renewal?
  /// The whole document, so that what other programs put into it stays.
  private var document: JSONValue

  /// - Parameter name: of the session, or the start URL.
  static func fileName(for name: String) -> String? {
    Digest.sha1(name.utf8).map { Digest.hex($0) + ".json" }
  }

  /// nil when the file is not there or holds no token.
  init?(reading path: String) {
    guard let bytes = PrivateFile.read(path), let document = JSONValue(parsing: bytes),
      let token = document["accessToken"]?.string,
      let expires = document["expiresAt"]?.string.flatMap(Timestamp.init(document:))
    else { return nil }
    accessToken = Secret(token)
    self.expires = expires
    self.document = document
    if let id = document["clientId"]?.string, let secret = document["clientSecret"]?.string,
      let refresh = document["refreshToken"]?.string,
      let end = document["registrationExpiresAt"]?.string.flatMap(Timestamp.init(document:))
    {
      renewal = Renewal(
        clientID: id, clientSecret: Secret(secret), refreshToken: Secret(refresh),
        registrationExpires: end)
    }
  }

  func renewed(_ token: String, until end: Timestamp, refreshToken: String?) -> SSOToken {
    var renewed = self
    renewed.accessToken = Secret(token)
    renewed.expires = end
    renewed.document["accessToken"] = .string(token)
    renewed.document["expiresAt"] = .string(Timestamp(seconds: end.seconds).iso8601)
    if let refreshToken {
      renewed.renewal?.refreshToken = Secret(refreshToken)
      renewed.document["refreshToken"] = .string(refreshToken)
    }
    return renewed
  }

  /// A refresh token may be good for one use, so the AWS CLI has to find the new one. Where the
  /// file cannot be written the token still serves this process.
  func write(to path: String) {
    _ = PrivateFile.write(document.bytes, to: path)
  }
}

extension SSOToken: CustomStringConvertible, CustomReflectable {
  var description: String { "SSOToken(until \(expires.iso8601))" }
  var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
