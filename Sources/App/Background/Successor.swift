import Glibc
import S3
import SystemPackage

/// Another Pail that goes on with the transfers of this one, without a terminal.
///
/// It gets the options and the environment of this process, so it finds the same settings; secrets
/// are in neither of what it is called with.
struct Successor: Sendable {
  /// The options of this process that it shall have too.
  private(set) var options: [String]
  /// The very file that runs now, also when another has been installed in its place.
  private static let program = "/proc/self/exe"

  /// - Parameters:
  ///   - arguments: those of this process.
  ///   - endpoint: set when the person has agreed to a server, and would be asked again.
  init(arguments: [String], endpoint: String?) {
    var options: [String] = []
    var rest = arguments[...]
    while let word = rest.popFirst() {
      if LeadingOptions.valued.contains(word) {
        if let value = rest.popFirst() { options += [word, value] }
      } else if LeadingOptions.flags.contains(word)
        || LeadingOptions.valued.contains(String(word.prefix { $0 != "=" }))
      {
        options.append(word)
      }
    }
    if let endpoint { options += ["--endpoint-url", endpoint] }
    self.options = options
  }

  /// For a session that the person has switched to since: of options given twice the last counts.
  func switched(to settings: Settings) -> Successor {
    var successor = self
    let chosen = [
      ("--profile", settings.profile), ("--endpoint-url", settings.endpointFlag),
      ("--region", settings.regionFlag), ("--user", settings.user),
    ]
    for case (let name, let value?) in chosen { successor.options += [name, value] }
    return successor
  }

  /// With the limit that holds now, whatever held at the start.
  func limited(to bytesPerSecond: Int?) -> Successor {
    var successor = self
    let name = "--limit-rate"
    while let index = successor.options.firstIndex(where: {
      $0 == name || $0.hasPrefix(name + "=")
    }) {
      successor.options.removeSubrange(index..<(index + (successor.options[index] == name ? 2 : 1)))
    }
    if let bytesPerSecond { successor.options += [name, "\(bytesPerSecond)"] }
    return successor
  }

  /// The words that it is called with.
  ///
  /// - Parameters:
  ///   - ids: of the transfers to go on with; none for all that can be.
  ///   - openFiles: the limit for what it starts; nil for its own.
  func words(ids: [Int64], openFiles: Int? = nil) -> [String] {
    ["pail", "transfers", "resume", "--detached"]
      + (openFiles.map { ["--open-files", String($0)] } ?? []) + options
      + ids.map { String($0) }
  }

  /// Starts it in a session of its own.
  ///
  /// - Returns: its process ID.
  func start(ids: [Int64]) throws(Errno) -> Int32 {
    // It has the limit of this process from the start, and could not find out what was before.
    let words = words(ids: ids, openFiles: OpenFileLimit.ofOthers)
    return try ChildProcess.start(
      Self.program, arguments: words.map { RawArguments.bytes(of: $0) }, isOwn: true)
  }

  /// How a process that was started has ended: its exit status, or -1 for a signal; nil while it
  /// runs.
  static func status(of process: Int32) -> Int32? {
    var status: Int32 = 0
    guard waitpid(process, &status, WNOHANG) == process else { return nil }
    // Wait status: the low seven bits are a signal, the byte above them the exit status.
    return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
  }
}
