import Glibc
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

  /// The words that it is called with.
  ///
  /// - Parameter ids: of the transfers to go on with; none for all that can be.
  func words(ids: [Int64]) -> [String] {
    ["pail", "transfers", "resume", "--detached"] + options + ids.map { String($0) }
  }

  /// Starts it in a session of its own.
  ///
  /// - Returns: its process ID.
  func start(ids: [Int64]) throws(Errno) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Dispatch blocks most signals on its threads, and the browser handles some.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(
      &attributes, Int16(Self.newSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var arguments: [UnsafeMutablePointer<CChar>?] = words(ids: ids).map { word in
      strdup(RawArguments.bytes(of: word).map { CChar(bitPattern: $0) } + [0])
    }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, Self.program, &actions, &attributes, &arguments, environ)
    guard code == 0 else { throw Errno(rawValue: code) }
    return process
  }

  /// How a process that was started has ended: its exit status, or -1 for a signal; nil while it
  /// runs.
  static func status(of process: Int32) -> Int32? {
    var status: Int32 = 0
    guard waitpid(process, &status, WNOHANG) == process else { return nil }
    // Wait status: the low seven bits are a signal, the byte above them the exit status.
    return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
  }

  /// `POSIX_SPAWN_SETSID` of `spawn.h`, which Swift's Glibc leaves out.
  private static let newSession: Int32 = 0x80
}
