import Storage

/// Leaving a profile, and coming back to where it was left.
extension BrowserState {
  /// Where to begin the next time.
  public enum Leaving: Sendable, Hashable {
    case at(Place)
    /// What is on the screen could not be listed: whatever was noted before stands.
    case asBefore
    /// With the list of buckets.
    case nowhere
  }

  public var leaving: Leaving {
    guard let pane = objects else { return .nowhere }
    return pane.problem != nil && pane.rows.count == 0 ? .asBefore : .at(pane.place)
  }

  /// Has ``leaving`` noted once it is known that there is such a place, since whoever is killed can
  /// note nothing any more.
  mutating func rememberPlace(_ turn: inout Turn) {
    let leaving = leaving
    guard leaving != remembered, leaving != .asBefore, objects?.isListed ?? true else { return }
    remembered = leaving
    turn.perform(.remember(leaving))
  }

  /// Shows the buckets when the place where one was the last time cannot be shown any more.
  mutating func cameBack(_ turn: inout Turn) {
    guard let left = leftPlace else { return }
    guard let pane = objects, pane.place == left, let problem = pane.problem else {
      leftPlace = nil
      return
    }
    // A line that is down says nothing about the place.
    guard [.noSuchBucket, .accessDenied].contains(problem.kind) else { return }
    leftPlace = nil
    objects = nil
    focus = .buckets
    turn.fail(problem.aboutComingBack(to: left))
  }
}

extension StorageError {
  /// The same, to somebody who did not ask for the place.
  fileprivate func aboutComingBack(to place: Place) -> StorageError {
    var error = self
    let reason =
      kind == .noSuchBucket ? "its bucket is not there any more" : "access is denied now"
    error.message = "You were at \(place.text) last, but \(reason)"
    error.recovery = "Choose another bucket"
    return error
  }
}
