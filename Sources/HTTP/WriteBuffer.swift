internal import SystemPackage

/// Gathers the pieces of a body, so that few writes bring them into their file.
///
/// libcurl hands over 16 KiB at most, CURL_MAX_WRITE_SIZE, however much it has received. Writers of
/// one file wait for one another at each write, as the ranges of a download would all the time.
final class WriteBuffer {
  /// In bytes. With what libcurl receives into it stays in a processor's cache.
  static let size = 128 * 1024

  private let file: FileDescriptor
  /// Where the first byte goes, in the file.
  private var offset: Int64
  private let bytes: UnsafeMutableRawBufferPointer
  private var count = 0

  /// - Returns: nil when there is no memory for it.
  init?(_ file: FileDescriptor, at offset: Int64) {
    guard let start = LargeBuffers.shared.allocate(Self.size) else { return nil }
    self.file = file
    self.offset = offset
    bytes = UnsafeMutableRawBufferPointer(start: start, count: Self.size)
  }

  deinit { LargeBuffers.shared.free(bytes.baseAddress) }

  func add(_ piece: UnsafeRawBufferPointer) throws {
    var rest = piece[...]
    while !rest.isEmpty {
      let taken = rest.prefix(bytes.count - count)
      UnsafeMutableRawBufferPointer(rebasing: bytes[count...])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: taken))
      count += taken.count
      rest = rest.dropFirst(taken.count)
      if count == bytes.count { try flush() }
    }
  }

  /// Writes what is left.
  func flush() throws {
    try file.writeAll(
      toAbsoluteOffset: offset, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    offset += Int64(count)
    count = 0
  }
}
