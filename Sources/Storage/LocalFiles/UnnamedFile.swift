internal import Glibc
internal import HTTP
internal import SystemPackage

/// A file without a name, for what memory is too small for: gone with its last user, also after a
/// crash.
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

  /// `O_TMPFILE` of `fcntl.h`, which Swift's Glibc leaves out.
  private static var temporary: Int32 { 0o20_000_000 | O_DIRECTORY }
}
