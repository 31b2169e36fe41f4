internal import Dispatch
internal import HTTP
internal import Synchronization
internal import SystemPackage

/// Reads a stretch of a file in pieces that stay in the processor's cache while they are digested.
enum PieceReader {
  enum Problem: Error {
    case cancelled
    /// The file ended before the stretch did.
    case tooShort
    case system(Errno)
  }

  static func read(
    _ slice: FileSlice, isCancelled: Flag, _ take: (UnsafeRawBufferPointer) -> Void
  ) throws(Problem) {
    let capacity = Int(min(256 * 1024, max(slice.count, 1)))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
    defer { buffer.deallocate() }
    var done: Int64 = 0
    while done < slice.count {
      guard !isCancelled.isRaised else { throw .cancelled }
      let wanted = Int(min(Int64(capacity), slice.count - done))
      let count: Int
      do {
        count = try slice.file.descriptor.read(
          fromAbsoluteOffset: slice.offset + done,
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
      } catch {
        throw .system(error as? Errno ?? .ioError)
      }
      guard count > 0 else { throw .tooShort }
      take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      done += Int64(count)
    }
  }
}

/// Runs what reads and digests on one of a few threads that do nothing else.
///
/// Neither the threads of the transport, which keep the other transfers going, nor those of Swift's
/// tasks may wait for a disk.
///
/// - Parameter work: gets a flag that is raised when the task is cancelled.
func onDigestThread<Value: Sendable, Problem: Error>(
  _ work: @escaping @Sendable (Flag) throws(Problem) -> Value
) async throws(Problem) -> Value {
  let isCancelled = Flag()
  let result: Result<Value, Problem> = await withTaskCancellationHandler {
    await withCheckedContinuation { continuation in
      DigestThreads.next().async {
        continuation.resume(
          returning: Result { () throws(Problem) in try work(isCancelled) })
      }
    }
  } onCancel: {
    isCancelled.raise()
  }
  return try result.get()
}

/// A sign between two threads that is raised at most once.
final class Flag: Sendable {
  private let state = Atomic(false)

  var isRaised: Bool { state.load(ordering: .relaxed) }
  func raise() { state.store(true, ordering: .relaxed) }
}

/// A few threads that do nothing but read and digest, taken in turn.
private enum DigestThreads {
  private static let queues = (1...4).map { DispatchQueue(label: "pail.digest.\($0)") }
  private static let turn = Atomic(0)

  static func next() -> DispatchQueue {
    queues[turn.wrappingAdd(1, ordering: .relaxed).oldValue & 3]
  }
}
