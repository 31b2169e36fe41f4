internal import Glibc
internal import HTTP
public import S3
public import SystemPackage

/// One name in a local folder.
public struct LocalEntry: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case file
    case folder
    /// A FIFO, a socket, a device, or a link to nowhere: nothing that can be uploaded.
    case other
  }

  /// Without slashes; any bytes but NUL.
  public var name: [UInt8]
  /// Of what a link leads to.
  public var kind: Kind
  public var isLink: Bool
  public var size: ByteCount
  public var modified: Timestamp

  public init(name: [UInt8], kind: Kind, isLink: Bool, size: ByteCount, modified: Timestamp) {
    self.name = name
    self.kind = kind
    self.isLink = isLink
    self.size = size
    self.modified = modified
  }

  /// By custom, names that start with a dot.
  public var isHidden: Bool { name.first == UInt8(ascii: ".") }
}

/// What a local folder holds, for choosing what to upload.
public struct LocalListing: Sendable, Hashable {
  /// Absolute, without links, `.` and `..`.
  public var folder: FilePath
  /// Folders first, then by the bytes of their names; without `.` and `..`.
  public var entries: [LocalEntry]

  public init(folder: FilePath, entries: [LocalEntry]) {
    self.folder = folder
    self.entries = entries
  }

  /// - Throws: ``LocalFileError`` when the folder cannot be read. An entry that vanishes meanwhile
  ///   is left out.
  public static func read(_ folder: FilePath) async throws(LocalFileError) -> LocalListing {
    try await onDisk { () throws(LocalFileError) in
      let resolved = try resolve(folder)
      var entries: [LocalEntry] = []
      try forEachName(in: resolved) { name, _ in
        if let entry = LocalEntry(name, in: resolved) { entries.append(entry) }
      }
      entries.sort { left, right in
        let isLeftFolder = left.kind == .folder
        guard isLeftFolder == (right.kind == .folder) else { return isLeftFolder }
        return left.name.lexicographicallyPrecedes(right.name)
      }
      return LocalListing(folder: resolved, entries: entries)
    }
  }
}

extension LocalEntry {
  fileprivate init?(_ name: [UInt8], in folder: FilePath) {
    let path = folder.appending(bytes: name)
    var own = stat()
    guard path.withPlatformString({ lstat($0, &own) }) == 0 else { return nil }
    var target = own
    let leadsNowhere = own.isLink && path.withPlatformString { stat($0, &target) } != 0
    let kind: Kind =
      leadsNowhere ? .other : target.isRegular ? .file : target.isFolder ? .folder : .other
    self.init(
      name: name, kind: kind, isLink: own.isLink,
      size: ByteCount(kind == .file ? Int64(target.st_size) : 0), modified: target.modified)
  }
}

/// The path without links, `.` and `..`.
func resolve(_ path: FilePath) throws(LocalFileError) -> FilePath {
  let resolved = path.withPlatformString { realpath($0, nil) }
  guard let resolved else { throw LocalFileError(path, .lastError) }
  defer { free(resolved) }
  return FilePath(platformString: resolved)
}

/// Every name but `.` and `..`, in no order, with its type: `DT_REG` and the like, `DT_UNKNOWN`
/// where the file system does not tell.
///
/// - Parameter open: the same folder, where it is open already; its path may lead elsewhere by now.
func forEachName(
  in folder: FilePath, at open: OpenFile? = nil,
  _ body: (_ name: [UInt8], _ type: Int) throws(LocalFileError) -> Void
) throws(LocalFileError) {
  guard let stream = open.map({ stream(of: $0) }) ?? folder.withPlatformString({ opendir($0) })
  else {
    throw LocalFileError(folder, errno == ENOTDIR ? .notAFolder : .lastError)
  }
  defer { closedir(stream) }
  while true {
    errno = 0
    guard let entry = readdir(stream) else {
      if errno == 0 { return }
      throw LocalFileError(folder, .lastError)
    }
    let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
      start.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
        Array(UnsafeBufferPointer(start: bytes, count: strlen(bytes)))
      }
    }
    if name != [UInt8(ascii: ".")], name != Array("..".utf8) {
      try body(name, Int(entry.pointee.d_type))
    }
  }
}

/// With a place of its own among the names, and to be closed by itself.
private func stream(of folder: OpenFile) -> OpaquePointer? {
  let descriptor = openat(folder.descriptor.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  guard let stream = fdopendir(descriptor) else {
    close(descriptor)
    return nil
  }
  return stream
}

private func strlen(_ bytes: UnsafePointer<UInt8>) -> Int {
  var count = 0
  while bytes[count] != 0 { count += 1 }
  return count
}
