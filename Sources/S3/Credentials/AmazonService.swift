/// The services of Amazon that credentials come from.
enum AmazonService: Sendable {
  /// The Security Token Service.
  case tokens
  /// The portal of IAM Identity Center, which lends the credentials of a role.
  case portal
  /// The OpenID Connect service of IAM Identity Center, which renews the token for the portal.
  case signIn

  var hostPrefix: String {
    switch self {
    case .tokens: "sts"
    case .portal: "portal.sso"
    case .signIn: "oidc"
    }
  }

  /// As a `services` section has it; in capital letters, the end of an environment variable.
  ///
  /// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
  var identifier: String {
    switch self {
    case .tokens: "sts"
    case .portal: "sso"
    case .signIn: "sso_oidc"
    }
  }
}
