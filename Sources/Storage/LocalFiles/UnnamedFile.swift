internal import Glibc
internal import HTTP
internal import SystemPackage

/// A file without a name: gone with its last user, also after a crash. For what memory is too small
/// for, and for what gets its name when it is whole.
enum UnnamedFile {
  /// TMPDIR, else `/var/tmp`, which lies on a disk where `/tmp` may be memory.
  static var folder: FilePath {
    let chosen = getenv("TMPDIR").map { FilePath(platformString: $0) } ?? FilePath()
    return chosen.isEmpty ? "/var/tmp" : chosen
  }

  /// - Throws: what open(2) or mkstemp(3) says, such as `noSpace`.
  static func make(in folder: FilePath = folder) throws(Errno) -> OpenFile {
    var descriptor = folder.withPlatformString {
      open($0, temporary | O_RDWR | O_EXCL | O_CLOEXEC, mode_t(0o600))
    }
    // Older kernels take the flag for O_DIRECTORY alone; some file systems do not know it.
    if descriptor < 0, [EOPNOTSUPP, EISDIR, EINVAL, ENOENT].contains(errno) {
      // mkstemp(3) puts other characters in place of the six.
      var template = folder.appending("pail-XXXXXX").withPlatformString { name in
        Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))
      }
      descriptor = mkstemp(&template)
      if descriptor >= 0 {
        unlink(template)
        // mkostemp(3), which does both at once, is not to be seen from here.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      }
    }
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    return OpenFile(FileDescriptor(rawValue: descriptor))
  }

  /// - Returns: nil where there is none that could become an ordinary file of the folder, and where
  ///   the folder lies on another device.
  static func make(toBeNamedIn folder: OpenFile, on device: dev_t) -> OpenFile? {
    let allowed: mode_t = 0o666
    let descriptor = openat(
      folder.descriptor.rawValue, ".", temporary | O_RDWR | O_CLOEXEC, allowed)
    guard descriptor >= 0 else { return nil }
    let file = OpenFile(FileDescriptor(rawValue: descriptor))
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_dev == device else { return nil }
    // Kernels before 6.0 forget the umask here on file systems without access control lists.
    return status.st_mode & 0o777 == allowed ? nil : file
  }

  /// Never replaces what is there.
  ///
  /// - Returns: whether the file has the name now.
  static func give(_ name: [UInt8], to file: OpenFile, in folder: OpenFile) -> Bool {
    let (descriptor, folder) = (file.descriptor.rawValue, folder.descriptor.rawValue)
    return withCString(name) { name in
      if linkat(descriptor, "", folder, name, emptyPath) == 0 { return true }
      // Kernels before 6.10 allow that to few, and say that there is no such file.
      return errno == ENOENT
        && linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", folder, name, AT_SYMLINK_FOLLOW) == 0
    }
  }

  /// `AT_EMPTY_PATH` of `fcntl.h`, which Swift's Glibc leaves out.
  private static var emptyPath: Int32 { 0x1000 }

  /// `O_TMPFILE` of `fcntl.h`, which Swift's Glibc leaves out.
  private static var temporary: Int32 { 0o20_000_000 | O_DIRECTORY }
}
