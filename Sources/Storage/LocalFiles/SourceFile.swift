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
  private let device: UInt64
  private let inode: UInt64

  /// Follows links, since the person chose the path.
  ///
  /// - Throws: ``LocalFileError`` with `notARegularFile` for a folder, a FIFO or a device, which
  ///   are not waited for, and `system` for what is missing or may not be read.
  public static func open(_ path: FilePath) async throws(LocalFileError) -> SourceFile {
    try await onDisk { () throws(LocalFileError) in try SourceFile(path) }
  }

  init(_ path: FilePath) throws(LocalFileError) {
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

  /// All bytes of a small file as it was when it was opened; nil when it has changed since.
  func contents() async -> [UInt8]? {
    let answer: [UInt8]?? = try? await onDisk {
      var named = stat()
      guard self.path.withPlatformString({ stat($0, &named) }) == 0, self.matches(named) else {
        return nil
      }
      let descriptor = self.file.descriptor.rawValue
      let size = Int(self.size.bytes)
      let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        while count < size {
          let read = pread(
            descriptor, buffer.baseAddress?.advanced(by: count), size - count, off_t(count))
          guard read > 0 else { break }
          count += read
        }
      }
      // What was written while it was read has changed the time.
      var open = stat()
      guard bytes.count == size, fstat(descriptor, &open) == 0, self.matches(open) else {
        return nil
      }
      return bytes
    }
    return answer ?? nil
  }

  private func matches(_ status: stat) -> Bool {
    Int64(status.st_size) == size.bytes && status.modified == modified
      && UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
  }
}
