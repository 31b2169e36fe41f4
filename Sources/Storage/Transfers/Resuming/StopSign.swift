import Synchronization

/// Tells a transfer whose task is cancelled that it is to be kept for later, and not given up.
final class StopSign: Sendable {
  /// Of what the transfer is part of: raised, it stops this one too.
  private let whole: StopSign?
  private let state = Atomic(false)
  private let kept = Atomic(false)

  init(partOf whole: StopSign? = nil) {
    self.whole = whole
  }

  var isRaised: Bool { state.load(ordering: .acquiring) || whole?.isRaised == true }
  func raise() { state.store(true, ordering: .releasing) }

  /// Whether the transfer, or one that is part of it, has left its own entry in the journal.
  var isKept: Bool { kept.load(ordering: .acquiring) }
  func keep() {
    kept.store(true, ordering: .releasing)
    whole?.keep()
  }
}
