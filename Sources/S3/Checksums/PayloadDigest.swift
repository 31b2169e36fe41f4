internal import Dispatch
internal import HTTP
internal import Synchronization
internal import SystemPackage

/// What a request says of its body, found in one pass over it.
struct PayloadDigest: Sendable {
  /// In hexadecimal; nil when it was not asked for.
  var sha256: String?
  var crc64nvme: CRC64NVME

  /// Reads `body` once, piece by piece.
  ///
  /// A file is read on threads of its own: neither those of the transport, which keep the other
  /// transfers going, nor those of Swift's tasks may wait for a disk.
  static func of(
    _ body: HTTPRequestBody, wantsSHA256: Bool
  ) async throws(S3Error.Cause) -> PayloadDigest {
    switch body {
    case .none: return of([], wantsSHA256: wantsSHA256)
    case .bytes(let bytes): return of(bytes, wantsSHA256: wantsSHA256)
    case .file(let slice):
      let isCancelled = Flag()
      let result: Result<PayloadDigest, S3Error.Cause> = await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          DigestThreads.next().async {
            let result = Result { () throws(S3Error.Cause) in
              try of(slice, wantsSHA256: wantsSHA256, isCancelled: isCancelled)
            }
            continuation.resume(returning: result)
          }
        }
      } onCancel: {
        isCancelled.raise()
      }
      return try result.get()
    }
  }

  /// Runs what reads and digests on one of the threads for that.
  static func onThread<Value: Sendable>(
    _ work: @escaping @Sendable () throws(S3Error.Cause) -> Value
  ) async throws(S3Error.Cause) -> Value {
    let result = await withCheckedContinuation { continuation in
      DigestThreads.next().async {
        continuation.resume(returning: Result { () throws(S3Error.Cause) in try work() })
      }
    }
    return try result.get()
  }

  private static func of(_ bytes: [UInt8], wantsSHA256: Bool) -> PayloadDigest {
    var crc = CRC64NVME()
    bytes.withUnsafeBytes { crc.update($0) }
    return PayloadDigest(
      sha256: wantsSHA256 ? Digest.hex(Digest.sha256(bytes)) : nil, crc64nvme: crc)
  }

  private static func of(
    _ slice: FileSlice, wantsSHA256: Bool, isCancelled: Flag
  ) throws(S3Error.Cause) -> PayloadDigest {
    /// Stays in the processor's cache between reading it and the two passes over it.
    let capacity = Int(min(256 * 1024, max(slice.count, 1)))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
    defer { buffer.deallocate() }
    var crc = CRC64NVME()
    var hash = SHA256()
    var done: Int64 = 0
    while done < slice.count {
      guard !isCancelled.isRaised else { throw .transport(.cancelled) }
      let wanted = Int(min(Int64(capacity), slice.count - done))
      let count: Int
      do {
        count = try slice.file.descriptor.read(
          fromAbsoluteOffset: slice.offset + done,
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
      } catch {
        throw .transport(.file(error as? Errno ?? .ioError))
      }
      guard count > 0 else { throw .transport(.fileTooShort) }
      let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      crc.update(piece)
      if wantsSHA256 { hash.update(piece) }
      done += Int64(count)
    }
    let digest = hash.finish()
    return PayloadDigest(sha256: wantsSHA256 ? Digest.hex(digest) : nil, crc64nvme: crc)
  }
}

/// A sign between two threads that is raised at most once.
private final class Flag: Sendable {
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
