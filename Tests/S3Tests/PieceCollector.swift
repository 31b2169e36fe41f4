import Synchronization

/// Keeps the pieces of a body.
final class PieceCollector: Sendable {
  private let state = Mutex<[UInt8]>([])

  var bytes: [UInt8] { state.withLock { $0 } }

  func take(_ piece: UnsafeRawBufferPointer) -> Bool {
    state.withLock { $0 += piece }
    return true
  }
}
