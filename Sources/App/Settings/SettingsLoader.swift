import Glibc
import S3
import SystemPackage

/// What the command line says about settings.
struct SettingsFlags: Sendable {
  var profile: String?
  var endpointURL: String?
  var region: String?
  var addressingStyle: String?
  var caBundle: String?
  var envFile: FilePath?
  var user: String?
  var history: String?
  var isReadOnly = false
  var isAnonymous = false

  var layer: SettingsLayer {
    var values: [Variable: String] = [:]
    values[.profile] = profile
    values[.endpointURLForS3] = endpointURL
    values[.storageRegion] = region
    values[.addressingStyle] = addressingStyle
    values[.caBundle] = caBundle
    values[.user] = user
    values[.history] = history
    return SettingsLayer(source: .flags, values: values)
  }
}

/// Gathers the layers from the real process and resolves them.
enum SettingsLoader {
  /// - Throws: when a file that was named cannot be read.
  static func load(_ flags: SettingsFlags) throws(SetupProblem) -> Settings {
    let environment = environment()
    var layers = [flags.layer, SettingsLayer(source: .environment, environment: environment)]
    var notices: [String] = []
    var absence = "there is none"
    switch try EnvFileReader.read(named: flags.envFile) {
    case .absent: break
    case .refused(let reason):
      notices.append(reason)
      absence = "it was not read"
    case .read(let file, let path, let isImplicit):
      var values = file.values
      if isImplicit {
        // A profile may name a program to run, so a folder that one merely works in, such as a
        // checkout of others' work, has no say in where profiles are.
        for variable in [Variable.sharedCredentialsFile, .configFile]
        where values.removeValue(forKey: variable.rawValue) != nil {
          notices.append(
            "\(variable.rawValue) in \(path) does not count: name the file with --env-file.")
        }
      }
      layers.append(
        SettingsLayer(source: .envFile(path: path, isImplicit: isImplicit), environment: values))
      if let notice = notice(ofBadLines: file.badLines, in: path) { notices.append(notice) }
    }
    var resolver = SettingsResolver(
      layers: layers, environment: environment, accountHome: accountHome(),
      isReadOnly: flags.isReadOnly, isAnonymous: flags.isAnonymous, envFileAbsence: absence)
    resolver.config = resolver.configPath.flatMap { ConfigFile(at: $0) }
    notices += resolver.config?.notices ?? []
    resolver.files = try resolver.readProfileFiles()
    var settings = resolver.resolve()
    settings.notices = notices + resolver.files.notices + settings.notices
    return settings
  }

  static func notice(ofBadLines numbers: [Int], in path: String) -> String? {
    guard !numbers.isEmpty else { return nil }
    let list = numbers.prefix(10).map(String.init).joined(separator: ", ")
    let more = numbers.count > 10 ? " and \(numbers.count - 10) more" : ""
    let noun = numbers.count == 1 ? "line" : "lines"
    return "\(path): \(noun) \(list)\(more) left out, not of the form NAME=value."
  }

  /// The variables that matter to settings, nothing else.
  private static func environment() -> [String: String] {
    var values: [String: String] = [:]
    let names =
      Variable.allCases.map(\.rawValue) + ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"]
      + CredentialSurroundings.variables
    for name in names {
      guard let value = getenv(name) else { continue }
      values[name] = RawArguments.text(
        of: UnsafeRawBufferPointer(start: value, count: strlen(value)))
    }
    return values
  }

  private static func accountHome() -> FilePath? {
    // Called once, before there are other threads.
    guard let entry = getpwuid(geteuid()), let home = entry.pointee.pw_dir else { return nil }
    return FilePath(platformString: home)
  }
}
