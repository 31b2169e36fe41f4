import Glibc
import Storage
import SystemPackage

/// The folder in which the Pails of one user find each other: each that moves something has a
/// socket in it, named for its process.
///
/// It is 0700 and belongs to the user, or it is not used. It stays open, so that nobody exchanges
/// it, and sockets are reached through it: the address of a Unix socket has room for 107 bytes
/// only, and paths may be longer. See unix(7).
struct RunFolder: ~Copyable {
  private let descriptor: Int32

  /// - Parameter makes: whether to make it when there is none.
  init?(_ path: FilePath, makes: Bool) {
    if makes { Self.make(path) }
    let opened = path.withPlatformString {
      open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }
    guard opened >= 0 else { return nil }
    var status = stat()
    guard fstat(opened, &status) == 0, status.st_uid == geteuid(),
      status.st_mode & 0o077 == 0 || fchmod(opened, 0o700) == 0
    else {
      close(opened)
      return nil
    }
    descriptor = opened
  }

  deinit {
    close(descriptor)
  }

  private static func make(_ path: FilePath) {
    var missing: [FilePath] = []
    var current = path
    while !current.isEmpty, current.withPlatformString({ access($0, F_OK) }) != 0 {
      missing.append(current)
      guard current.removeLastComponent() else { break }
    }
    for folder in missing.reversed() { _ = folder.withPlatformString { mkdir($0, 0o700) } }
  }

  static func name(of processID: Int32) -> String { "\(processID).sock" }

  /// A short path to what has this name.
  private func path(to name: String) -> String { "/proc/self/fd/\(descriptor)/\(name)" }

  /// The processes that have a socket, dead ones among them.
  func processes() -> [Int32] {
    // The stream closes the descriptor that it is given.
    guard let stream = opendir("/proc/self/fd/\(descriptor)") else { return [] }
    defer { closedir(stream) }
    var found: [Int32] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasSuffix(".sock"), let number = Int32(name.dropLast(5)), number > 0,
        name == Self.name(of: number)
      else { continue }
      found.append(number)
    }
    return found
  }

  /// A socket of this process that others can connect to, not blocking.
  ///
  /// Those of dead processes are taken away meanwhile, since nobody else may look for years.
  func listen() throws(Errno) -> Int32 {
    for processID in processes() where kill(processID, 0) != 0 && errno == ESRCH {
      if let socket = connect(to: processID) { close(socket) }
    }
    let socket = try UnixSocket.make()
    let name = Self.name(of: getpid())
    // Made under another name, since a socket that nobody listens to yet looks dead.
    let newName = name + ".new"
    unlinkat(descriptor, newName, 0)
    do throws(Errno) {
      try UnixSocket.check(UnixSocket.with(path(to: newName)) { bind(socket, $0, $1) })
      try UnixSocket.check(fchmodat(descriptor, newName, 0o600, 0))
      try UnixSocket.check(Glibc.listen(socket, 8))
      try UnixSocket.check(renameat(descriptor, newName, descriptor, name))
    } catch {
      close(socket)
      unlinkat(descriptor, newName, 0)
      throw error
    }
    return socket
  }

  /// Connects to another process of the same user; not blocking.
  ///
  /// - Returns: nil when there is none, or it is somebody else's.
  func connect(to processID: Int32) -> Int32? {
    guard let socket = try? UnixSocket.make() else { return nil }
    let name = Self.name(of: processID)
    let status = UnixSocket.with(path(to: name)) { Glibc.connect(socket, $0, $1) }
    if status == 0, UnixSocket.isPeerOurs(socket) { return socket }
    // Nobody listens, and nobody will.
    if status != 0, errno == ECONNREFUSED, kill(processID, 0) != 0, errno == ESRCH {
      unlinkat(descriptor, name, 0)
    }
    close(socket)
    return nil
  }

  /// Takes away the socket of this process.
  func removeOurs() {
    unlinkat(descriptor, Self.name(of: getpid()), 0)
  }
}

/// The calls of unix(7), as far as Swift's view of glibc lacks them or makes them awkward.
enum UnixSocket {
  /// As `struct ucred`, which glibc declares for _GNU_SOURCE only.
  private struct Credentials {
    var processID: pid_t = 0
    var userID: uid_t = 0
    var groupID: gid_t = 0
  }

  static func make() throws(Errno) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, kind, 0)
    try check(descriptor)
    return descriptor
  }

  /// nil when nobody waits, and for peers of other users, whose connection is closed.
  static func accept(_ listener: Int32) -> Int32? {
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor < 0 {
        if errno == EINTR || errno == ECONNABORTED { continue }
        return nil
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      if isPeerOurs(descriptor) { return descriptor }
      close(descriptor)
    }
  }

  /// Whether the other end belongs to the same user, by the word of the kernel.
  static func isPeerOurs(_ descriptor: Int32) -> Bool {
    var peer = Credentials()
    var length = socklen_t(MemoryLayout<Credentials>.size)
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0
      && peer.userID == geteuid()
  }

  static func check(_ status: Int32) throws(Errno) {
    if status < 0 { throw Errno(rawValue: errno) }
  }

  static func with(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      errno = ENAMETOOLONG
      return -1
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
