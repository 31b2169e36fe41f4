import Synchronization

/// Tells a transfer whose task is cancelled that it is to be kept for later, and not given up.
final class StopSign: Sendable {
  private let state = Atomic(false)

  var isRaised: Bool { state.load(ordering: .acquiring) }
  func raise() { state.store(true, ordering: .releasing) }
}
