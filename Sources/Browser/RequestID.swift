/// Names one effect that is answered, so that its answer finds who asked, and so that it can be
/// cancelled. An answer to a request that nobody waits for any more is dropped.
public struct RequestID: Sendable, Hashable {
  public let value: Int

  public init(_ value: Int) {
    self.value = value
  }
}
