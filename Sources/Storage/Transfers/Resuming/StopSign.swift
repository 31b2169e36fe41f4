import Synchronization

/// Tells a transfer whose task is cancelled that it is to be kept for later, and not given up.
final class StopSign: Sendable {
  private let state = Atomic(false)
  private let kept = Atomic(false)

  var isRaised: Bool { state.load(ordering: .acquiring) }
  func raise() { state.store(true, ordering: .releasing) }

  /// Whether the transfer has left its own entry in the journal.
  var isKept: Bool { kept.load(ordering: .acquiring) }
  func keep() { kept.store(true, ordering: .releasing) }
}
