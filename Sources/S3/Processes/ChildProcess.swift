internal import Glibc
public import SystemPackage

/// Starts programs that get nothing of this one but its environment and its working folder.
public enum ChildProcess {
  /// Starts a program in a session of its own, without a terminal, with every signal as the system
  /// has it, and with no open file of this process. It reads from `/dev/null` and complains there.
  ///
  /// The caller takes its end with waitpid(2).
  ///
  /// - Parameters:
  ///   - program: a path, or a name to look for in `PATH`.
  ///   - arguments: its own name first; each without NUL.
  ///   - output: what it prints goes here, or to `/dev/null`.
  ///   - isOwn: whether it is this program, which may have as many files open as this process. Others
  ///     get the limit that ``OpenFileLimit/ofOthers`` says.
  /// - Returns: its process ID, which is that of its session and of its process group too.
  public static func start(
    _ program: String, arguments: [[UInt8]], output: FileDescriptor? = nil,
    isOwn: Bool = false
  ) throws(Errno) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    if let output {
      posix_spawn_file_actions_adddup2(&actions, output.rawValue, STDOUT_FILENO)
    } else {
      posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    }
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    // libcurl opens its sockets without O_CLOEXEC, and a server would think them in use. Closing
    // what is not open does no harm, so the range leaves room for what other threads open before
    // the program starts; `closefrom` would end that race, but not every C library has it.
    for descriptor in 3...max(3, highestDescriptor() ?? 0) + 1024 {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }

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
      &attributes, Int16(newSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { argument in
      strdup(argument.map { CChar(bitPattern: $0) } + [0])
    }
    words.append(nil)
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let code = posix_spawnp(&process, program, &actions, &attributes, &words, environ)
    guard code == 0 else { throw Errno(rawValue: code) }
    if !isOwn { OpenFileLimit.restore(in: process) }
    return process
  }

  /// `POSIX_SPAWN_SETSID` of `spawn.h`, which Swift's Glibc leaves out.
  private static let newSession: Int32 = 0x80

  private static func highestDescriptor() -> Int32? {
    guard let folder = opendir("/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var highest: Int32?
    while let entry = readdir(folder) {
      let number = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { Int32(String(cString: $0)) }
      }
      if let number { highest = max(highest ?? number, number) }
    }
    return highest
  }
}
