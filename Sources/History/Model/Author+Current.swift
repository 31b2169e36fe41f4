internal import Glibc

extension Author {
  /// This process, and the person who runs it.
  ///
  /// - Parameter user: What the person calls themselves; nil or empty for the login name, which is
  ///   the user ID in digits where the system has no name for it.
  public static func current(user: String? = nil) -> Author {
    let uid = getuid()
    let given = user.flatMap { $0.isEmpty ? nil : $0 }
    return Author(
      user: given ?? loginName(of: uid) ?? String(uid), loginUID: uid,
      auditUID: auditUID(readSmallFile("/proc/self/loginuid")), host: hostName(),
      sshClient: sshClient { name in getenv(name).map { String(cString: $0) } },
      bootID: bootID(), processID: getpid(),
      processStart: processStart(stat: readSmallFile("/proc/self/stat")) ?? 0)
  }

  /// Whether what is known of processes here says anything about its process.
  ///
  /// Of the same boot, that is known of those in the same PID namespace alone: in another, such as that
  /// of a container with the host's name, the same number is another process.
  var isOfThisHost: Bool {
    guard host == Self.hostName() else { return false }
    let own = Self.bootID()
    return bootID == own || Self.bootOnly(bootID) != Self.bootOnly(own)
  }

  /// Whether the process that this names still runs, as far as this host can tell.
  ///
  /// True for other hosts and PID namespaces, of whose processes nothing is known here.
  public var isRunning: Bool {
    guard isOfThisHost else { return true }
    guard bootID == Self.bootID() else { return false }
    return Self.isRunning(
      stat: readSmallFile("/proc/\(processID)/stat"), since: processStart,
      isThere: Self.takesSignals(processID))
  }

  /// Whether a process of this host runs.
  public static func isRunning(_ processID: Int32) -> Bool {
    isRunning(
      stat: readSmallFile("/proc/\(processID)/stat"), since: nil, isThere: takesSignals(processID))
  }

  /// Whether a process that is known by its number runs.
  ///
  /// - Parameters:
  ///   - stat: of its folder in `/proc`; empty where that cannot be read.
  ///   - start: when it started; nil for whatever process has the number.
  ///   - isThere: whether any process has the number.
  static func isRunning(
    stat: String, since start: UInt64?, isThere: @autoclosure () -> Bool
  ) -> Bool {
    // `/proc` may be mounted so that it hides the processes of other users (`hidepid`). Nothing tells
    // then whether it is a later process with the number: one that may run is not taken for dead.
    guard !stat.isEmpty else { return isThere() }
    return !isDead(stat: stat) && (start == nil || processStart(stat: stat) == start)
  }

  /// A process of another user refuses the signal (`EPERM`), and is there.
  private static func takesSignals(_ processID: Int32) -> Bool {
    // Other numbers than these are groups of processes.
    processID > 0 && (kill(processID, 0) == 0 || errno == EPERM)
  }

  /// 4294967295 is the kernel's word for "never set".
  static func auditUID(_ content: String) -> UInt32? {
    let digits = content.prefix { $0.isASCII && $0.isNumber }
    return UInt32(digits).flatMap { $0 == .max ? nil : $0 }
  }

  /// The first word of `SSH_CONNECTION`, else of `SSH_CLIENT`: the client's address.
  static func sshClient(_ variable: (String) -> String?) -> String? {
    for name in ["SSH_CONNECTION", "SSH_CLIENT"] {
      if let address = variable(name)?.split(separator: " ").first { return String(address) }
    }
    return nil
  }

  /// Field 22.
  static func processStart(stat: String) -> UInt64? {
    let fields = fieldsAfterName(stat)
    return fields.count > 19 ? UInt64(fields[19]) : nil
  }

  /// Field 3: a zombie has ended and waits for its parent to notice.
  static func isDead(stat: String) -> Bool {
    guard let state = fieldsAfterName(stat).first else { return true }
    return "ZXx".contains(state)
  }

  /// From field 3 on. The second, the program's name in parentheses, may hold blanks and
  /// parentheses of its own.
  private static func fieldsAfterName(_ stat: String) -> [Substring] {
    guard let end = stat.lastIndex(of: ")") else { return [] }
    return stat[stat.index(after: end)...].split(separator: " ")
  }

  static func bootID() -> String {
    let boot = readSmallFile("/proc/sys/kernel/random/boot_id").prefix { !$0.isWhitespace }
    return bootID(String(boot), namespace: linkTarget("/proc/self/ns/pid"))
  }

  /// - Parameter namespace: what `/proc/self/ns/pid` leads to, such as `pid:[4026531836]`; nil where that
  ///   cannot be read.
  static func bootID(_ boot: String, namespace: String?) -> String {
    guard let number = namespace?.drop(while: { $0 != "[" }).dropFirst().prefix(while: \.isNumber),
      !number.isEmpty, number != firstNamespace
    else { return boot }
    return "\(boot)/\(number)"
  }

  /// `PROC_PID_INIT_INO` of the kernel: the namespace of the machine itself.
  private static let firstNamespace = "4026531836"

  private static func bootOnly(_ bootID: String) -> Substring {
    bootID.prefix { $0 != "/" }
  }

  static func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func loginName(of uid: uid_t) -> String? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16384)
    guard getpwuid_r(uid, &entry, &buffer, buffer.count, &found) == 0, found != nil,
      let name = entry.pw_name
    else { return nil }
    return String(cString: name)
  }
}

/// Where a link leads to; nil when it cannot be read.
private func linkTarget(_ path: String) -> String? {
  var buffer = [UInt8](repeating: 0, count: 256)
  let count = readlink(path, &buffer, buffer.count)
  return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
}

/// The first 4 KiB of a file in `/proc`; empty when it cannot be read.
private func readSmallFile(_ path: String) -> String {
  let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return "" }
  defer { close(descriptor) }
  var buffer = [UInt8](repeating: 0, count: 4096)
  let count = read(descriptor, &buffer, buffer.count)
  return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
}

/// Asks the system about each process once.
struct ProcessTable {
  private struct Process: Hashable {
    let bootID: String
    let processID: Int32
    let processStart: UInt64
  }
  private var known: [Process: Bool] = [:]

  mutating func isRunning(_ author: Author) -> Bool {
    let process = Process(
      bootID: author.bootID, processID: author.processID, processStart: author.processStart)
    if let answer = known[process] { return answer }
    let answer = author.isRunning
    known[process] = answer
    return answer
  }
}
