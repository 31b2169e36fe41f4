internal import Synchronization
internal import SystemPackage

/// Gathers the pieces of a body, so that few writes bring them into their file.
///
/// libcurl hands over 16 KiB at most, CURL_MAX_WRITE_SIZE, however much it has received. The kernel
/// lets one writer of a file in at a time, and the others wait with their processors kept busy: the
/// ranges of a download gather on meanwhile, as long as there is room.
final class WriteBuffer {
  /// In bytes. With what libcurl receives into it stays in a processor's cache.
  static let size = 256 * 1024
  /// Written once nobody else writes to the file, in bytes.
  static let enough = 128 * 1024

  private let file: OpenFile
  /// Where the first byte goes, in the file.
  private var offset: Int64
  private let bytes: UnsafeMutableRawBufferPointer
  private var count = 0

  /// - Returns: nil when there is no memory for it.
  init?(_ file: OpenFile, at offset: Int64) {
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
    if count >= Self.enough { try flushUnlessOthersDo() }
  }

  private func flushUnlessOthersDo() throws {
    let isAlone = file.isBeingWritten.compareExchange(
      expected: false, desired: true, ordering: .relaxed
    ).exchanged
    guard isAlone else { return }
    defer { file.isBeingWritten.store(false, ordering: .relaxed) }
    try flush()
  }

  /// Writes what is left.
  func flush() throws {
    try file.descriptor.writeAll(
      toAbsoluteOffset: offset, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    offset += Int64(count)
    count = 0
  }
}
