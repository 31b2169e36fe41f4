/// What the environment of the process says about credentials, apart from which profile to use.
///
/// Taken from the environment alone, never from a `.env`: these variables name files to read,
/// programs' tokens, and hosts that are asked for keys.
public struct CredentialSurroundings: Sendable {
  /// The names that ``init(_:)`` looks at.
  public static let variables = [
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
  ]

  private let values: [String: String]
  /// Where the AWS CLI keeps tokens and the credentials of roles; nil without a home folder.
  let cacheFolder: String?

  /// - Parameter home: the home folder of the user.
  public init(_ environment: [String: String], home: String? = nil) {
    cacheFolder = home.map { "\($0)/.aws" }
    var values: [String: String] = [:]
    for name in Self.variables {
      if let value = environment[name], !value.isEmpty { values[name] = value }
    }
    self.values = values
  }

  /// For `credential_source = Environment`.
  var keys: Credentials? {
    guard let id = values["AWS_ACCESS_KEY_ID"], let secret = values["AWS_SECRET_ACCESS_KEY"] else {
      return nil
    }
    return Credentials(
      accessKeyID: id, secretAccessKey: Secret(secret),
      sessionToken: values["AWS_SESSION_TOKEN"].map { Secret($0) })
  }

  /// A web identity that the environment itself names, as in a pod of Kubernetes.
  ///
  /// - Throws: when only the file of its token is named, or an endpoint is none.
  public func webIdentity() throws(CredentialError) -> CredentialRecipe? {
    guard let file = values["AWS_WEB_IDENTITY_TOKEN_FILE"] else { return nil }
    guard let arn = values["AWS_ROLE_ARN"] else {
      throw .unusable(
        source: "AWS_WEB_IDENTITY_TOKEN_FILE in the environment", reason: "AWS_ROLE_ARN is missing")
    }
    let role = AssumedRole(
      arn: arn, sessionName: values["AWS_ROLE_SESSION_NAME"],
      endpoint: try endpoint(of: .tokens, for: nil))
    return .webIdentity(WebIdentity(role: role, tokenFile: file))
  }

  /// - Throws: when a variable names a place that may not be asked.
  public func container() throws(CredentialError) -> CredentialRecipe? {
    let place: (variable: String, url: String)
    if let path = values["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
      place = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ContainerEndpoint.host + path)
      guard path.hasPrefix("/") else {
        throw .unusable(source: place.variable, reason: "it does not begin with /")
      }
    } else if let url = values["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
      place = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
      guard ContainerEndpoint.isAllowed(url) else {
        throw .unusable(
          source: place.variable,
          reason: "its host is neither this machine nor one of the container services'")
      }
    } else {
      return nil
    }
    let token: ContainerEndpoint.Token? =
      if let file = values["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
        .file(file)
      } else {
        values["AWS_CONTAINER_AUTHORIZATION_TOKEN"].map { .text(Secret($0)) }
      }
    return .container(ContainerEndpoint(url: place.url, token: token))
  }

  /// nil when the environment forbids it.
  public func instanceMetadata() -> CredentialRecipe? {
    guard values["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
    var metadata = InstanceMetadata()
    if var url = values["AWS_EC2_METADATA_SERVICE_ENDPOINT"] {
      while url.hasSuffix("/") { url.removeLast() }
      metadata.url = url
    }
    return .instanceMetadata(metadata)
  }

  /// Where the Security Token Service is, when not at the usual place.
  ///
  /// - Parameter ignoresGeneral: whether what names a server for all services does not count.
  /// - Throws: when what names it is no endpoint.
  public func tokenService(
    for profile: AWSProfile?, ignoresGeneral: Bool = false
  ) throws(CredentialError) -> Endpoint? {
    try endpoint(of: .tokens, for: profile, ignoresGeneral: ignoresGeneral)
  }

  /// Where a service is, when not at Amazon's regional endpoint.
  func endpoint(
    of service: AmazonService, for profile: AWSProfile?, ignoresGeneral: Bool = false
  ) throws(CredentialError) -> Endpoint? {
    let ignores = values["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() == "true"
    guard !ignores, profile?.ignoresEndpoints != true else { return nil }
    let own = "AWS_ENDPOINT_URL_\(service.identifier.uppercased())"
    let candidates: [(origin: String, text: String?)] = [
      (own, values[own]),
      ("AWS_ENDPOINT_URL", ignoresGeneral ? nil : values["AWS_ENDPOINT_URL"]),
      (
        "endpoint_url of profile \(profile?.name ?? "")",
        profile?.endpointURL(of: service.identifier, ignoresGeneral: ignoresGeneral)
      ),
    ]
    for case (let origin, let text?) in candidates {
      guard let endpoint = try? Endpoint(parsing: text) else {
        throw .unusable(source: origin, reason: "it is no endpoint")
      }
      return endpoint
    }
    return nil
  }
}

extension CredentialSurroundings: CustomStringConvertible, CustomReflectable {
  public var description: String {
    "CredentialSurroundings(\(values.keys.sorted().joined(separator: ", ")))"
  }
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
