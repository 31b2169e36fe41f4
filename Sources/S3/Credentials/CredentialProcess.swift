internal import Dispatch
internal import Glibc

/// A program that prints credentials.
///
/// Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
public struct CredentialProcess: Sendable, Hashable {
  /// The program first. The others may be secrets.
  private let words: [Secret]
  public let programName: String
  /// The program is killed when it takes longer.
  var timeout = Duration.seconds(60)

  /// The longest answer, in bytes.
  private static let outputLimit = 1 << 20

  /// nil when there is no program in `command`, or a quotation mark is not closed.
  public init?(command: String) {
    guard let words = ShellWords.split(command), let program = words.first, !program.isEmpty,
      words.allSatisfy({ !$0.utf8.contains(0) })
    else { return nil }
    self.words = words.map { Secret($0) }
    programName = program
  }

  /// For the program, and for nothing that is shown.
  var revealedWords: [String] { words.map(\.revealed) }

  private var origin: String { "credential_process \(programName)" }

  func credentials() async throws(CredentialError) -> Credentials {
    // Waiting for a program blocks a thread, which the cooperative pool has none to spare of.
    let result: Result<[UInt8], CredentialError> = await withCheckedContinuation { continuation in
      Self.queue.async {
        continuation.resume(returning: Result { () throws(CredentialError) in try run() })
      }
    }
    let output = try result.get()
    guard let document = JSONValue(parsing: output), case .object = document else {
      throw failure("it printed something that is no JSON object")
    }
    guard document["Version"] == .number("1") else {
      throw failure("it printed credentials of another Version than 1")
    }
    return try Credentials(document, tokenName: "SessionToken", source: origin)
  }

  private static let queue = DispatchQueue(
    label: "pail.credential-process", attributes: .concurrent)

  private func failure(_ reason: String) -> CredentialError {
    .unusable(source: origin, reason: reason)
  }

  /// - Returns: all that the program wrote to its standard output before it ended well.
  private func run() throws(CredentialError) -> [UInt8] {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw failure("no pipe can be made") }
    let reading = ends[0]
    defer { close(reading) }
    let process: pid_t
    do {
      defer { close(ends[1]) }
      process = try start(output: ends[1])
    }
    let deadline = ContinuousClock.now + timeout
    let output: [UInt8]
    let status: Int32
    do throws(CredentialError) {
      output = try readAll(reading, until: deadline)
      status = try wait(for: process, until: deadline)
    } catch {
      // It leads a session of its own, so this reaches what it has started as well.
      kill(-process, SIGKILL)
      var status: Int32 = 0
      waitpid(process, &status, 0)
      throw error
    }
    // Wait status: the low seven bits are a signal, the byte above them the exit status.
    guard status & 0x7F == 0 else { throw failure("signal \(status & 0x7F) ended it") }
    guard status >> 8 == 0 else {
      throw failure("it ended with status \(status >> 8). Call it by itself to see what it says")
    }
    return output
  }

  /// Without the terminal: a program that asks there would draw over the screen and take its keys.
  private func start(output: Int32) throws(CredentialError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    // What it says there may hold secrets.
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    // Neither connections nor open files are the program's. Closing what is not open does no harm,
    // so the range leaves room for what other threads open before the program starts; `closefrom`
    // would end that race, but Swift's Glibc leaves it out.
    for descriptor in 3...max(3, Self.highestDescriptor() ?? 0) + 1024 {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(
      &attributes, Int16(Self.newSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var arguments = revealedWords.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawnp(&process, programName, &actions, &attributes, &arguments, environ)
    guard code == 0 else {
      throw failure("it cannot be started: \(String(cString: strerror(code)))")
    }
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

  private func readAll(
    _ descriptor: Int32, until deadline: ContinuousClock.Instant
  ) throws(CredentialError) -> [UInt8] {
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&request, 1, try milliseconds(until: deadline))
      if ready == 0 || (ready < 0 && errno == EINTR) { continue }
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("what it prints cannot be read") }
      if count == 0 { return output }
      output.append(contentsOf: buffer[..<count])
      guard output.count <= Self.outputLimit else { throw failure("it prints too much") }
    }
  }

  /// A program may close its output and go on, so its end has a deadline of its own.
  ///
  /// `waitpid` knows no deadline, so another thread waits in it and leaves the status to this one.
  /// (Dispatch has no process sources on Linux, and C libraries before 2.36 no `pidfd_open`.)
  private func wait(
    for process: pid_t, until deadline: ContinuousClock.Instant
  ) throws(CredentialError) -> Int32 {
    let ended = DispatchSemaphore(value: 0)
    Self.queue.async {
      var information = siginfo_t()
      while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
      ended.signal()
    }
    let left = DispatchTimeInterval.milliseconds(Int(try milliseconds(until: deadline)))
    if ended.wait(timeout: .now() + left) == .timedOut {
      kill(-process, SIGKILL)
      // Not before the other thread has let go of the number, which the kernel may give away again
      // once the caller has taken the status.
      ended.wait()
      throw tooSlow
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) != process {
      guard errno == EINTR else { throw failure("its end cannot be awaited") }
    }
    return status
  }

  private var tooSlow: CredentialError {
    failure("it did not end within \(timeout.components.seconds) seconds")
  }

  private func milliseconds(
    until deadline: ContinuousClock.Instant
  ) throws(CredentialError) -> Int32 {
    let left = ContinuousClock.now.duration(to: deadline)
    guard left > .zero else { throw tooSlow }
    let (seconds, attoseconds) = left.components
    return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }
}
