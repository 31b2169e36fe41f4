internal import CFiles
internal import Glibc
internal import HTTP
internal import S3
internal import SystemPackage

extension LocalFileError.Kind {
  /// What `errno` says, read right after the call.
  static var lastError: LocalFileError.Kind { .system(Errno(rawValue: errno)) }
}

extension stat {
  var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
  var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
  var isLink: Bool { st_mode & S_IFMT == S_IFLNK }
  var modified: Timestamp {
    Timestamp(seconds: Int64(st_mtim.tv_sec), nanoseconds: Int32(st_mtim.tv_nsec))
  }
  var changed: Timestamp {
    Timestamp(seconds: Int64(st_ctim.tv_sec), nanoseconds: Int32(st_ctim.tv_nsec))
  }
  func isSameFile(as other: stat) -> Bool { st_dev == other.st_dev && st_ino == other.st_ino }
}

/// - Parameter bytes: Without NUL.
func withCString<Value, Failure: Error>(
  _ bytes: [UInt8], _ body: (UnsafePointer<CChar>) throws(Failure) -> Value
) throws(Failure) -> Value {
  let terminated = bytes.map { CChar(bitPattern: $0) } + [0]
  return try terminated.withUnsafeBufferPointer { (buffer) throws(Failure) -> Value in
    guard let start = buffer.baseAddress else { preconditionFailure("never empty") }
    return try body(start)
  }
}

func status(of file: OpenFile, path: FilePath) throws(LocalFileError) -> stat {
  var result = stat()
  guard fstat(file.descriptor.rawValue, &result) == 0 else {
    throw LocalFileError(path, .lastError)
  }
  return result
}

/// What the name stands for, links not followed; nil for nothing.
func lookAt(
  _ name: [UInt8], in folder: OpenFile, path: FilePath
) throws(LocalFileError) -> stat? {
  var result = stat()
  let answer = withCString(name) {
    fstatat(folder.descriptor.rawValue, $0, &result, AT_SYMLINK_NOFOLLOW)
  }
  if answer == 0 { return result }
  if errno == ENOENT { return nil }
  throw LocalFileError(path, .lastError)
}

/// Whether the name, or the link of that name, stands for a device, a pipe or a socket, or for what
/// a process has open, be it a regular file: who names `/dev/stderr` means the stream.
func leadsToSpecialFile(_ name: [UInt8], in folder: OpenFile) -> Bool {
  var target = stat()
  let isThere = withCString(name) { fstatat(folder.descriptor.rawValue, $0, &target, 0) == 0 }
  guard isThere else { return false }
  return !target.isRegular && !target.isFolder || leadsThroughProc(name, in: folder)
}

/// Whether the name is one in `/proc`, or a link that comes by there.
private func leadsThroughProc(_ name: [UInt8], in folder: OpenFile) -> Bool {
  var (name, folder) = (name, folder)
  // As many as the system follows.
  for _ in 0..<40 {
    if pail_is_in_proc(folder.descriptor.rawValue) { return true }
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = withCString(name) {
      readlinkat(folder.descriptor.rawValue, $0, &buffer, buffer.count)
    }
    guard count > 0 else { return false }
    let link = FilePath(bytes: buffer.prefix(count).map { UInt8(bitPattern: $0) })
    guard let last = link.lastComponent, last.kind == .regular else { return false }
    name = FilePath(root: nil, [last]).bytes
    let parent = link.removingLastComponent()
    let descriptor = (parent.isEmpty ? "." : parent).withPlatformString {
      openat(folder.descriptor.rawValue, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard descriptor >= 0 else { return false }
    folder = OpenFile(FileDescriptor(rawValue: descriptor))
  }
  return false
}

func refersToSameFile(_ name: [UInt8], in folder: OpenFile, as file: OpenFile) -> Bool {
  var named = stat()
  var open = stat()
  let isThere = withCString(name) {
    fstatat(folder.descriptor.rawValue, $0, &named, AT_SYMLINK_NOFOLLOW) == 0
  }
  guard isThere, fstat(file.descriptor.rawValue, &open) == 0 else { return false }
  return named.isSameFile(as: open)
}

/// File systems that have nothing to flush for a folder answer EINVAL.
func flush(
  _ file: OpenFile, path: @autoclosure () -> FilePath
) throws(LocalFileError) {
  guard fsync(file.descriptor.rawValue) == 0 || errno == EINVAL else {
    let refusal = LocalFileError.Kind.lastError
    throw LocalFileError(path(), refusal)
  }
}

func setModified(
  _ time: Timestamp, of file: OpenFile, path: @autoclosure () -> FilePath
) throws(LocalFileError) {
  // `UTIME_OMIT`, a macro that Swift does not see: the time of access stays.
  let omitted = (1 << 30) - 2
  let times = [
    timespec(tv_sec: 0, tv_nsec: omitted),
    timespec(tv_sec: time_t(time.seconds), tv_nsec: Int(time.nanoseconds)),
  ]
  guard futimens(file.descriptor.rawValue, times) == 0 else {
    let refusal = LocalFileError.Kind.lastError
    throw LocalFileError(path(), refusal)
  }
}

/// Has the disk set these bytes of the file aside; what is there already stays.
///
/// By fallocate(2) itself: where a file system has none, posix_fallocate(3) writes to the file, and
/// could undo what another thread writes at that moment.
///
/// - Returns: false where the file system cannot.
func setAside(_ bytes: Range<Int64>, in file: OpenFile) throws(Errno) -> Bool {
  while fallocate(file.descriptor.rawValue, 0, off_t(bytes.lowerBound), off_t(bytes.count)) != 0 {
    switch errno {
    case EOPNOTSUPP, EINVAL, ENOSYS: return false
    case EINTR: continue
    case let refusal: throw Errno(rawValue: refusal)
    }
  }
  return true
}

/// Whether the file's pages lie in memory and nowhere else.
func isInMemory(_ file: OpenFile) -> Bool {
  pail_is_in_memory(file.descriptor.rawValue)
}
