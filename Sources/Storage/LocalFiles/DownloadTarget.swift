internal import Glibc
public import HTTP
public import S3
internal import Synchronization
public import SystemPackage

/// A download on its way: a file `.pail-HASH.part` beside the place where it will be.
///
/// The file is this transfer's alone: made anew, not through a link, and locked for as long as the
/// target lives. It gets its name once it is complete, in one step. A target that is let go without
/// ``finish(modified:)`` or ``keep()`` removes its file; after a crash the next download of the same
/// name does, unless it can go on with it.
public final class DownloadTarget: Sendable {
  /// Where the file will be; under `rename` not always where it was asked for.
  public let path: FilePath
  /// To write the body into, by position.
  public let file: OpenFile
  /// Its name below the folder; under `rename` not always the one that was asked for.
  public let relativeName: RelativeName
  /// Whether the file is one that an earlier run has left, with what is in it.
  public let isLeftover: Bool

  private enum State {
    case arriving
    case complete
    case abandoned
    case kept
  }

  private let name: [UInt8]
  private let partName: [UInt8]
  /// For messages.
  private var partPath: FilePath { path.removingLastComponent().appending(bytes: partName) }
  private let parent: OpenFile
  private let existing: DownloadFolder.Existing
  private let matching: NameMatching
  /// As far as it is known before the first byte.
  private let size: ByteCount?
  private let state = Mutex(State.arriving)

  init(
    _ name: RelativeName, below folder: FilePath, in parent: OpenFile, size: ByteCount?,
    existing: DownloadFolder.Existing, reusing: Bool, matching: NameMatching
  ) throws(LocalFileError) {
    self.matching = matching
    self.size = size
    relativeName = name
    path = name.path(below: folder)
    self.name = name.last
    self.parent = parent
    self.existing = existing
    // Of the name and nothing else: two downloads to one name then meet in one lock.
    let hash = Digest.sha256(name.last).prefix(10)
    partName = Array(".pail-\(Digest.hex(hash)).part".utf8)

    if let status = try lookAt(self.name, in: parent, path: path) {
      guard existing == .overwrite else { throw LocalFileError(path, .alreadyExists) }
      try matching.check(self.name, in: parent, path: path)
      // Who may write its folder could replace /dev/null.
      guard !status.isFolder else { throw LocalFileError(path, .folder) }
      guard !leadsToSpecialFile(self.name, in: parent) else {
        throw LocalFileError(path, .notARegularFile)
      }
    }
    (file, isLeftover) = try openPart(partName, in: parent, beside: path, reusing: reusing)
    do throws(LocalFileError) {
      try makeRoom()
    } catch {
      // What an earlier run has left is worth more than the room that it takes.
      if isLeftover { keep() } else { remove() }
      throw error
    }
  }

  deinit {
    if state.withLock({ $0 == .arriving }) { remove() }
  }

  /// Flushes the file and gives it its name.
  ///
  /// The caller has checked that the file is whole.
  ///
  /// - Parameter modified: What the file's time becomes; nil leaves the time of the last write.
  /// - Throws: ``LocalFileError/Kind/alreadyExists`` when a file took the name meanwhile and is not
  ///   to be overwritten; the download is then abandoned, as after any other error.
  public func finish(modified: Timestamp?) async throws(LocalFileError) {
    try await onDisk { () throws(LocalFileError) in try self.complete(modified: modified) }
    try await flushFolder()
  }

  /// As ``finish(modified:)``, on this thread, and without what ``flushFolder()`` does.
  func complete(modified: Timestamp?) throws(LocalFileError) {
    let isArriving = state.withLock { state in
      defer { if state == .arriving { state = .complete } }
      return state == .arriving
    }
    precondition(isArriving, "a download ends once")
    do throws(LocalFileError) {
      if let modified { try setModified(modified, of: file, path: path) }
      try flush(file, path: path)
      try takeName()
    } catch {
      remove()
      throw error
    }
  }

  /// Returns once the name is on the disk.
  func flushFolder() async throws(LocalFileError) {
    try await FolderFlushes.shared.flush(parent, path: path.removingLastComponent())
  }

  /// As ``flushFolder()``, on this thread and for this name alone.
  func flushFolderNow() throws(LocalFileError) {
    try flush(parent, path: path.removingLastComponent())
  }

  /// Leaves what has arrived where it is, for a later run. Does nothing after the end.
  public func keep() {
    state.withLock { state in if state == .arriving { state = .kept } }
  }

  /// Empties the file of what an earlier run has left.
  public func startOver() async throws(LocalFileError) {
    try await onDisk { () throws(LocalFileError) in
      guard ftruncate(self.file.descriptor.rawValue, 0) == 0 else {
        let refusal = LocalFileError.Kind.lastError
        throw LocalFileError(self.partPath, refusal)
      }
      try self.makeRoom()
    }
  }

  /// Gives the file its size, also one that was left of a longer object, and has the disk set room
  /// aside for what comes first.
  ///
  /// - Throws: when there cannot be room for all of it.
  private func makeRoom() throws(LocalFileError) {
    guard let size, size > .zero else { return }
    let found = try status(of: file, path: path)
    if Int64(found.st_size) != size.bytes {
      guard ftruncate(file.descriptor.rawValue, off_t(size.bytes)) == 0 else {
        let refusal = LocalFileError.Kind.lastError
        throw LocalFileError(partPath, refusal)
      }
    }
    var system = statvfs()
    // Some that are not on a disk of this machine do not know their size.
    if fstatvfs(file.descriptor.rawValue, &system) == 0, system.f_blocks > 0 {
      let free = Double(system.f_bfree) * Double(system.f_frsize)
      guard Double(size.bytes) - Double(found.st_blocks) * 512 <= free else {
        throw LocalFileError(partPath, .system(.noSpace))
      }
    }
    _ = try reserveSlice(at: 0)
  }

  /// Has the disk set room aside for the rest, so that one whose room is not this user's, or is
  /// taken meanwhile, is noticed early. Ends early when its task is cancelled.
  ///
  /// To be run beside the first requests: a server of files may take its time for it.
  func reserveRest() async throws(LocalFileError) {
    guard let size else { return }
    var offset = Self.slice
    while offset < size.bytes, !Task.isCancelled {
      let start = offset
      let isSetAside = try await onDisk { () throws(LocalFileError) in
        try self.reserveSlice(at: start)
      }
      guard isSetAside else { return }
      offset += Self.slice
    }
  }

  /// In bytes. Writers of the same file wait while the disk sets one aside.
  private static let slice: Int64 = 16 * 1024 * 1024

  /// - Returns: false where nothing can be set aside, or nothing would be gained.
  private func reserveSlice(at offset: Int64) throws(LocalFileError) -> Bool {
    guard let size, offset < size.bytes else { return false }
    // Its room has been looked at, and setting it aside takes as long as writing.
    guard !isInMemory(file) else { return false }
    do throws(Errno) {
      return try setAside(offset..<min(offset + Self.slice, size.bytes), in: file)
    } catch {
      throw LocalFileError(partPath, .system(error))
    }
  }

  /// Removes what has arrived, or lets go of what is kept. Does nothing after the end.
  public func abandon() async {
    let before = state.withLock { state in
      defer { if state == .arriving { state = .abandoned } }
      return state
    }
    switch before {
    case .arriving: try? await onDisk { self.remove() }
    case .kept:
      // A request that has just ended, or a program that is just being started, may have the file
      // open for a moment yet, and the next run would find it in use.
      _ = flock(file.descriptor.rawValue, LOCK_UN)
    case .complete, .abandoned: break
    }
  }

  private func takeName() throws(LocalFileError) {
    let folder = parent.descriptor.rawValue
    let replaces = existing == .overwrite && !matching.isFolding
    let isDone =
      if replaces {
        withCString(partName) { part in
          withCString(name) { renameat(folder, part, folder, $0) == 0 }
        }
      } else {
        // Unlike a renaming, a link never replaces what is there.
        withCString(partName) { part in
          withCString(name) { linkat(folder, part, folder, $0, 0) == 0 }
        }
      }
    guard isDone else {
      let kind = LocalFileError.Kind.lastError
      if existing == .overwrite, !replaces { return try replaceSame(kind) }
      guard existing != .overwrite else {
        throw LocalFileError(path, kind == .system(.isDirectory) ? .folder : kind)
      }
      if kind == .system(.fileExists) { throw LocalFileError(path, .alreadyExists) }
      return try takeNameWithoutLinks(kind)
    }
    if !replaces { remove() }
  }

  /// Where the name of another file may be taken for this one: replaces only what has this name.
  private func replaceSame(_ kind: LocalFileError.Kind) throws(LocalFileError) {
    try Self.replacing.withLock { _ throws(LocalFileError) in try replaceSameNow(kind) }
  }

  /// One at a time, so that two names of one file do not both find it free.
  private static let replacing = Mutex(())

  private func replaceSameNow(_ kind: LocalFileError.Kind) throws(LocalFileError) {
    if try lookAt(name, in: parent, path: path) != nil {
      try matching.check(name, in: parent, path: path)
    } else if kind == .system(.fileExists) {
      throw LocalFileError(path, .alreadyExists)
    }
    let folder = parent.descriptor.rawValue
    let isDone = withCString(partName) { part in
      withCString(name) { renameat(folder, part, folder, $0) == 0 }
    }
    guard isDone else { throw LocalFileError(path, .lastError) }
  }

  /// For file systems such as FAT: as near to "never replace" as they come.
  private func takeNameWithoutLinks(_ kind: LocalFileError.Kind) throws(LocalFileError) {
    let hasNoLinks = [.system(.notPermitted), .system(.notSupported), .system(.tooManyLinks)]
      .contains(kind)
    guard hasNoLinks else { throw LocalFileError(path, kind) }
    guard try lookAt(name, in: parent, path: path) == nil else {
      throw LocalFileError(path, .alreadyExists)
    }
    let folder = parent.descriptor.rawValue
    let isDone = withCString(partName) { part in
      withCString(name) { renameat(folder, part, folder, $0) == 0 }
    }
    guard isDone else { throw LocalFileError(path, .lastError) }
  }

  /// The name goes only if it still is that of the file here.
  private func remove() {
    if refersToSameFile(partName, in: parent, as: file) {
      _ = withCString(partName) { unlinkat(parent.descriptor.rawValue, $0, 0) }
    }
  }
}

/// Makes the file anew and locks it. One that a dead process left is removed first, or taken when it
/// is to be reused: the lock went with the process.
private func openPart(
  _ name: [UInt8], in parent: OpenFile, beside target: FilePath, reusing: Bool
) throws(LocalFileError) -> (file: OpenFile, isLeftover: Bool) {
  // Made only where something is wrong, after `errno` has been read.
  var path: FilePath { target.removingLastComponent().appending(bytes: name) }
  let folder = parent.descriptor.rawValue
  // Each turn is lost only to another process that made or removed the file meanwhile.
  for _ in 0..<32 {
    let made = withCString(name) {
      openat(folder, $0, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    }
    if made >= 0 {
      let file = OpenFile(FileDescriptor(rawValue: made))
      // Between its making and its locking somebody may take the file for a dead one's.
      do throws(LocalFileError) {
        if try lock(file, path), refersToSameFile(name, in: parent, as: file) {
          return (file, false)
        }
      } catch {
        if refersToSameFile(name, in: parent, as: file) {
          _ = withCString(name) { unlinkat(folder, $0, 0) }
        }
        throw error
      }
      continue
    }
    let refusal = LocalFileError.Kind.lastError
    guard refusal == .system(.fileExists) else { throw LocalFileError(path, refusal) }

    // Not held up by a FIFO that somebody put there.
    let left = withCString(name) {
      openat(folder, $0, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    }
    guard left >= 0 else {
      let refusal = LocalFileError.Kind.lastError
      if refusal == .system(.noSuchFileOrDirectory) { continue }
      throw LocalFileError(path, refusal == .system(.tooManySymbolicLinkLevels) ? .link : refusal)
    }
    let file = OpenFile(FileDescriptor(rawValue: left))
    let status = try status(of: file, path: path)
    guard status.isRegular else { throw LocalFileError(path, .notARegularFile) }
    guard try lock(file, path) else { throw LocalFileError(target, .inUse) }
    if refersToSameFile(name, in: parent, as: file) {
      // Another name of it, or another owner: somebody put it there to have it written to.
      if reusing, status.st_nlink == 1, status.st_uid == geteuid() { return (file, true) }
      _ = withCString(name) { unlinkat(folder, $0, 0) }
    }
  }
  throw LocalFileError(target, .inUse)
}

/// - Returns: false while somebody else has it locked.
private func lock(
  _ file: OpenFile, _ path: @autoclosure () -> FilePath
) throws(LocalFileError) -> Bool {
  guard flock(file.descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 else { return true }
  switch errno {
  case EWOULDBLOCK: return false
  case ENOSYS, EOPNOTSUPP, ENOLCK: throw LocalFileError(path(), .noLocks)
  case let refusal: throw LocalFileError(path(), .system(Errno(rawValue: refusal)))
  }
}
