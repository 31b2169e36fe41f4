import S3

/// For how long nothing has moved although bytes are under way. Reads no clock.
struct Stillness: Sendable, Hashable {
  /// A shorter silence is the ordinary course of things.
  private static let shortest = Duration.seconds(5)

  private var moved = ByteCount.zero
  /// When it was last seen to move, or to have nothing to move.
  private var since: Duration?
  /// In whole seconds; nil while all goes well.
  private(set) var stalledFor: Duration?

  /// - Parameters:
  ///   - isUnderWay: whether a request moves bytes, or is to.
  ///   - time: since any fixed moment; never less than before.
  mutating func look(moved: ByteCount, isUnderWay: Bool, at time: Duration) {
    if !isUnderWay || moved != self.moved { since = nil }
    self.moved = moved
    let start = since ?? time
    since = isUnderWay ? start : nil
    let still = time - start
    stalledFor = still >= Self.shortest ? .seconds(still.components.seconds) : nil
  }
}
