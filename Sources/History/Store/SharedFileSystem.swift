internal import Glibc
internal import SystemPackage

/// Whether other machines may have files of the folder open, with which no memory can be shared.
///
/// Some file systems in user space are local, but the journal that works for all of them costs
/// them little. False where the system does not tell.
func isOnSharedFileSystem(_ folder: FilePath) -> Bool {
  guard let resolved = realpath(folder.string, nil) else { return false }
  defer { free(resolved) }
  guard
    let mounts = try? String(decoding: readWhole("/proc/self/mountinfo"), as: UTF8.self)
  else { return false }
  return MountTable(mounts).fileSystem(of: FilePath(platformString: resolved)).map(isShared)
    ?? false
}

func isShared(_ fileSystem: String) -> Bool {
  let shared: Set = [
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "lustre", "gpfs", "gfs2", "ocfs2",
    "afs", "virtiofs", "fuse",
  ]
  return shared.contains(fileSystem) || fileSystem.hasPrefix("fuse.")
}

/// The mounts of this process. Source: proc(5), `/proc/PID/mountinfo`.
struct MountTable {
  private var mounts: [(point: FilePath, fileSystem: String)] = []

  init(_ content: String) {
    for line in content.split(separator: "\n") {
      // Fields of their own number stand before a lone hyphen: the file system comes after it.
      let fields = line.split(separator: " ")
      guard let hyphen = fields.firstIndex(of: "-"), hyphen + 1 < fields.count, hyphen > 4 else {
        continue
      }
      mounts.append((FilePath(bytes: unescaped(fields[4])), String(fields[hyphen + 1])))
    }
  }

  /// The file system of the deepest mount above `path`, of several at one place the last.
  ///
  /// - Parameter path: Absolute and without links.
  func fileSystem(of path: FilePath) -> String? {
    var found: (point: FilePath, fileSystem: String)?
    for mount in mounts where path.starts(with: mount.point) {
      if let found, found.point.components.count > mount.point.components.count { continue }
      found = mount
    }
    return found?.fileSystem
  }
}

/// Blanks, tabs, newlines and backslashes are written as a backslash and three octal digits.
private func unescaped(_ field: Substring) -> [UInt8] {
  var bytes: [UInt8] = []
  var rest = Array(field.utf8)[...]
  while let byte = rest.popFirst() {
    if byte == UInt8(ascii: "\\"), rest.count >= 3,
      let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
    {
      bytes.append(value)
      rest = rest.dropFirst(3)
    } else {
      bytes.append(byte)
    }
  }
  return bytes
}

private func readWhole(_ path: FilePath) throws -> [UInt8] {
  let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
  return try file.closeAfter {
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
      if count == 0 { return content }
      content += piece.prefix(count)
    }
  }
}

/// Whether a lock keeps a second one out, tried on a file of its own.
///
/// The locks are those of an open file, not of a process: one process can then play both sides.
///
/// - Throws: ``HistoryError/OpenProblem/folder(_:)`` when no file can be made there.
func locksWork(in folder: FilePath) throws -> Bool {
  let path = folder.appending(".pail-locks-\(getpid())-\(UInt32.random(in: 0 ... .max))").string
  let first = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
  guard first >= 0 else { throw HistoryError.OpenProblem.folder(Errno(rawValue: errno)) }
  defer {
    close(first)
    unlink(path)
  }
  let second = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
  guard second >= 0 else { return false }
  defer { close(second) }
  guard lockWhole(first) else { return false }
  return !lockWhole(second) && (errno == EAGAIN || errno == EACCES)
}

private func lockWhole(_ descriptor: Int32) -> Bool {
  var lock = flock()
  lock.l_type = Int16(F_WRLCK)
  lock.l_whence = Int16(SEEK_SET)
  return fcntl(descriptor, setLockOfOpenFile, &lock) == 0
}

/// `F_OFD_SETLK`, which glibc shows to C only when asked. Source: `asm-generic/fcntl.h`.
private let setLockOfOpenFile: Int32 = 37
