internal import Glibc
internal import SystemPackage

/// Makes the history's folders and its file where they are missing, and refuses a file that other
/// people could have written.
///
/// An existing file is looked at by its path and never opened here: closing it would take away the
/// locks that SQLite may hold on it in this process.
///
/// - Parameter mayBeShared: Whether a setgid folder makes the file its group's.
/// - Returns: The path without links, so that folder and file are those that are written.
/// - Throws: ``HistoryError/OpenProblem``, and ``HistoryError/readOnly``.
func prepareFile(
  at path: FilePath, user: UInt32, mayBeShared: Bool = true
) throws -> FilePath {
  let folder = path.removingLastComponent()
  try makeFolders(folder)
  let isGroupFolder = try isShared(folder.isEmpty ? "." : folder) && mayBeShared
  try makeFile(path, mode: isGroupFolder ? 0o660 : 0o600)

  let resolved = try resolve(path)
  try requireTrust(in: resolved, user: user, mayBeShared: mayBeShared)
  // WAL and journal are made beside the file, by whoever opens it first.
  try requireAccess(to: resolved.removingLastComponent(), W_OK | X_OK) { .folder($0) }
  try requireAccess(to: resolved, R_OK | W_OK) { .file($0) }
  return resolved
}

/// A file that is there, and that may be read and not written.
struct ProtectedFile {
  /// Without links.
  var path: FilePath
  /// Whether nobody at all writes it, rather than only this user.
  var isFixed: Bool

  /// What SQLite calls it. Source: "Uniform Resource Identifiers" of SQLite's documentation.
  var uri: String {
    "file:"
      + path.string.utf8.map { byte in
        let isPlain = isalnum(Int32(byte)) != 0 && byte < 0x80 || byte == UInt8(ascii: "/")
        return isPlain
          ? String(UnicodeScalar(byte))
          : "%" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
      }.joined()
  }
}

/// As ``prepareFile(at:user:mayBeShared:)``, for a file that is only read; nil where that one has to
/// do, or to say what is wrong.
func protectedFile(
  at path: FilePath, user: UInt32, mayBeShared: Bool
) throws -> ProtectedFile? {
  guard access(path.string, F_OK) == 0 else { return nil }
  let resolved = try resolve(path)
  let isWritable = faccessat(AT_FDCWD, resolved.string, W_OK, AT_EACCESS) == 0
  let isOnReadOnly = !isWritable && errno == EROFS
  let folder = resolved.removingLastComponent()
  guard !isWritable || faccessat(AT_FDCWD, folder.string, W_OK | X_OK, AT_EACCESS) != 0 else {
    return nil
  }
  try requireTrust(in: resolved, user: user, mayBeShared: mayBeShared)
  try requireAccess(to: resolved, R_OK) { .file($0) }
  let mode = try status(of: resolved) { .file($0) }.st_mode
  // What a journal holds belongs to the file, and only SQLite knows what of it counts.
  let hasJournal = ["-wal", "-journal"].contains { suffix in
    var journal = stat()
    return stat(resolved.string + suffix, &journal) == 0 && journal.st_size > 0
  }
  return ProtectedFile(
    // A file system that is mounted to be read here may be written by another machine.
    path: resolved,
    isFixed: !hasJournal
      && (mode & 0o222 == 0 || isOnReadOnly && !isOnSharedFileSystem(folder)))
}

/// Whether a group shares the folder, as its setgid bit says.
private func isShared(_ folder: FilePath) throws -> Bool {
  let status = try status(of: folder) { .folder($0) }
  guard status.st_mode & S_IFMT == S_IFDIR else {
    throw HistoryError.OpenProblem.folder(.notDirectory)
  }
  return status.st_mode & S_ISGID != 0
}

private func resolve(_ path: FilePath) throws -> FilePath {
  guard let resolved = realpath(path.string, nil) else {
    throw HistoryError.OpenProblem.file(Errno(rawValue: errno))
  }
  defer { free(resolved) }
  return FilePath(platformString: resolved)
}

/// Each is 0700, and flushed into the folder above.
private func makeFolders(_ folder: FilePath) throws {
  var missing: [FilePath] = []
  var ancestor = folder
  while !ancestor.isEmpty, access(ancestor.string, F_OK) != 0, errno == ENOENT {
    missing.append(ancestor)
    ancestor.removeLastComponent()
  }
  for folder in missing.reversed() {
    guard mkdir(folder.string, 0o700) == 0 || errno == EEXIST else {
      throw openProblem(Errno(rawValue: errno)) { .folder($0) }
    }
    try flush(folder.removingLastComponent())
  }
}

func flush(_ folder: FilePath) throws {
  let descriptor = Glibc.open(
    folder.isEmpty ? "." : folder.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  // A folder that may be written but not read cannot be flushed.
  guard descriptor >= 0 else { return }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 || errno == EINVAL else {
    throw HistoryError.OpenProblem.folder(Errno(rawValue: errno))
  }
}

private func makeFile(_ path: FilePath, mode: mode_t) throws {
  let descriptor = Glibc.open(
    path.string, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
  guard descriptor >= 0 else {
    let error = Errno(rawValue: errno)
    if error == .fileExists { return }
    throw openProblem(error) { .file($0) }
  }
  defer { close(descriptor) }
  // The umask may have taken the group's share. SQLite gives its other files the mode of this one.
  guard fchmod(descriptor, mode) == 0 else {
    throw HistoryError.OpenProblem.file(Errno(rawValue: errno))
  }
}

private func requireTrust(in path: FilePath, user: UInt32, mayBeShared: Bool) throws {
  let file = try status(of: path) { .file($0) }
  guard file.st_mode & S_IFMT == S_IFREG else { throw HistoryError.OpenProblem.notARegularFile }
  let folder = try status(of: path.removingLastComponent()) { .folder($0) }
  let isReplaceable = folder.st_mode & S_IWOTH != 0 && folder.st_mode & S_ISVTX == 0
  guard file.st_mode & S_IWOTH == 0, !isReplaceable else {
    throw HistoryError.OpenProblem.writableByAll
  }
  // Root may look after anybody's history.
  let isShared = mayBeShared && folder.st_mode & S_ISGID != 0
  guard isShared || user == 0 || file.st_uid == user else {
    throw HistoryError.OpenProblem.ownedByAnother(file.st_uid)
  }
}

private func requireAccess(
  to path: FilePath, _ mode: Int32, or problem: (Errno) -> HistoryError.OpenProblem
) throws {
  guard faccessat(AT_FDCWD, path.string, mode, AT_EACCESS) == 0 else {
    throw openProblem(Errno(rawValue: errno), problem)
  }
}

private func status(
  of path: FilePath, or problem: (Errno) -> HistoryError.OpenProblem
) throws -> stat {
  var result = stat()
  guard stat(path.string, &result) == 0 else { throw problem(Errno(rawValue: errno)) }
  return result
}

private func openProblem(
  _ error: Errno, _ problem: (Errno) -> HistoryError.OpenProblem
) -> any Error {
  switch error {
  case .readOnlyFileSystem: HistoryError.readOnly
  case .noSpace, .diskQuotaExceeded: HistoryError.full
  default: problem(error)
  }
}
