internal import Glibc
internal import HTTP
public import S3
internal import Synchronization
public import SystemPackage

/// The folder that somebody chose for downloads, held open: nothing is written outside it, also
/// when names, links or the folder's own path change meanwhile.
public final class DownloadFolder: Sendable {
  /// What to do when a file of the name is there already.
  public enum Existing: Sendable, Hashable {
    /// It is replaced in one step, once the new one is complete.
    case overwrite
    /// The download takes the first free name: `name (1).ext`, `name (2).ext`, …
    case rename
    /// ``LocalFileError/Kind/alreadyExists``, at the start or, if it appears meanwhile, at the end.
    case fail
  }

  /// What a name stands for at the moment.
  public struct ExistingFile: Sendable, Hashable {
    public var size: ByteCount
    public var modified: Timestamp
    /// When it was written, renamed or otherwise changed last; nobody can set it.
    public var changed: Timestamp
    public var isRegular: Bool
    public var isFolder: Bool
    /// Whether it is, or leads to, what no download may replace: a device, a pipe, a stream.
    public var isSpecial: Bool

    /// - Parameter changed: by default `modified`.
    public init(
      size: ByteCount, modified: Timestamp, changed: Timestamp? = nil, isRegular: Bool,
      isFolder: Bool = false, isSpecial: Bool = false
    ) {
      self.size = size
      self.modified = modified
      self.changed = changed ?? modified
      self.isRegular = isRegular
      self.isFolder = isFolder
      self.isSpecial = isSpecial
    }
  }

  public let path: FilePath
  private let folder: OpenFile
  /// The device, where the folder lies in memory. What is below it is taken to be where it is.
  let memory: dev_t?
  /// Whether small files are stored so: in memory, until it once did not do.
  let storesUnnamed: Atomic<Bool>
  /// Known once something is to be written, and the same for the folders below.
  private let matching: Mutex<NameMatching?>

  /// Opens the folder, and makes it with those above it when it is missing.
  ///
  /// - Parameter path: `.` for the current folder.
  public static func open(_ path: FilePath) async throws(LocalFileError) -> DownloadFolder {
    try await onDisk { () throws(LocalFileError) in try DownloadFolder(path) }
  }

  /// - Parameter matching: nil to find out.
  init(_ path: FilePath, matching: NameMatching? = nil) throws(LocalFileError) {
    self.path = path
    self.matching = Mutex(matching)
    try makeFolders(path)
    let descriptor = path.withPlatformString {
      Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard descriptor >= 0 else {
      throw LocalFileError(path, errno == ENOTDIR ? .notAFolder : .lastError)
    }
    folder = OpenFile(FileDescriptor(rawValue: descriptor))
    memory = Storage.isInMemory(folder) ? try status(of: folder, path: path).st_dev : nil
    storesUnnamed = Atomic(memory != nil)
  }

  var isInMemory: Bool { memory != nil }

  /// Whether files can be made in it, as far as its permissions tell.
  var isWritable: Bool {
    faccessat(folder.descriptor.rawValue, ".", W_OK | X_OK, AT_EACCESS) == 0
  }

  /// What is there under `name`; nil for nothing. A link is looked at and not through.
  public func existing(_ name: RelativeName) async throws(LocalFileError) -> ExistingFile? {
    try await onDisk(unless: isInMemory) { () throws(LocalFileError) in
      let location = name.path(below: self.path)
      let parent: OpenFile
      do throws(LocalFileError) {
        parent = try self.openParent(of: name, creating: false)
      } catch {
        if error.kind == .system(.noSuchFileOrDirectory) { return nil }
        throw error
      }
      guard let status = try lookAt(name.last, in: parent, path: location) else { return nil }
      return ExistingFile(
        size: ByteCount(Int64(status.st_size)), modified: status.modified,
        changed: status.changed, isRegular: status.isRegular, isFolder: status.isFolder,
        isSpecial: !status.isRegular && leadsToSpecialFile(name.last, in: parent))
    }
  }

  /// Makes a folder with those above it, where they are missing.
  public func makeFolder(_ name: RelativeName) async throws(LocalFileError) {
    try await onDisk { () throws(LocalFileError) in
      let parent = try self.openParent(of: name, creating: true)
      _ = try openFolder(
        name.last, in: parent, path: name.path(below: self.path), creating: true,
        self.foundMatching)
    }
  }

  /// Makes the folders of `name`, and a file for the download to arrive in.
  ///
  /// - Parameters:
  ///   - size: What is reserved on the disk, so that a full one shows at once; nil when it is not
  ///     known.
  ///   - reusing: whether a file in which an earlier run has left something is taken as it is;
  ///     ``DownloadTarget/isLeftover`` then says so. Otherwise it is removed.
  /// - Throws: ``LocalFileError/Kind/inUse`` while another transfer writes the same file.
  public func target(
    _ name: RelativeName, size: ByteCount?, existing: Existing, reusing: Bool = false
  ) async throws(LocalFileError) -> DownloadTarget {
    try await onDisk { () throws(LocalFileError) in
      try self.makeTarget(name, size: size, existing: existing, reusing: reusing)
    }
  }

  func makeTarget(
    _ name: RelativeName, size: ByteCount?, existing: Existing, reusing: Bool = false
  ) throws(LocalFileError) -> DownloadTarget {
    let parent = try openParent(of: name, creating: true)
    var candidate = name
    var number = 0
    while true {
      do throws(LocalFileError) {
        return try DownloadTarget(
          candidate, below: path, in: parent, size: size, existing: existing, reusing: reusing,
          matching: foundMatching)
      } catch {
        let isTaken = error.kind == .alreadyExists || error.kind == .inUse
        guard existing == .rename, isTaken, number < 9_999 else { throw error }
        number += 1
        candidate = name.numbered(number)
      }
    }
  }

  /// Removes what an interrupted download of `name` has left, unless somebody is at it again.
  public func removeLeftover(_ name: RelativeName) async throws(LocalFileError) {
    try await onDisk { () throws(LocalFileError) in
      do throws(LocalFileError) {
        let parent = try self.openParent(of: name, creating: false)
        // Making it takes the lock and removes what was there; letting it go removes the new one.
        _ = try DownloadTarget(
          name, below: self.path, in: parent, size: nil, existing: .overwrite, reusing: false,
          matching: .byBytes)
      } catch {
        guard error.kind != .system(.noSuchFileOrDirectory) else { return }
        throw error
      }
    }
  }

  /// One component after the other, no links followed.
  func openParent(
    of name: RelativeName, creating: Bool
  ) throws(LocalFileError) -> OpenFile {
    var current = folder
    for (index, component) in name.folders.enumerated() {
      current = try openFolder(
        component, in: current, path: name.path(ofFolders: index + 1, below: path),
        creating: creating, creating ? foundMatching : .byBytes)
    }
    return current
  }

  private var foundMatching: NameMatching {
    matching.withLock { matching in
      let found = matching ?? NameMatching(of: folder)
      matching = found
      return found
    }
  }
}

/// - Parameter matching: a folder that is there has to have this very name.
private func openFolder(
  _ name: [UInt8], in parent: OpenFile, path: @autoclosure () -> FilePath, creating: Bool,
  _ matching: NameMatching
) throws(LocalFileError) -> OpenFile {
  let folder = parent.descriptor.rawValue
  let bytes = name
  return try withCString(name) { (name) throws(LocalFileError) in
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    var descriptor = openat(folder, name, flags)
    if descriptor < 0, errno == ENOENT, creating {
      if mkdirat(folder, name, 0o777) == 0 {
        matching.noteMade(bytes, in: parent)
        // The folder must be there after a crash as surely as the file that comes into it.
        try flush(parent, path: path().removingLastComponent())
      } else if errno != EEXIST {
        let refusal = LocalFileError.Kind.lastError
        throw LocalFileError(path(), refusal)
      }
      descriptor = openat(folder, name, flags)
    }
    guard descriptor >= 0 else {
      let kind = LocalFileError.Kind.lastError
      // With both flags a link may answer "not a directory" as well as "too many links".
      var status = stat()
      if fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.isLink {
        throw LocalFileError(path(), .link)
      }
      throw LocalFileError(path(), kind == .system(.notDirectory) ? .notAFolder : kind)
    }
    let opened = OpenFile(FileDescriptor(rawValue: descriptor))
    try matching.check(bytes, in: parent, path: path())
    return opened
  }
}

/// The folder that a person named: links in it are theirs and followed.
private func makeFolders(_ folder: FilePath) throws(LocalFileError) {
  var missing: [FilePath] = []
  var ancestor = folder
  while !ancestor.isEmpty, access(ancestor.string, F_OK) != 0, errno == ENOENT {
    missing.append(ancestor)
    ancestor.removeLastComponent()
  }
  for folder in missing.reversed() {
    let result = folder.withPlatformString { mkdir($0, 0o777) }
    guard result == 0 || errno == EEXIST else { throw LocalFileError(folder, .lastError) }
    if result == 0 { try flushParent(of: folder) }
  }
}

/// As surely as the files that come into a folder, its own name must be there after a crash.
private func flushParent(of folder: FilePath) throws(LocalFileError) {
  var parent = folder.removingLastComponent()
  if parent.isEmpty { parent = "." }
  let descriptor = parent.withPlatformString {
    Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  }
  // One that may be written to but not read cannot be flushed.
  guard descriptor >= 0 else { return }
  try flush(OpenFile(FileDescriptor(rawValue: descriptor)), path: parent)
}
