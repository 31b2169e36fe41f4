internal import CCurl
internal import Glibc
internal import Synchronization

/// Keeps the large buffers that libcurl frees after each request, for its next ones.
///
/// libcurl has no setting for it, but lets its caller allocate: curl_global_init_mem(3).
/// A buffer of this size is a mapping of its own, and the kernel clears each page of it when it is
/// first written to, for each part anew. From glibc's heap the same buffers, split by what lives
/// longer between them, let the heap grow with the size of the file.
final class LargeBuffers: Sendable {
  static let shared = LargeBuffers()

  /// In bytes. What is smaller is glibc's matter.
  static let smallest = 128 * 1024
  /// As many as large bodies move at once, both ways.
  static let mostKept = 16

  /// Nobody else has its address: this is where it waits.
  private struct Buffer {
    let address: UInt
    /// In bytes.
    let size: Int
  }

  private let kept = Mutex<[Buffer]>([])

  deinit {
    for buffer in kept.withLock({ $0 }) {
      Glibc.free(UnsafeMutableRawPointer(bitPattern: buffer.address))
    }
  }

  /// Sets libcurl up, once per process, so that it allocates from ``shared``.
  ///
  /// - Returns: whether libcurl can be used.
  static func setUpLibcurl() -> Bool {
    // CURL_GLOBAL_DEFAULT, a macro of macros. libcurl frees some 260 times for each request, and
    // mostly nothing.
    curl_global_init_mem(
      Int(CURL_GLOBAL_SSL | CURL_GLOBAL_WIN32), { LargeBuffers.shared.allocate($0) },
      { if $0 != nil { LargeBuffers.shared.free($0) } }, { realloc($0, $1) },
      { $0.flatMap { strdup($0) } }, { calloc($0, $1) }) == CURLE_OK
  }

  /// - Returns: `size` bytes or more, to be given to ``free(_:)``; nil when there is no memory.
  func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size >= Self.smallest else { return malloc(size) }
    let address = kept.withLock { kept -> UInt? in
      // The last one freed is the likeliest to be in a cache.
      guard let index = kept.lastIndex(where: { (size...2 * size).contains($0.size) }) else {
        return nil
      }
      return kept.remove(at: index).address
    }
    return address.flatMap { UnsafeMutableRawPointer(bitPattern: $0) } ?? malloc(size)
  }

  func free(_ buffer: UnsafeMutableRawPointer?) {
    let size = malloc_usable_size(buffer)
    guard size >= Self.smallest, let buffer else { return Glibc.free(buffer) }
    let isKept = kept.withLock { kept in
      guard kept.count < Self.mostKept else { return false }
      kept.append(Buffer(address: UInt(bitPattern: buffer), size: size))
      return true
    }
    if !isKept { Glibc.free(buffer) }
  }
}
