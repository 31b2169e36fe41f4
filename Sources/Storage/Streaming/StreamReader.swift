internal import Dispatch
internal import Glibc
import HTTP
import S3
internal import Synchronization
import SystemPackage

/// Cuts what a descriptor gives, such as a pipe, into parts of equal size.
///
/// The last bytes of a short input stay in memory; a longer part lies in a file without a name, so that
/// memory does not grow with what is under way. Where there is no room for files, parts of up to
/// ``largestWithoutFile`` are kept in memory all the same.
final class StreamReader: Sendable {
  private static let largestInMemory = 1 << 20
  private static let largestWithoutFile = 32 << 20
  private static let pieceSize = 1 << 20
  /// In milliseconds. A signal of the terminal that ends the writer is sent to this process as well;
  /// until it is noticed, half of the input would pass for the whole.
  private static let graceForSignals: Int32 = 20

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
    var bytes: [UInt8] = []
    // A short input needs no file.
    var isLast = try collect(&bytes, upTo: min(partSize, Self.largestInMemory), isCancelled)
    if isLast || bytes.count == partSize { return Part(body: .bytes(bytes), isLast: isLast) }
    if let part = try spill(&bytes, isCancelled) { return part }
    isLast = try collect(&bytes, upTo: partSize, isCancelled)
    return Part(body: .bytes(bytes), isLast: isLast)
  }

  /// Goes on in a file.
  ///
  /// - Parameter bytes: the beginning of the part.
  /// - Returns: nil when no file can be made or it has no room, and the part may be in memory: `bytes`
  ///   is then all that was read of it.
  /// - Throws: what the input fails with, among others. Nothing may be made of what was read before.
  private func spill(_ bytes: inout [UInt8], _ isCancelled: () -> Bool) throws(Errno) -> Part? {
    let mayBeInMemory = partSize <= Self.largestWithoutFile
    let file: OpenFile
    do throws(Errno) {
      file = try UnnamedFile.make()
    } catch {
      guard mayBeInMemory else { throw error }
      return nil
    }
    var count = 0
    var piece = bytes
    while true {
      do {
        try file.descriptor.writeAll(toAbsoluteOffset: Int64(count), piece)
      } catch {
        guard mayBeInMemory else { throw error as? Errno ?? .ioError }
        bytes = try contents(of: file, count) + piece
        return nil
      }
      count += piece.count
      if count == partSize { break }
      bytes = []
      piece = try take(min(Self.pieceSize, partSize - count), isCancelled)
      if piece.isEmpty { break }
    }
    return Part(
      body: .file(FileSlice(file: file, offset: 0, count: Int64(count))), isLast: count < partSize)
  }

  private func contents(of file: OpenFile, _ count: Int) throws(Errno) -> [UInt8] {
    var read = 0
    var failure: Errno?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do {
        while read < count {
          let rest = UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[read...])
          let more = try file.descriptor.read(fromAbsoluteOffset: Int64(read), into: rest)
          guard more > 0 else { throw Errno.ioError }
          read += more
        }
      } catch {
        failure = error as? Errno ?? .ioError
      }
      filled = read
    }
    if let failure { throw failure }
    return bytes
  }

  /// - Returns: whether the input has ended.
  private func collect(
    _ bytes: inout [UInt8], upTo limit: Int, _ isCancelled: () -> Bool
  ) throws(Errno) -> Bool {
    // A short input needs no room for a whole part.
    var capacity = max(bytes.count, min(64 * 1024, limit))
    while bytes.count < limit {
      if bytes.count == capacity || bytes.isEmpty {
        capacity = min(max(capacity * 4, bytes.count), limit)
        bytes.reserveCapacity(capacity)
      }
      let piece = try take(min(capacity - bytes.count, Self.pieceSize), isCancelled)
      if piece.isEmpty { return true }
      bytes += piece
    }
    return false
  }

  /// Waits for the next bytes.
  ///
  /// - Returns: nothing at the end.
  private func take(_ count: Int, _ isCancelled: () -> Bool) throws(Errno) -> [UInt8] {
    try wait(isCancelled)
    var failure: Errno?
    let piece = [UInt8](unsafeUninitializedCapacity: count) { buffer, taken in
      do {
        taken = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
      } catch {
        failure = error as? Errno ?? .ioError
      }
    }
    if let failure { throw failure }
    if piece.isEmpty {
      Glibc.poll(nil, 0, Self.graceForSignals)
      guard !isCancelled() else { throw .canceled }
    }
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
