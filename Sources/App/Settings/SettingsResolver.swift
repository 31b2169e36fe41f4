import Browser
import HTTP
import History
import S3
import SystemPackage

/// Decides which value of each setting holds. Reads nothing itself: layers in, settings out.
///
/// - `SettingsResolver+Values.swift`  the layer that a single value is taken from
/// - `SettingsResolver+Server.swift`  endpoint, region, variants, proxies
/// - `SettingsResolver+Keys.swift`    where the keys come from, for `pail doctor`
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

  var home: FilePath? {
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
      let name = resolver.lookUp(.profile, .olderProfile)?.text ?? "default"
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
    let name = lookUp(.profile, .olderProfile)?.text ?? "default"
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

    let server = server(&problems, &findings)
    let (endpoint, region) = (server.endpoint, server.region)
    let isBasic = isOn("basic requests", .basicRequests, &findings, &problems)
    let retryFor = duration("retries", .retryFor, &findings, &problems)
    let stallTimeout = duration("stall timeout", .stallTimeout, &findings, &problems)

    let profile = lookUp(.profile, .olderProfile)
    findings.append(finding("profile", profile, fallback: "default"))
    let surroundings = CredentialSurroundings(environment, home: home?.string)
    let outcome = keyOutcome(surroundings)
    let keys = outcome.found
    notices += outcome.notices
    findings += keyFindings(outcome)
    let noKeys = noCredentials(outcome.skipped)
    if let problem = outcome.problem ?? (keys == nil ? noKeys : nil) { problems.append(problem) }
    let way = leadingOwnKeysAlone(keys?.source, &notices)
    let caBundle = way.lookUp(.caBundle)
    findings.append(finding("CA bundle", caBundle, fallback: "the system's"))
    let proxies = way.proxySettings(&findings, &problems)
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
    if isReadOnly {
      let overruled = readOnly.map { ["\($0.origin) (\($0.text))"] } ?? []
      findings.append(
        .init(name: "read-only", value: "true", origin: "--read-only", overruled: overruled))
    } else if let readOnly {
      findings.append(finding("read-only", readOnly, fallback: ""))
    } else if let config, config.isLost {
      findings.append(
        .init(name: "read-only", value: "true", origin: "\(config.path), which does not count"))
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
    if let keys, keys.recipe != .anonymous, let endpoint, let endpointValue = server.endpointValue,
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
      // The command line names one server. What names another for all services is overruled, and is
      // sent nothing.
      tokenService = try surroundings.tokenService(
        for: profileName.flatMap { files.profiles[$0] },
        ignoresGeneral: server.endpointValue?.source == .flags)
    } catch .unusable(let source, _) where problems.isEmpty {
      notices.append("\(source) is no endpoint, so the Security Token Service cannot be asked.")
    } catch {
      // What is wrong has been said.
    }

    return Settings(
      endpoint: endpoint, region: region,
      isRegionAssumed: server.isRegionAssumed, credentials: keys?.recipe,
      profile: profileName, awsFolder: home?.appending(".aws").string, tokenService: tokenService,
      problemWithoutMetadata: keys?.isGuess == true ? noKeys : nil,
      isBasic: isBasic, retryFor: retryFor, stallTimeout: stallTimeout,
      caBundle: caBundle.map { path($0.text) }, proxies: proxies,
      saveFolder: folder.map { path($0.text) } ?? FilePath("."),
      user: user?.text, historyPath: historyPath, isHistoryNamed: history != nil,
      runFolder: defaultHistoryPath?.removingLastComponent().appending("run"),
      journalPath: try? TransferJournal.defaultPath(environment: environment, home: home),
      placesPath: defaultHistoryPath?.removingLastComponent().appending("places.json"),
      bookmarksPath: defaultHistoryPath?.removingLastComponent().appending("bookmarks.json"),
      isReadOnly: isReadOnly || config?.isLost == true
        || readOnly.map { truth(of: $0, &problems) } == true,
      colour: colour, profileNames: files.profiles.names,
      endpointFlag: commandLine.lookUp(.endpointURLForS3)?.text,
      regionFlag: commandLine.lookUp(.storageRegion)?.text,
      wantsColour: noColour == nil, endpointQuestion: question, findings: findings,
      notices: notices, problems: problems)
  }

  /// A file that merely lies in the current directory cannot lift what protects a profile: of
  /// layers above `config.toml` `false` does not count.
  private var readOnlyValue: Value? {
    var resolver = self
    resolver.layers.removeAll { layer in
      !layer.isConfig && layer[.readOnly].map { Self.truth(of: $0) == false } ?? true
    }
    return resolver.lookUp(.readOnly)
  }

  /// - Throws: when a file that was named cannot be read.
  func readProfileFiles() throws(SetupProblem) -> ProfileFiles {
    try ProfileFiles(
      credentials: lookUp(.sharedCredentialsFile).map { path($0.text) },
      config: lookUp(.configFile).map { path($0.text) }, home: home)
  }
}
