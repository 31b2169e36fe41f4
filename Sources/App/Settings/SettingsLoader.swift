import Glibc
import SystemPackage

/// What the command line says about settings.
struct SettingsFlags: Sendable {
  var endpointURL: String?
  var region: String?
  var envFile: FilePath?
  var user: String?
  var history: String?
  var isReadOnly = false

  var layer: SettingsLayer {
    var values: [Variable: String] = [:]
    values[.endpointURLForS3] = endpointURL
    values[.storageRegion] = region
    values[.user] = user
    values[.history] = history
    return SettingsLayer(source: .flags, values: values)
  }
}

/// Gathers the layers from the real process and resolves them.
enum SettingsLoader {
  /// - Throws: when `--env-file` names a file that cannot be read.
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
      layers.append(
        SettingsLayer(
          source: .envFile(path: path, isImplicit: isImplicit), environment: file.values))
      if let notice = notice(ofBadLines: file.badLines, in: path) { notices.append(notice) }
    }
    var settings = SettingsResolver(
      layers: layers, environment: environment, accountHome: accountHome(),
      isReadOnly: flags.isReadOnly, envFileAbsence: absence
    ).resolve()
    settings.notices = notices + settings.notices
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
    for name in Variable.allCases.map(\.rawValue) + ["HOME", "XDG_STATE_HOME"] {
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
