/// Who makes a change, and from which process.
///
/// ``user`` is what the person said; the rest is what the system knows and cannot be set.
public struct Author: Sendable, Hashable {
  /// What `--user` or its like gave, else the login name.
  public var user: String
  /// The user ID of the process (getuid).
  public var loginUID: UInt32
  /// The user ID at login, which `sudo` and `su` leave as it is; nil where the kernel has none.
  ///
  /// Source: proc(5), `/proc/self/loginuid`.
  public var auditUID: UInt32?
  public var host: String
  /// The address an SSH session comes from; nil without one.
  public var sshClient: String?
  /// Changes with every boot. Source: proc(5), `/proc/sys/kernel/random/boot_id`. In another PID
  /// namespace than the machine's own, a slash and the number of it follow: pid_namespaces(7).
  public var bootID: String
  public var processID: Int32
  /// When the process started, in clock ticks after the boot.
  ///
  /// Source: proc(5), field 22 of `/proc/PID/stat`. With ``bootID`` and ``processID`` it names one
  /// process for ever, since process IDs are used again.
  public var processStart: UInt64

  public init(
    user: String, loginUID: UInt32, auditUID: UInt32?, host: String, sshClient: String?,
    bootID: String, processID: Int32, processStart: UInt64
  ) {
    self.user = user
    self.loginUID = loginUID
    self.auditUID = auditUID
    self.host = host
    self.sshClient = sshClient
    self.bootID = bootID
    self.processID = processID
    self.processStart = processStart
  }
}
