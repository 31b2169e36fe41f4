/// How credentials are obtained: a decision, not yet carried out.
///
/// ``AWSProfiles`` and the environment decide on one; ``CredentialFetcher`` carries it out.
public indirect enum CredentialRecipe: Sendable, Hashable {
  /// Requests go out unsigned.
  case anonymous
  /// They stand there.
  case keys(Credentials)
  /// A program prints them.
  case process(CredentialProcess)
  /// The Security Token Service lends those of a role to whoever has the source's.
  case role(AssumedRole, source: CredentialRecipe)
  /// The Security Token Service lends them to the holder of another service's token.
  case webIdentity(WebIdentity)
  /// The portal of IAM Identity Center lends them to whoever has signed in there.
  case singleSignOn(SingleSignOn)
  /// The container's host knows them.
  case container(ContainerEndpoint)
  /// The machine's host knows them, if it is one of Amazon's.
  case instanceMetadata(InstanceMetadata)

  /// In a few words that hold no secret.
  public var summary: String {
    switch self {
    case .anonymous: "none: requests are not signed"
    case .keys: "access key"
    case .process(let process): "credential_process \(process.programName)"
    case .role(let role, let source): "\(role.arn), assumed by \(source.summary)"
    case .webIdentity(let identity): "\(identity.role.arn), by web identity"
    case .singleSignOn(let sign):
      "\(sign.roleName) of account \(sign.accountID), by single sign-on"
    case .container: "container endpoint"
    case .instanceMetadata: "instance metadata"
    }
  }

  /// Whether a person is asked for something before there are keys.
  public var asksForCode: Bool {
    if case .role(let role, let source) = self {
      role.mfaSerial != nil || source.asksForCode
    } else {
      false
    }
  }

  /// The access key where it is known without asking anybody.
  public var knownAccessKeyID: String? {
    if case .keys(let credentials) = self { credentials.accessKeyID } else { nil }
  }
}

/// The role to assume, and what the request says beside its name.
///
/// Source: AWS STS API Reference, "AssumeRole".
public struct AssumedRole: Sendable, Hashable {
  public var arn: String
  public var externalID: Secret?
  /// nil for a name of Pail's own.
  public var sessionName: String?
  /// 900 or more; nil for the service's own, an hour.
  public var durationSeconds: Int?
  /// The device of a second factor whose code must go along.
  public var mfaSerial: String?
  /// Where the Security Token Service is, when not at Amazon's regional endpoint.
  public var endpoint: Endpoint?

  public init(
    arn: String, externalID: Secret? = nil, sessionName: String? = nil,
    durationSeconds: Int? = nil, mfaSerial: String? = nil, endpoint: Endpoint? = nil
  ) {
    self.arn = arn
    self.externalID = externalID
    self.sessionName = sessionName
    self.durationSeconds = durationSeconds
    self.mfaSerial = mfaSerial
    self.endpoint = endpoint
  }
}

/// A role, and the file with the token that entitles to it.
public struct WebIdentity: Sendable, Hashable {
  public var role: AssumedRole
  /// Read anew each time: the token in it is exchanged now and then.
  public var tokenFile: String

  public init(role: AssumedRole, tokenFile: String) {
    self.role = role
    self.tokenFile = tokenFile
  }
}
