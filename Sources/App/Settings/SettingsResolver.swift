import Browser
import HTTP
import History
import S3
import SystemPackage

/// Decides which value of each setting holds. Reads nothing itself: layers in, settings out.
struct SettingsResolver {
  /// The strongest first: flags, environment, `.env`, the profile in use.
  var layers: [SettingsLayer]
  /// For the places that defaults depend on: `HOME`, `XDG_STATE_HOME`.
  var environment: [String: String]
  /// The home folder by the user database, used when `HOME` is not set.
  var accountHome: FilePath?
  var isReadOnly = false
  /// Whether no keys are looked for, and requests go out unsigned.
  var isAnonymous = false
  /// Why no layer is an `.env`.
  var envFileAbsence = "there is none"
  /// nil where there is no `config.toml`.
  var config: ConfigFile?
  /// The shared AWS files.
  var files = ProfileFiles.none

  private var home: FilePath? {
    environment["HOME"].flatMap { $0.isEmpty ? nil : FilePath(argument: $0) } ?? accountHome
  }

  private var defaultHistoryPath: FilePath? {
    try? HistoryStore.defaultPath(environment: environment, home: home)
  }

  /// `$XDG_CONFIG_HOME/pail/config.toml`; nil without a home folder.
  var configPath: FilePath? {
    let given = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : FilePath(argument: $0) }
    // A relative path there is to be ignored (XDG Base Directory Specification).
    let folder = given.flatMap { $0.isAbsolute ? $0 : nil } ?? home?.appending(".config")
    return folder?.appending("pail").appending("config.toml")
  }

  /// The layers that were given, and below them `config.toml` and the profile in use.
  private func withProfile() -> SettingsResolver {
    var resolver = self
    if let config {
      let general = SettingsLayer(
        source: .config(path: config.path, profile: nil), values: config.general)
      resolver.layers.append(general)
      let name = resolver.lookUp(.profile)?.text ?? "default"
      if let values = config.profiles[name] {
        resolver.layers.insert(
          SettingsLayer(source: .config(path: config.path, profile: name), values: values),
          at: resolver.layers.count - 1)
      }
    }
    return resolver.withSharedProfile()
  }

  private func withSharedProfile() -> SettingsResolver {
    var resolver = self
    let name = lookUp(.profile)?.text ?? "default"
    if let profile = files.profiles[name] {
      resolver.layers.append(SettingsLayer(profile: profile))
    }
    return resolver
  }

  func resolve() -> Settings { withProfile().settings() }

  private func settings() -> Settings {
    var problems: [SetupProblem] = []
    var notices: [String] = []
    var findings: [Settings.Finding] = []

    let ignore = lookUp(.ignoresEndpoints)
    let ignoresEndpoints = ignore?.text.lowercased() == "true"
    let endpointValue =
      ignoresEndpoints
      ? commandLine.lookUp(.endpointURLForS3)
      : lookUp(.endpointURLForS3, .endpointURL)
    var endpoint: Endpoint?
    if let endpointValue {
      do {
        endpoint = try Endpoint(parsing: endpointValue.text)
      } catch {
        problems.append(
          SetupProblem(
            message: "\(endpointValue.origin) is no endpoint: \(Self.words(error))",
            whereLooked: [endpointValue.origin],
            recovery: "Write it like https://storage.example or http://127.0.0.1:8333."))
      }
    }

    let region = lookUp(.storageRegion, .region, .defaultRegion)
    let regionText = region?.text ?? (endpoint?.awsRegion ?? .usEast1).text
    findings.append(finding("region", region, fallback: regionText))
    if !Self.isPlainName(regionText) {
      problems.append(
        SetupProblem(
          message: "\(region?.origin ?? "The region") is no region",
          whereLooked: [], recovery: "Write it in letters, digits and hyphens, like eu-central-1."))
    }

    let options = endpointOptions(&problems, &findings)
    let amazon = Endpoint.aws(region: Region(regionText), options)
    endpoint = endpointValue == nil ? amazon : endpoint?.with(options)
    findings.insert(
      finding(
        "endpoint", endpointValue, fallback: "\(amazon)",
        shown: endpoint.map { "\($0)" } ?? "not usable"), at: 1)
    if ignoresEndpoints {
      findings.append(finding("other endpoints", ignore, fallback: "", shown: "ignored"))
    }

    let isBasic = isOn("basic requests", .basicRequests, &findings)
    let retryFor = duration("retries", .retryFor, &findings, &problems)
    let stallTimeout = duration("stall timeout", .stallTimeout, &findings, &problems)

    let profile = lookUp(.profile)
    findings.append(finding("profile", profile, fallback: "default"))
    let surroundings = CredentialSurroundings(environment, home: home?.string)
    let outcome = keyOutcome(surroundings)
    let keys = outcome.found
    notices += outcome.notices
    findings += keyFindings(outcome)
    let noKeys = noCredentials(outcome.skipped)
    if let problem = outcome.problem ?? (keys == nil ? noKeys : nil) { problems.append(problem) }
    let caBundle = lookUp(.caBundle)
    findings.append(finding("CA bundle", caBundle, fallback: "the system's"))
    let proxies = proxySettings(&findings, &problems)
    let folder = lookUp(.saveFolder)
    findings.append(finding("download folder", folder, fallback: "the current directory"))
    let user = lookUp(.user)
    findings.append(finding("user", user, fallback: "the login name"))
    let history = lookUp(.history)
    let historyPath = history.map { path($0.text) } ?? defaultHistoryPath
    findings.append(finding("history", history, fallback: historyPath?.shown ?? "none"))
    if historyPath == nil {
      notices.append("There is no home folder for the history: name a file with --history.")
    }
    let readOnly = readOnlyValue
    if let readOnly {
      findings.append(finding("read-only", readOnly, fallback: ""))
    } else if isReadOnly {
      findings.append(.init(name: "read-only", value: "true", origin: "--read-only"))
    }
    let colourValue = lookUp(.colour)
    let colour = colourValue.flatMap { ProfileColour(rawValue: $0.text.lowercased()) }
    if let colourValue {
      findings.append(finding("profile colour", colourValue, fallback: ""))
      if colour == nil {
        let known = ProfileColour.allCases.map(\.rawValue).joined(separator: ", ")
        notices.append("\(colourValue.origin) is no colour; there are \(known).")
      }
    }
    let noColour = lookUp(.noColour)
    findings.append(
      finding("colour", noColour, fallback: "on", shown: noColour == nil ? nil : "off"))

    var question: Settings.EndpointQuestion?
    if let keys, keys.recipe != .anonymous, let endpoint, let endpointValue,
      case .envFile(_, isImplicit: true) = endpointValue.source,
      endpointValue.source != keys.source
    {
      question = Settings.EndpointQuestion(
        endpoint: "\(endpoint)", endpointOrigin: endpointValue.origin, keysOrigin: keys.origin)
    }

    var profileName: String?
    if case .profile(let name) = keys?.source { profileName = name }
    var tokenService: Endpoint?
    do {
      tokenService = try surroundings.tokenService(for: profileName.flatMap { files.profiles[$0] })
    } catch {
      // Where it matters for the keys it is a problem already; else only `pail doctor` would ask.
      notices.append("The endpoint of the Security Token Service is none.")
    }

    return Settings(
      endpoint: endpoint, region: Region(regionText),
      isRegionAssumed: region == nil && endpointValue == nil, credentials: keys?.recipe,
      profile: profileName, awsFolder: home?.appending(".aws").string, tokenService: tokenService,
      problemWithoutMetadata: keys?.isGuess == true ? noKeys : nil,
      isBasic: isBasic, retryFor: retryFor, stallTimeout: stallTimeout,
      caBundle: caBundle.map { path($0.text) }, proxies: proxies,
      saveFolder: folder.map { path($0.text) } ?? FilePath("."),
      user: user?.text, historyPath: historyPath,
      runFolder: defaultHistoryPath?.removingLastComponent().appending("run"),
      journalPath: try? TransferJournal.defaultPath(environment: environment, home: home),
      placesPath: defaultHistoryPath?.removingLastComponent().appending("places.json"),
      bookmarksPath: defaultHistoryPath?.removingLastComponent().appending("bookmarks.json"),
      isReadOnly: isReadOnly || readOnly?.text.lowercased() == "true",
      colour: colour, profileNames: files.profiles.names,
      endpointFlag: commandLine.lookUp(.endpointURLForS3)?.text,
      regionFlag: commandLine.lookUp(.storageRegion)?.text,
      wantsColour: noColour == nil, endpointQuestion: question, findings: findings,
      notices: notices, problems: problems)
  }

  private func endpointOptions(
    _ problems: inout [SetupProblem], _ findings: inout [Settings.Finding]
  ) -> EndpointOptions {
    var options = EndpointOptions()
    if let style = lookUp(.addressingStyle) {
      findings.append(finding("addressing", style, fallback: ""))
      if let known = EndpointOptions.Addressing(rawValue: style.text.lowercased()) {
        options.addressing = known
      } else {
        problems.append(
          SetupProblem(
            message: "\(style.origin) is no addressing style", whereLooked: [style.origin],
            recovery: "Write path, virtual or auto."))
      }
    }
    options.usesDualStack = isOn("dual stack", .dualStack, &findings)
    options.usesFIPS = isOn("FIPS", .fips, &findings)
    options.isAccelerated = isOn("acceleration", .acceleration, &findings)
    return options
  }

  private func isOn(
    _ name: String, _ variable: Variable, _ findings: inout [Settings.Finding]
  ) -> Bool {
    guard let value = lookUp(variable) else { return false }
    findings.append(finding(name, value, fallback: ""))
    return value.text.lowercased() == "true"
  }

  private func duration(
    _ name: String, _ variable: Variable, _ findings: inout [Settings.Finding],
    _ problems: inout [SetupProblem]
  ) -> Duration? {
    guard let value = lookUp(variable) else { return nil }
    findings.append(finding(name, value, fallback: ""))
    if let given = try? DurationArgument(parsing: value.text), given.duration <= .seconds(7 * 86400)
    {
      return given.duration
    }
    problems.append(
      SetupProblem(
        message: "\(value.origin) is no duration of 1 second to 7 days",
        whereLooked: [value.origin],
        recovery: "Write it like 30s, 15m or 12h."))
    return nil
  }

  /// Names in small letters come first, as curl has it; of a proxy only host and port are shown.
  private func proxySettings(
    _ findings: inout [Settings.Finding], _ problems: inout [SetupProblem]
  ) -> ProxySettings {
    func proxy(_ name: String, _ value: Value?) -> String? {
      guard let value else { return nil }
      let shown = Self.proxyWithoutUser(value.text)
      findings.append(
        Settings.Finding(
          name: name, value: shown ?? "not usable", origin: value.origin,
          overruled: value.overruled.map(\.origin)))
      if shown == nil {
        problems.append(
          SetupProblem(
            message: "\(value.origin) is no proxy", whereLooked: [value.origin],
            recovery: "Write it like http://proxy.example:3128."))
      }
      return value.text
    }
    let settings = ProxySettings(
      https: proxy("https proxy", lookUp(.httpsProxySmall, .httpsProxy, .allProxySmall, .allProxy)),
      http: proxy("http proxy", lookUp(.httpProxySmall, .httpProxy, .allProxySmall, .allProxy)),
      exceptions: lookUp(.noProxySmall, .noProxy)?.text)
    if let value = lookUp(.noProxySmall, .noProxy), settings.https != nil || settings.http != nil {
      findings.append(finding("no proxy for", value, fallback: ""))
    }
    return settings
  }

  /// nil for a text that names no host.
  private static func proxyWithoutUser(_ text: String) -> String? {
    var rest = text[...]
    var scheme = "http"
    if let mark = rest.firstRange(of: "://") {
      scheme = String(rest[..<mark.lowerBound])
      rest = rest[mark.upperBound...]
    }
    let known = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]
    guard known.contains(scheme.lowercased()) else { return nil }
    let authority = rest.prefix { $0 != "/" }
    let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] }
    guard let endpoint = try? Endpoint(parsing: "http://\(host ?? authority)") else { return nil }
    return "\(scheme)://\(host == nil ? "" : "•••@")\(endpoint.hostAndPort)"
  }

  private var commandLine: SettingsResolver {
    var resolver = self
    resolver.layers.removeAll { $0.source != .flags }
    return resolver
  }

  private func keyOutcome(_ surroundings: CredentialSurroundings) -> KeyFinder.Outcome {
    guard !isAnonymous else {
      return .init(found: .init(recipe: .anonymous, source: .flags, origin: "--no-sign-request"))
    }
    return KeyFinder(layers: layers, files: files, surroundings: surroundings).find()
  }

  /// A file that merely lies in the current directory cannot lift what protects a profile: of
  /// layers above `config.toml` only `true` counts.
  private var readOnlyValue: Value? {
    var resolver = self
    resolver.layers.removeAll { layer in
      !layer.isConfig && layer[.readOnly].map { $0.lowercased() != "true" } ?? true
    }
    return resolver.lookUp(.readOnly)
  }

  /// A region becomes part of a host name, so nothing else may hide in it.
  private static func isPlainName(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  /// Never repeats what was given, since it may hold a password.
  private static func words(_ problem: EndpointProblem) -> String {
    switch problem {
    case .empty: "it is empty"
    case .scheme: "only http:// and https:// are known"
    case .host: "it has no host name"
    case .port: "its port is no number from 1 through 65535"
    case .path: "something follows the host name, and buckets are named elsewhere"
    case .userInfo: "user name and password do not belong there"
    }
  }

  // MARK: Single values

  private struct Value {
    var text: String
    var source: SettingsLayer.Source
    /// Such as `AWS_REGION in ./.env`.
    var origin: String
    var overruled: [(origin: String, text: String)]
  }

  /// The first layer that has any of `variables` wins; within a layer the first variable does.
  private func lookUp(_ variables: Variable...) -> Value? {
    var found: Value?
    for layer in layers {
      for variable in variables {
        guard let text = layer[variable] else { continue }
        let origin = layer.name(of: variable)
        if found == nil {
          found = Value(text: text, source: layer.source, origin: origin, overruled: [])
        } else {
          found?.overruled.append((origin, text))
        }
      }
    }
    return found
  }

  private func finding(
    _ name: String, _ value: Value?, fallback: String, shown: String? = nil
  ) -> Settings.Finding {
    guard let value else {
      return Settings.Finding(name: name, value: shown ?? fallback, origin: "default")
    }
    // An endpoint may hold a password in its user information, so only what was parsed is shown.
    let isEndpoint = name == "endpoint"
    return Settings.Finding(
      name: name, value: shown ?? value.text, origin: value.origin,
      overruled: value.overruled.map { isEndpoint ? $0.origin : "\($0.origin) (\($0.text))" })
  }

  /// A leading `~` or `~/` is the home folder, also where no shell expanded it.
  private func path(_ text: String) -> FilePath {
    guard text == "~" || text.hasPrefix("~/"), let home else { return FilePath(argument: text) }
    return home.appending(FilePath(argument: text.dropFirst(2)).components)
  }

  /// - Throws: when a file that was named cannot be read.
  func readProfileFiles() throws(SetupProblem) -> ProfileFiles {
    try ProfileFiles(
      credentials: lookUp(.sharedCredentialsFile).map { path($0.text) },
      config: lookUp(.configFile).map { path($0.text) }, home: home)
  }

  // MARK: Keys

  /// Where the keys come from, which others were overruled, and what the sources before lacked.
  private func keyFindings(_ outcome: KeyFinder.Outcome) -> [Settings.Finding] {
    guard let found = outcome.found else {
      return [.init(name: "access key", value: "none", origin: "not found")]
        + outcome.skipped.map { .init(name: "no keys", value: "-", origin: $0) }
    }
    guard case .keys = found.recipe, let layer = layers.first(where: { $0.source == found.source }),
      !layer.isProfile
    else {
      return [
        .init(
          name: "access key", value: found.recipe.knownAccessKeyID ?? found.recipe.summary,
          origin: found.origin, overruled: overruled(.accessKeyID, except: nil, masked: false))
      ] + outcome.skipped.map { .init(name: "no keys", value: "-", origin: $0) }
    }
    var findings: [Settings.Finding] = []
    func add(_ name: String, _ variable: Variable, masked: Bool) {
      let others = overruled(variable, except: layer, masked: masked)
      guard layer[variable] != nil || !others.isEmpty else { return }
      let value = layer[variable].map { masked ? "••••••••" : $0 } ?? "none"
      findings.append(
        .init(name: name, value: value, origin: layer.name(of: variable), overruled: others))
    }
    add("access key", .accessKeyID, masked: false)
    add("secret key", .secretAccessKey, masked: true)
    add("session token", .sessionToken, masked: true)
    add("keys expire", .credentialExpiration, masked: false)
    return findings
  }

  private func overruled(
    _ variable: Variable, except layer: SettingsLayer?, masked: Bool
  ) -> [String] {
    layers.compactMap { other in
      guard other.source != layer?.source, let text = other[variable] else { return nil }
      return masked ? other.name(of: variable) : "\(other.name(of: variable)) (\(text))"
    }
  }

  /// - Parameter skipped: what was looked for in each source, and why it had none.
  private func noCredentials(_ skipped: [String]) -> SetupProblem {
    var places = skipped
    let named = lookUp(.profile)?.source == .flags
    if !named, !layers.contains(where: { if case .envFile = $0.source { true } else { false } }) {
      places.insert(
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in ./.env (\(envFileAbsence))",
        at: min(1, places.count))
    }
    return SetupProblem(
      message: "No access key was found", whereLooked: places,
      recovery: """
        Put both into the file .env in the current directory, readable by you alone:
          AWS_STORAGE_REGION='us-east-1'
          AWS_ACCESS_KEY_ID='…'
          AWS_SECRET_ACCESS_KEY='…'
        and, for a server that is not AWS, AWS_ENDPOINT_URL='https://…'
        """)
  }
}
