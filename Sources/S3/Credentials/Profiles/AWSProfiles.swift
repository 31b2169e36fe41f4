/// The profiles of the shared AWS files, merged as the AWS CLI merges them.
///
/// A profile is `[profile name]` or `[default]` in the config file, and `[name]` in the credentials
/// file, whose settings win. Nothing is looked up on the disk here.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
public struct AWSProfiles: Sendable {
  private var profiles: [String: AWSProfile] = [:]
  /// The sections that `sso_session` names.
  private(set) var sessions: [String: ConfigSection] = [:]
  /// The numbers, from 1, of lines that could not be understood.
  public let badLinesOfCredentials: [Int]
  public let badLinesOfConfig: [Int]

  /// - Parameters: the contents of the two files; empty for a file that is not there.
  public init(credentials: [UInt8], config: [UInt8]) {
    let credentials = ConfigText(parsing: credentials)
    let config = ConfigText(parsing: config)
    badLinesOfCredentials = credentials.badLines
    badLinesOfConfig = config.badLines

    var services: [String: ConfigSection] = [:]
    for (title, section) in config.sections {
      guard let words = ShellWords.split(title) else { continue }
      switch (words.first, words.count) {
      case ("profile", 2): profiles[words[1]] = AWSProfile(name: words[1], settings: section)
      case ("services", 2): services[words[1]] = section
      case ("sso-session", 2): sessions[words[1]] = section
      default: continue
      }
    }
    // Without the word it is the one profile that need not have it, and beside `[profile default]`
    // it is the one that counts.
    if let section = config.sections["default"] {
      profiles["default"] = AWSProfile(name: "default", settings: section)
    }
    for (name, section) in credentials.sections {
      var profile = profiles[name] ?? AWSProfile(name: name, settings: ConfigSection())
      profile.settings = profile.settings.merging(section)
      profile.stored = section
      profiles[name] = profile
    }
    for (name, profile) in profiles {
      profiles[name]?.services = profile.settings["services"].flatMap { services[$0] }
    }
  }

  public subscript(_ name: String) -> AWSProfile? { profiles[name] }

  /// In the order of their bytes.
  public var names: [String] {
    profiles.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

/// One profile with all its settings. None of their values is part of a description.
public struct AWSProfile: Sendable {
  public let name: String
  /// Of both files.
  var settings: ConfigSection
  /// Of the credentials file alone: keys from there win over `credential_process`.
  var stored = ConfigSection()
  /// The section that `services` names.
  var services: ConfigSection?

  init(name: String, settings: ConfigSection) {
    self.name = name
    self.settings = settings
  }

  public var region: String? { settings["region"] }

  /// Certificates in PEM to trust.
  public var caBundle: String? { settings["ca_bundle"] }

  /// `path`, `virtual` or `auto`, from the settings below `s3`.
  public var addressingStyle: String? { settings["s3", "addressing_style"] }
  public var dualStack: String? {
    settings["use_dualstack_endpoint"] ?? settings["s3", "use_dualstack_endpoint"]
  }
  public var fips: String? { settings["use_fips_endpoint"] }
  public var acceleration: String? { settings["s3", "use_accelerate_endpoint"] }

  /// Where Amazon S3 would be; the services section wins over the profile's own setting.
  ///
  /// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
  public var endpointURL: String? { endpointURL(of: "s3") }

  /// Whether endpoints count only when they are named on the command line.
  public var ignoresEndpoints: Bool {
    settings["ignore_configured_endpoint_urls"]?.lowercased() == "true"
  }

  func endpointURL(of service: String, ignoresGeneral: Bool = false) -> String? {
    guard !ignoresEndpoints else { return nil }
    return services?[service, "endpoint_url"]
      ?? (ignoresGeneral ? nil : settings["endpoint_url"])
  }
}
