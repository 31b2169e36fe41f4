package import SystemPackage

extension FileDescriptor {
  /// All bytes from here on.
  ///
  /// - Parameter limit: in bytes; what holds more is refused with `EFBIG`.
  package func contents(limit: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count <= limit {
      let piece = try [UInt8](unsafeUninitializedCapacity: 16 * 1024) { buffer, count in
        count = try read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      if piece.isEmpty { return bytes }
      bytes.append(contentsOf: piece)
    }
    throw Errno.fileTooLarge
  }
}
