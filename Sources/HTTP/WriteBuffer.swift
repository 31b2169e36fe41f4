internal import Synchronization
internal import SystemPackage

/// Gathers the pieces of a body, so that few writes bring them into their file.
///
/// libcurl hands over 16 KiB at most, CURL_MAX_WRITE_SIZE, however much it has received. The ranges
/// of a download write to one file and gather on while another is being written; what is full is
/// left to ``WriteQueue``.
final class WriteBuffer {
  /// In bytes. With what libcurl receives into it stays in a processor's cache.
  static let size = 128 * 1024
  /// Written once nobody else writes to the file, in bytes.
  static let enough = 64 * 1024

  private let file: OpenFile
  /// Where the first byte goes, in the file.
  private var offset: Int64
  private var bytes: UnsafeMutableRawBufferPointer
  private var count = 0
  private let outcome = WriteQueue.Outcome()

  /// - Returns: nil when there is no memory for it.
  init?(_ file: OpenFile, at offset: Int64) {
    guard let bytes = Self.room() else { return nil }
    self.file = file
    self.offset = offset
    self.bytes = bytes
  }

  deinit {
    discard()
    LargeBuffers.shared.free(bytes.baseAddress)
  }

  private static func room() -> UnsafeMutableRawBufferPointer? {
    LargeBuffers.shared.allocate(size).map {
      UnsafeMutableRawBufferPointer(start: $0, count: size)
    }
  }

  /// - Throws: `Errno`, also of what others have written for it.
  func add(_ piece: UnsafeRawBufferPointer) throws {
    try outcome.check()
    var rest = piece[...]
    while !rest.isEmpty {
      let taken = rest.prefix(bytes.count - count)
      UnsafeMutableRawBufferPointer(rebasing: bytes[count...])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: taken))
      count += taken.count
      rest = rest.dropFirst(taken.count)
      if count == bytes.count { try leave() }
    }
    if count >= Self.enough { try file.writes.writeUnlessOthersDo(into: file, write) }
  }

  /// Returns once all that was added is in the file.
  ///
  /// - Throws: `Errno`, also of what others have written for it.
  func flush() throws {
    guard count > 0 || outcome.isOutstanding else { return try outcome.check() }
    try file.writes.write(into: file, write)
    try outcome.check()
  }

  /// Returns once nothing of it will be written any more.
  func discard() {
    count = 0
    file.writes.discard(outcome)
  }

  /// Leaves a full buffer to whoever writes to the file, and goes on with an empty one.
  private func leave() throws {
    guard file.writes.hasRoom, let empty = Self.room() else {
      return try file.writes.write(into: file, write)
    }
    file.writes.add(
      WriteQueue.Piece(
        address: UInt(bitPattern: bytes.baseAddress), count: count, offset: offset,
        outcome: outcome))
    offset += Int64(count)
    count = 0
    bytes = empty
    try file.writes.writeUnlessOthersDo(into: file) {}
  }

  private func write() throws {
    try file.descriptor.writeAll(
      toAbsoluteOffset: offset, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    offset += Int64(count)
    count = 0
  }
}

/// Full buffers on their way into one file, written by whoever is at it.
///
/// The kernel lets one writer of a file in at a time, and keeps the processors of the others busy
/// while they wait. Here the others leave what they have, and go on receiving.
struct WriteQueue: ~Copyable, Sendable {
  /// A buffer of ``LargeBuffers``, which the queue gives back.
  struct Piece {
    let address: UInt
    /// In bytes.
    let count: Int
    let offset: Int64
    let outcome: Outcome
  }

  /// What has come of the pieces of one body.
  final class Outcome: Sendable {
    /// How many wait, or are being written.
    fileprivate let left = Atomic<Int>(0)
    /// Of `errno`; 0 for none.
    fileprivate let failure = Atomic<CInt>(0)

    // Who finds nothing left finds what was noted of it as well.
    var isOutstanding: Bool { left.load(ordering: .acquiring) > 0 }

    func check() throws {
      let failure = failure.load(ordering: .relaxed)
      if failure != 0 { throw Errno(rawValue: failure) }
    }
  }

  /// Of all bodies, in buffers. Who comes then writes, and waits for it.
  static let most = 8

  private let waiting = Mutex<[Piece]>([])
  /// Held by the one who writes.
  private let turn = Mutex(())
  /// Whether somebody holds it, roughly: the kernel would be asked by each who tries.
  private let isTaken = Atomic(false)

  var hasRoom: Bool { waiting.withLock { $0.count < Self.most } }

  func add(_ piece: Piece) {
    piece.outcome.left.add(1, ordering: .relaxed)
    waiting.withLock { $0.append(piece) }
  }

  /// Runs `body`, which writes to the file, and then writes what the others have left; nothing of
  /// that while another is at it.
  func writeUnlessOthersDo(into file: OpenFile, _ body: () throws -> Void) throws {
    guard !isTaken.load(ordering: .relaxed) else { return }
    try turn.withLockIfAvailable { _ in try writeAll(into: file, body) }
  }

  /// As ``writeUnlessOthersDo(into:_:)``, but waits for its turn.
  func write(into file: OpenFile, _ body: () throws -> Void) throws {
    try turn.withLock { _ in try writeAll(into: file, body) }
  }

  /// Takes back what has not been written, and waits for what is being.
  func discard(_ outcome: Outcome) {
    guard outcome.isOutstanding else { return }
    let pieces = waiting.withLock { waiting in
      defer { waiting.removeAll { $0.outcome === outcome } }
      return waiting.filter { $0.outcome === outcome }
    }
    for piece in pieces { end(piece) }
    if outcome.isOutstanding { turn.withLock { _ in } }
  }

  private func writeAll(into file: OpenFile, _ body: () throws -> Void) throws {
    isTaken.store(true, ordering: .relaxed)
    defer { isTaken.store(false, ordering: .relaxed) }
    try body()
    // As many as there are now: the sockets of this thread wait meanwhile.
    for _ in 0..<waiting.withLock({ $0.count }) {
      guard let piece = waiting.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
      let bytes = UnsafeRawBufferPointer(
        start: UnsafeRawPointer(bitPattern: piece.address), count: piece.count)
      do {
        try file.descriptor.writeAll(toAbsoluteOffset: piece.offset, bytes)
      } catch {
        let errno = error as? Errno ?? .ioError
        piece.outcome.failure.store(errno.rawValue, ordering: .relaxed)
      }
      end(piece)
    }
  }

  private func end(_ piece: Piece) {
    LargeBuffers.shared.free(UnsafeMutableRawPointer(bitPattern: piece.address))
    piece.outcome.left.subtract(1, ordering: .releasing)
  }
}
