import Glibc
import SystemPackage

/// What systemd-logind does to a user's processes at logout.
///
/// Source: logind.conf(5), `KillUserProcesses`, `KillOnlyUsers` and `KillExcludeUsers`.
struct LoginManager: Sendable, Hashable {
  private var killsProcesses = false
  private var onlyUsers: [String] = []
  private var excludedUsers = ["root"]

  /// - Parameter files: the configuration and what is dropped in, the strongest last.
  init(files: [String]) {
    for file in files { read(file) }
  }

  private mutating func read(_ file: String) {
    for line in file.split(whereSeparator: \.isNewline) {
      guard let sign = line.firstIndex(of: "="), line.first.map({ !"#;[".contains($0) }) == true
      else { continue }
      let name = Self.trimmed(line[..<sign])
      let value = Self.trimmed(line[line.index(after: sign)...])
      switch name {
      case "KillUserProcesses":
        killsProcesses = ["1", "yes", "y", "true", "t", "on"].contains(value.lowercased())
      case "KillOnlyUsers": Self.add(value, to: &onlyUsers)
      case "KillExcludeUsers": Self.add(value, to: &excludedUsers)
      default: break
      }
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    let start = text.drop(while: \.isWhitespace)
    return String(start.reversed().drop(while: \.isWhitespace).reversed())
  }

  /// An empty value forgets what was there before.
  private static func add(_ value: String, to list: inout [String]) {
    if value.isEmpty { list = [] }
    list += value.split(whereSeparator: \.isWhitespace).map(String.init)
  }

  /// - Parameters:
  ///   - controlGroup: what `/proc/self/cgroup` says.
  ///   - lingers: whether the user's own services outlast the last logout.
  func endsProcesses(of user: String, controlGroup: String, lingers: Bool) -> Bool {
    if controlGroup.contains("/session-") {
      guard killsProcesses, !excludedUsers.contains(user) else { return false }
      return onlyUsers.isEmpty || onlyUsers.contains(user)
    }
    // Below the user's own manager everything lives as long as that does.
    return controlGroup.contains("/user@") && !lingers
  }

  /// Whether this process ends when its user logs out for the last time.
  static func endsThisProcess(of user: String) -> Bool {
    guard access("/run/systemd/system", F_OK) == 0, !user.contains("/") else { return false }
    let controlGroup = text(of: "/proc/self/cgroup") ?? ""
    return LoginManager(files: configuration()).endsProcesses(
      of: user, controlGroup: controlGroup,
      lingers: access("/var/lib/systemd/linger/\(user)", F_OK) == 0)
  }

  /// The main file, then what is dropped in, by name; of two with one name the stronger counts.
  private static func configuration() -> [String] {
    let folders = ["/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd"]
    let main = folders.reversed().lazy.compactMap { text(of: "\($0)/logind.conf") }.first
    var dropped: [String: String] = [:]
    for folder in folders.map({ "\($0)/logind.conf.d" }) {
      guard let stream = opendir(folder) else { continue }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name.hasSuffix(".conf") { dropped[name] = "\(folder)/\(name)" }
      }
    }
    let files = dropped.sorted { $0.key < $1.key }.map(\.value)
    return (main.map { [$0] } ?? []) + files.compactMap { text(of: $0) }
  }

  /// The first 64 KiB of a file.
  private static func text(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
  }
}
