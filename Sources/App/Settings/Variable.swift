import S3

/// A name under which a setting is found in the environment and in `.env`.
enum Variable: String, Sendable, CaseIterable {
  case storageRegion = "AWS_STORAGE_REGION"
  case region = "AWS_REGION"
  case defaultRegion = "AWS_DEFAULT_REGION"
  case accessKeyID = "AWS_ACCESS_KEY_ID"
  case secretAccessKey = "AWS_SECRET_ACCESS_KEY"
  case sessionToken = "AWS_SESSION_TOKEN"
  case credentialExpiration = "AWS_CREDENTIAL_EXPIRATION"
  case profile = "AWS_PROFILE"
  case olderProfile = "AWS_DEFAULT_PROFILE"
  case sharedCredentialsFile = "AWS_SHARED_CREDENTIALS_FILE"
  case configFile = "AWS_CONFIG_FILE"
  case endpointURLForS3 = "AWS_ENDPOINT_URL_S3"
  case endpointURL = "AWS_ENDPOINT_URL"
  case ignoresEndpoints = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
  case addressingStyle = "PAIL_ADDRESSING_STYLE"
  case dualStack = "AWS_USE_DUALSTACK_ENDPOINT"
  case fips = "AWS_USE_FIPS_ENDPOINT"
  case acceleration = "PAIL_USE_ACCELERATE_ENDPOINT"
  case basicRequests = "PAIL_BASIC_REQUESTS"
  case retryFor = "PAIL_RETRY_FOR"
  case stallTimeout = "PAIL_STALL_TIMEOUT"
  case caBundle = "AWS_CA_BUNDLE"
  case httpsProxy = "HTTPS_PROXY"
  case httpsProxySmall = "https_proxy"
  case httpProxy = "HTTP_PROXY"
  case httpProxySmall = "http_proxy"
  case allProxy = "ALL_PROXY"
  case allProxySmall = "all_proxy"
  case noProxy = "NO_PROXY"
  case noProxySmall = "no_proxy"
  case saveFolder = "PATH_TO_SAVE_FILE"
  case user = "PAIL_USER"
  case history = "PAIL_HISTORY"
  case readOnly = "PAIL_READ_ONLY"
  case colour = "PAIL_PROFILE_COLOUR"
  case noColour = "NO_COLOR"

  /// The option that says the same on the command line.
  var flag: String? {
    switch self {
    case .storageRegion: "--region"
    case .endpointURLForS3: "--endpoint-url"
    case .addressingStyle: "--addressing-style"
    case .caBundle: "--ca-bundle"
    case .profile: "--profile"
    case .user: "--user"
    case .history: "--history"
    default: nil
    }
  }

  /// What `config.toml` calls the same; nil for what does not belong there.
  var configSetting: String? {
    switch self {
    case .storageRegion: "region"
    case .endpointURLForS3: "endpoint_url"
    case .profile: "profile"
    case .addressingStyle: "addressing_style"
    case .dualStack: "use_dualstack_endpoint"
    case .fips: "use_fips_endpoint"
    case .acceleration: "use_accelerate_endpoint"
    case .basicRequests: "basic_requests"
    case .retryFor: "retry_for"
    case .stallTimeout: "stall_timeout"
    case .caBundle: "ca_bundle"
    case .httpsProxy: "https_proxy"
    case .httpProxy: "http_proxy"
    case .noProxy: "no_proxy"
    case .saveFolder: "download_folder"
    case .user: "user"
    case .history: "history"
    case .readOnly: "read_only"
    case .colour: "colour"
    default: nil
    }
  }

  /// What the shared AWS files call the same in a profile.
  var profileSetting: String? {
    switch self {
    case .storageRegion: "region"
    case .endpointURLForS3: "endpoint_url"
    case .ignoresEndpoints: "ignore_configured_endpoint_urls"
    case .addressingStyle: "addressing_style"
    case .dualStack: "use_dualstack_endpoint"
    case .fips: "use_fips_endpoint"
    case .acceleration: "use_accelerate_endpoint"
    case .caBundle: "ca_bundle"
    default: nil
    }
  }
}

/// Where values come from, and what they are there.
///
/// The resolution takes a list of these, the strongest first, so that a further source is one more
/// element of the list.
struct SettingsLayer: Sendable {
  enum Source: Sendable, Hashable {
    case flags
    case environment
    /// `isImplicit` when nobody named the file and it merely lay in the current directory.
    case envFile(path: String, isImplicit: Bool)
    /// `config.toml`; `profile` for what it says of one.
    case config(path: String, profile: String?)
    /// A profile of the shared AWS files.
    case profile(String)
  }

  var source: Source
  private var values: [Variable: String]

  /// A variable that is set but empty counts as not set, as the AWS tools have it.
  init(source: Source, values: [Variable: String]) {
    self.source = source
    self.values = values.filter { !$0.value.isEmpty }
  }

  init(source: Source, environment: [String: String]) {
    var values: [Variable: String] = [:]
    for variable in Variable.allCases { values[variable] = environment[variable.rawValue] }
    self.init(source: source, values: values)
  }

  /// What a profile says apart from its credentials.
  init(profile: AWSProfile) {
    var values: [Variable: String] = [:]
    values[.storageRegion] = profile.region
    values[.endpointURLForS3] = profile.endpointURL
    values[.ignoresEndpoints] = profile.ignoresEndpoints ? "true" : nil
    values[.addressingStyle] = profile.addressingStyle
    values[.dualStack] = profile.dualStack
    values[.fips] = profile.fips
    values[.acceleration] = profile.acceleration
    values[.caBundle] = profile.caBundle
    self.init(source: .profile(profile.name), values: values)
  }

  subscript(_ variable: Variable) -> String? { values[variable] }

  /// - Returns: those of `variables` that were set.
  mutating func remove(_ variables: [Variable]) -> [Variable] {
    variables.filter { values.removeValue(forKey: $0) != nil }
  }

  /// The profile to use, and which variable says so; the AWS CLI prefers the newer one as well.
  var namedProfile: (name: String, variable: Variable)? {
    if let name = self[.profile] { return (name, .profile) }
    return self[.olderProfile].map { ($0, .olderProfile) }
  }

  /// `--region`, `AWS_REGION in the environment`, `AWS_REGION in ./.env`.
  func name(of variable: Variable) -> String {
    switch source {
    case .flags: variable.flag ?? variable.rawValue
    case .environment: "\(variable.rawValue) in the environment"
    case .envFile(let path, _): "\(variable.rawValue) in \(path)"
    case .config(let path, let profile):
      "\(variable.configSetting ?? variable.rawValue) in "
        + (profile.map { "[profiles.\($0)] of " } ?? "") + path
    case .profile(let name): "\(variable.profileSetting ?? variable.rawValue) of profile \(name)"
    }
  }
}

// The values of a layer are secrets among others: none of them is ever part of a description.
extension SettingsLayer: CustomStringConvertible, CustomReflectable {
  var description: String { "SettingsLayer(\(source))" }
  var customMirror: Mirror { Mirror(self, children: ["source": source]) }
}
