internal import Glibc
internal import SystemPackage

/// Makes the history's folders and its file where they are missing, and refuses a file that other
/// people could have written.
///
/// An existing file is looked at by its path and never opened here: closing it would take away the
/// locks that SQLite may hold on it in this process.
///
/// - Returns: The folder.
/// - Throws: ``HistoryError/OpenProblem``, and ``HistoryError/readOnly``.
func prepareFile(at path: FilePath) throws -> FilePath {
  var folder = path.removingLastComponent()
  if folder.isEmpty { folder = "." }
  try makeFolders(folder)
  let folderStatus = try status(of: folder, problem: { .folder($0) })
  guard folderStatus.isFolder else { throw HistoryError.OpenProblem.folder(.notDirectory) }
  let isGroupFolder = folderStatus.st_mode & S_ISGID != 0

  try makeFile(path, mode: isGroupFolder ? 0o660 : 0o600)
  try requireTrust(in: path, folder: folderStatus, isGroupFolder: isGroupFolder)
  // WAL and journal are made beside the file, by whoever opens it first.
  try requireAccess(to: folder, W_OK | X_OK, problem: { .folder($0) })
  try requireAccess(to: path, R_OK | W_OK, problem: { .file($0) })
  return folder
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

private func flush(_ folder: FilePath) throws {
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

private func requireTrust(in path: FilePath, folder: stat, isGroupFolder: Bool) throws {
  let file = try status(of: path, problem: { .file($0) })
  guard file.st_mode & S_IFMT == S_IFREG else { throw HistoryError.OpenProblem.notARegularFile }
  let isReplaceable = folder.st_mode & S_IWOTH != 0 && folder.st_mode & S_ISVTX == 0
  guard file.st_mode & S_IWOTH == 0, !isReplaceable else {
    throw HistoryError.OpenProblem.writableByAll
  }
  let user = geteuid()
  guard isGroupFolder || user == 0 || file.st_uid == user else {
    throw HistoryError.OpenProblem.ownedByAnother(file.st_uid)
  }
}

private func requireAccess(
  to path: FilePath, _ mode: Int32, problem: (Errno) -> HistoryError.OpenProblem
) throws {
  guard faccessat(AT_FDCWD, path.string, mode, AT_EACCESS) == 0 else {
    throw openProblem(Errno(rawValue: errno), problem)
  }
}

private func status(
  of path: FilePath, problem: (Errno) -> HistoryError.OpenProblem
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

extension stat {
  fileprivate var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
}
