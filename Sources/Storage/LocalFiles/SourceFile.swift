internal import Glibc
public import HTTP
public import S3
public import SystemPackage

/// A local file that is uploaded, held open, with what it was like when it was opened.
public final class SourceFile: Sendable {
  public let path: FilePath
  public let file: OpenFile
  public let size: ByteCount
  public let modified: Timestamp
  /// All bytes, of one moment, where they were read when the file was opened.
  let contents: [UInt8]?
  private let device: UInt64
  private let inode: UInt64

  /// Follows links, since the person chose the path.
  ///
  /// - Parameter limit: a file of this size at most, in bytes, is read at once.
  /// - Throws: ``LocalFileError`` with `notARegularFile` for a folder, a FIFO or a device, which
  ///   are not waited for, `hidesSize` for a file of the kernel, and `system` for what is missing or
  ///   may not be read.
  public static func open(
    _ path: FilePath, readingUpTo limit: Int = 0
  ) async throws(LocalFileError) -> SourceFile {
    try await onDisk { () throws(LocalFileError) in try SourceFile(path, readingUpTo: limit) }
  }

  /// The same for several, in one go.
  static func open(
    _ paths: [FilePath], readingUpTo limit: Int
  ) async -> [Result<SourceFile, LocalFileError>] {
    let opened = try? await onDisk {
      paths.map { path in
        Result { () throws(LocalFileError) in try SourceFile(path, readingUpTo: limit) }
      }
    }
    return opened ?? []
  }

  init(_ path: FilePath, readingUpTo limit: Int = 0) throws(LocalFileError) {
    self.path = path
    let descriptor = path.withPlatformString {
      Glibc.open($0, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    }
    guard descriptor >= 0 else {
      // A socket, and a device without a driver.
      throw LocalFileError(
        path, errno == ENXIO || errno == ENODEV ? .notARegularFile : .lastError)
    }
    file = OpenFile(FileDescriptor(rawValue: descriptor))
    let status = try status(of: file, path: path)
    guard status.isRegular else { throw LocalFileError(path, .notARegularFile) }
    size = ByteCount(Int64(status.st_size))
    modified = status.modified
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    if status.st_size == 0 { try requireEmpty(file, path: path) }
    contents = status.st_size <= limit ? readWhole(file, like: status) : nil
  }

  /// Whether the file was written to, or another one or none lies at the path.
  ///
  /// Tells by size and time of modification, as far as the file system keeps it.
  public func hasChanged() async -> Bool {
    let answer: Bool? = try? await onDisk {
      var open = stat()
      var named = stat()
      guard fstat(self.file.descriptor.rawValue, &open) == 0,
        self.path.withPlatformString({ stat($0, &named) }) == 0
      else { return true }
      return !self.matches(open) || !self.matches(named)
    }
    return answer ?? true
  }

  private func matches(_ status: stat) -> Bool {
    Int64(status.st_size) == size.bytes && status.modified == modified
      && UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
  }
}

/// Files below /proc and /sys have bytes and no size.
private func requireEmpty(_ file: OpenFile, path: FilePath) throws(LocalFileError) {
  var byte: UInt8 = 0
  let count = pread(file.descriptor.rawValue, &byte, 1, 0)
  guard count != 0 else { return }
  guard count > 0 else { throw LocalFileError(path, .lastError) }
  // One that is just being written to has a size by now, and is found to have changed.
  guard try status(of: file, path: path).st_size > 0 else {
    throw LocalFileError(path, .hidesSize)
  }
}

/// All bytes of a file as it is in `status`; nil when it has changed since or cannot be read.
private func readWhole(_ file: OpenFile, like status: stat) -> [UInt8]? {
  let descriptor = file.descriptor.rawValue
  let size = Int(status.st_size)
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    while count < size {
      let read = pread(
        descriptor, buffer.baseAddress?.advanced(by: count), size - count, off_t(count))
      guard read > 0 else { break }
      count += read
    }
  }
  // What was written while it was read has changed the time.
  var now = stat()
  guard bytes.count == size, fstat(descriptor, &now) == 0, now.st_size == status.st_size,
    now.modified == status.modified
  else { return nil }
  return bytes
}
