internal import CFiles
internal import Dispatch
internal import Glibc
internal import Synchronization
internal import SystemPackage

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

  /// Those under way, which are no more once the kernel may give their numbers away again.
  private static let running = Mutex<Set<pid_t>>([])

  /// Asks those under way to end, with what they have started. They have sessions of their own, so
  /// neither the terminal's signals nor the end of this program reaches them.
  public static func endAll() {
    running.withLock { processes in
      for process in processes { kill(-process, SIGTERM) }
    }
  }

  private static let queue = DispatchQueue(
    label: "pail.credential-process", attributes: .concurrent)

  private func failure(_ reason: String) -> CredentialError {
    .unusable(source: origin, reason: reason)
  }

  /// - Returns: all that the program wrote to its standard output before it ended well.
  private func run() throws(CredentialError) -> [UInt8] {
    var ends: [Int32] = [-1, -1]
    // Another program that starts meanwhile, and has the end for writing, would hold up the reader
    // for as long as it runs.
    guard pipe2(&ends, O_CLOEXEC) == 0 else { throw failure("no pipe can be made") }
    let reading = ends[0]
    defer { close(reading) }
    let process: pid_t
    do throws(Errno) {
      defer { close(ends[1]) }
      // Without the terminal: a program that asks there would draw over the screen and take its
      // keys. What it complains of may hold secrets.
      process = try Self.running.withLock { processes throws(Errno) in
        let process = try ChildProcess.start(
          programName, arguments: revealedWords.map { Array($0.utf8) },
          output: FileDescriptor(rawValue: ends[1]))
        processes.insert(process)
        return process
      }
    } catch {
      throw failure("it cannot be started: \(String(cString: strerror(error.rawValue)))")
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
      leave(process)
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
    leave(process)
    var status: Int32 = 0
    while waitpid(process, &status, 0) != process {
      guard errno == EINTR else { throw failure("its end cannot be awaited") }
    }
    return status
  }

  private func leave(_ process: pid_t) {
    Self.running.withLock { _ = $0.remove(process) }
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
