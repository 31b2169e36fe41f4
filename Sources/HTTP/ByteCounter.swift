import Synchronization

/// Counts bytes that have moved; written by the thread that moves them, read by anyone.
///
/// Progress goes through such a counter so that no chunk of a body costs a hop to an actor.
public final class ByteCounter: Sendable {
  private let bytes = Atomic<Int64>(0)

  public init() {}

  public var value: Int64 { bytes.load(ordering: .relaxed) }

  /// - Parameter count: negative to take back what a failed attempt had counted.
  public func add(_ count: Int64) {
    bytes.wrappingAdd(count, ordering: .relaxed)
  }
}
