public import HTTP
internal import Synchronization
public import SystemPackage

/// A digest of stretches of a file, read back one after the other.
///
/// For digests too slow for the thread that receives a body: right after its arrival the file is
/// still in the page cache.
public final class FileDigest: Sendable {
  private let digest: Mutex<RunningDigest?>

  /// nil where the system forbids the algorithm, as MD5 in FIPS mode.
  public init?(_ algorithm: DigestAlgorithm) {
    guard let digest = RunningDigest(algorithm) else { return nil }
    self.digest = Mutex(digest)
  }

  /// Goes on with `slice`. To be called for one stretch at a time.
  ///
  /// Reads on threads of its own, which may wait for a disk.
  ///
  /// - Throws: `Errno.canceled` when the task was cancelled.
  public func add(_ slice: FileSlice) async throws(Errno) {
    try await onDigestThread { (isCancelled) throws(Errno) in
      do throws(PieceReader.Problem) {
        try PieceReader.read(slice, isCancelled: isCancelled) { piece in
          self.digest.withLock { $0?.update(piece) }
        }
      } catch {
        switch error {
        case .cancelled: throw .canceled
        case .tooShort: throw .ioError
        case .system(let errno): throw errno
        }
      }
    }
  }

  /// Goes on with bytes that are in memory.
  public func add(_ piece: UnsafeRawBufferPointer) {
    digest.withLock { $0?.update(piece) }
  }

  /// The value. To be called once.
  public func finish() -> [UInt8] {
    digest.withLock { $0?.finish() ?? [] }
  }
}
