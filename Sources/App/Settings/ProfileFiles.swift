import S3
import SystemPackage

/// Finds and reads the shared AWS files.
struct ProfileFiles: Sendable {
  /// Longer files are not settings.
  private static let sizeLimit = 1 << 20

  var profiles: AWSProfiles
  /// As a user would name them.
  var places: String
  /// What should be told of the files although work goes on; holds nothing of their contents.
  var notices: [String]

  static let none = ProfileFiles(
    profiles: AWSProfiles(credentials: [], config: []),
    places: "~/.aws/credentials and ~/.aws/config", notices: [])

  private init(profiles: AWSProfiles, places: String, notices: [String]) {
    self.profiles = profiles
    self.places = places
    self.notices = notices
  }

  /// For files that are read already.
  init(profiles: AWSProfiles) {
    self = .none
    self.profiles = profiles
  }

  /// - Parameters: paths that were given; nil for the usual places in the home folder.
  /// - Throws: when a file that was given cannot be read.
  init(credentials: FilePath?, config: FilePath?, home: FilePath?) throws(SetupProblem) {
    let folder = home?.appending(".aws")
    var notices: [String] = []
    let stored = try Self.contents(
      credentials, usual: folder?.appending("credentials"), .sharedCredentialsFile, &notices)
    let settings = try Self.contents(
      config, usual: folder?.appending("config"), .configFile, &notices)
    profiles = AWSProfiles(credentials: stored, config: settings)
    let credentialsName = credentials?.shown ?? "~/.aws/credentials"
    let configName = config?.shown ?? "~/.aws/config"
    places = "\(credentialsName) and \(configName)"
    for (numbers, name) in [
      (profiles.badLinesOfCredentials, credentialsName), (profiles.badLinesOfConfig, configName),
    ] {
      if let notice = SettingsLoader.notice(ofBadLines: numbers, in: name) {
        notices.append(notice)
      }
    }
    self.notices = notices
  }

  private static func contents(
    _ given: FilePath?, usual: FilePath?, _ variable: Variable, _ notices: inout [String]
  ) throws(SetupProblem) -> [UInt8] {
    guard let path = given ?? usual else { return [] }
    do {
      // Not blocking, so that a FIFO of that name cannot stop the program.
      let file = try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec])
      return try file.closeAfter { try file.contents(limit: sizeLimit) }
    } catch Errno.noSuchFileOrDirectory {
      // Also one that was given: the AWS CLI writes it when it is first needed.
      return []
    } catch {
      let reason = (error as? Errno).map { "\($0)" } ?? "it cannot be read"
      if given == nil {
        notices.append("\(path.shown) was not read: \(reason).")
        return []
      }
      throw SetupProblem(
        message: "The file \(path.shown) cannot be read: \(reason)",
        whereLooked: ["\(variable.rawValue) \(path.shown)"],
        recovery: "Name a file that you may read, or leave \(variable.rawValue) out.")
    }
  }
}
