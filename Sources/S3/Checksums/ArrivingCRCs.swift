public import HTTP
internal import Synchronization

/// The CRCs of a body, taken while it arrives and is still in the processor's cache.
public final class ArrivingCRCs: BodyDigest {
  /// Which CRCs are taken of a body.
  public enum Choice: Sendable, Hashable {
    case these([DigestAlgorithm])
    /// The one that the answer's head gives for the whole object, if it gives one.
    case asAnswered
  }

  private let choice: Choice
  private let state = Mutex<[CRC]>([])

  public init(_ choice: Choice) {
    self.choice = choice
  }

  /// Of all that came with the last answer, in the order asked for.
  public var values: [CRC] { state.withLock { $0 } }

  public func begin(_ head: HTTPResponseHead) {
    let algorithms =
      switch choice {
      case .these(let algorithms): algorithms
      case .asAnswered:
        Array(
          ObjectChecksum.all(in: head)
            .filter { $0.kind == .fullObject && $0.algorithm.isCRC }.map(\.algorithm).prefix(1))
      }
    state.withLock { $0 = algorithms.map { CRC($0) } }
  }

  public func update(_ bytes: UnsafeRawBufferPointer) {
    state.withLock { values in
      for index in values.indices { values[index].update(bytes) }
    }
  }
}
