internal import Dispatch
internal import Glibc
import HTTP
import S3
internal import Synchronization
import SystemPackage

/// Cuts what a descriptor gives, such as a pipe, into parts of equal size.
///
/// A part of up to ``largestInMemory`` is kept in memory, a larger one in a file without a name.
final class StreamReader: Sendable {
  static let largestInMemory = ByteCount.mebibytes(32)
  private static let pieceSize = 1 << 20

  struct Part: Sendable {
    var body: HTTPRequestBody
    /// Whether nothing follows. Known only with a part that is not full.
    var isLast: Bool
  }

  private let descriptor: FileDescriptor
  private let partSize: Int
  private let queue = DispatchQueue(label: "pail.stream")

  /// - Parameters:
  ///   - descriptor: is read from its place on and not closed. Nobody else reads from it meanwhile.
  ///   - partSize: 1 byte or more.
  init(_ descriptor: FileDescriptor, partSize: ByteCount) {
    self.descriptor = descriptor
    self.partSize = Int(max(partSize.bytes, 1))
  }

  /// The next bytes: a full part, or fewer of them at the end.
  ///
  /// - Throws: `Errno.canceled` soon after the task was cancelled, also while nothing comes.
  func next() async throws(Errno) -> Part {
    let isCancelled = Atomic(false)
    let result: Result<Part, Errno> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // A thread of its own, since it waits for whoever writes.
        queue.async {
          continuation.resume(
            returning: Result { () throws(Errno) in
              try self.read { isCancelled.load(ordering: .relaxed) }
            })
        }
      }
    } onCancel: {
      isCancelled.store(true, ordering: .relaxed)
    }
    return try result.get()
  }

  private func read(_ isCancelled: () -> Bool) throws(Errno) -> Part {
    guard partSize > Self.largestInMemory.bytes else {
      var isLast = false
      let bytes = try collect(isCancelled, isLast: &isLast)
      return Part(body: .bytes(bytes), isLast: isLast)
    }
    let file = try UnnamedFile.make()
    var count = 0
    while count < partSize {
      try wait(isCancelled)
      let piece = try take(min(Self.pieceSize, partSize - count))
      if piece.isEmpty { break }
      do {
        try file.descriptor.writeAll(toAbsoluteOffset: Int64(count), piece)
      } catch {
        throw error as? Errno ?? .ioError
      }
      count += piece.count
    }
    return Part(
      body: .file(FileSlice(file: file, offset: 0, count: Int64(count))), isLast: count < partSize)
  }

  private func collect(
    _ isCancelled: () -> Bool, isLast: inout Bool
  ) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    // A short input needs no room for a whole part.
    var capacity = min(64 * 1024, partSize)
    while bytes.count < partSize {
      if bytes.count == capacity || bytes.isEmpty {
        capacity = min(max(capacity * 4, bytes.count), partSize)
        bytes.reserveCapacity(capacity)
      }
      try wait(isCancelled)
      let piece = try take(min(capacity - bytes.count, Self.pieceSize))
      if piece.isEmpty {
        isLast = true
        break
      }
      bytes += piece
    }
    return bytes
  }

  /// - Returns: nothing at the end.
  private func take(_ count: Int) throws(Errno) -> [UInt8] {
    var failure: Errno?
    let piece = [UInt8](unsafeUninitializedCapacity: count) { buffer, taken in
      do {
        taken = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
      } catch {
        failure = error as? Errno ?? .ioError
      }
    }
    if let failure { throw failure }
    return piece
  }

  /// Until there is something to read, its end among that.
  private func wait(_ isCancelled: () -> Bool) throws(Errno) {
    while true {
      guard !isCancelled() else { throw .canceled }
      var poll = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      let ready = Glibc.poll(&poll, 1, 200)
      if ready > 0 { return }
      if ready < 0, errno != EINTR { throw Errno(rawValue: errno) }
    }
  }
}
