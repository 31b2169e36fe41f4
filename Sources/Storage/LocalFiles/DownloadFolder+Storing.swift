internal import HTTP
internal import S3
internal import Synchronization
internal import SystemPackage

/// Files that are stored in one go: all of their bytes are there before anything is made.
extension DownloadFolder {
  /// Writes a small file whole, flushes it and gives it its name.
  ///
  /// The caller has checked the bytes.
  ///
  /// - Parameter mayHaveLeftover: whether an earlier run may have left something of the same name,
  ///   which then goes.
  /// - Returns: Where it is; under `rename` not always where it was asked for.
  func store(
    _ bytes: [UInt8], as name: RelativeName, existing: Existing, modified: Timestamp?,
    mayHaveLeftover: Bool
  ) async throws(LocalFileError) -> FilePath {
    // Under `rename` the name belongs to who has begun first, as only the file beside it tells.
    if !mayHaveLeftover, existing != .rename, try storeUnnamed(bytes, as: name, modified) {
      return name.path(below: path)
    }
    let target = try await onDisk(unless: isInMemory) { () throws(LocalFileError) in
      let target = try self.makeTarget(name, size: nil, existing: existing)
      try write(bytes, to: target.file, path: target.path)
      try target.complete(modified: modified)
      if self.isInMemory { try target.flushFolderNow() }
      return target
    }
    if !isInMemory { try await target.flushFolder() }
    return target.path
  }

  /// Writes the file before it has a name, so that it needs no other one for the time of its
  /// arrival, and no lock, and nothing is left of it whatever happens.
  ///
  /// In memory alone. Not every file system of a disk keeps what is flushed without a name: Btrfs
  /// long logged nothing of it, and after a crash the file could be there under its name and empty.
  ///
  /// - Returns: false, with nothing done, where it is for a ``DownloadTarget``: something has the
  ///   name, or the file cannot come about so. It is not tried again then: where one file is to be
  ///   overwritten there are often many.
  func storeUnnamed(
    _ bytes: [UInt8], as name: RelativeName, _ modified: Timestamp?
  ) throws(LocalFileError) -> Bool {
    guard storesUnnamed.load(ordering: .relaxed), let memory else { return false }
    var path: FilePath { name.path(below: self.path) }
    let parent = try openParent(of: name, creating: true)
    // Below a folder in memory there may be one of a disk.
    if let file = UnnamedFile.make(toBeNamedIn: parent, on: memory) {
      try write(bytes, to: file, path: path)
      if let modified { try setModified(modified, of: file, path: path) }
      // Nothing is flushed: fsync(2) does nothing there.
      if UnnamedFile.give(name.last, to: file, in: parent) { return true }
    }
    storesUnnamed.store(false, ordering: .relaxed)
    return false
  }
}

private func write(
  _ bytes: [UInt8], to file: OpenFile, path: @autoclosure () -> FilePath
) throws(LocalFileError) {
  do {
    try file.descriptor.writeAll(toAbsoluteOffset: 0, bytes)
  } catch {
    throw LocalFileError(path(), .system(error as? Errno ?? .ioError))
  }
}
