import S3
import Storage
import TextUI

extension BrowserState {
  /// Commands that go somewhere or change what a pane shows. `false` for all others.
  mutating func browse(_ command: Command, _ turn: inout Turn) -> Bool {
    switch command {
    case .open: open(&turn)
    case .goUp: goUp(&turn)
    case .nextPane: nextPane(&turn)
    case .back: goBack(&turn)
    case .forward: goForward(&turn)
    case .refresh: refresh(&turn)
    case .peel: peel(&turn)
    case .mark: objects?.toggleMark(&turn)
    case .markRange: objects?.toggleRange()
    case .invertMarks: objects?.invertMarks()
    case .sortByName: objects?.sort(by: .name, &turn)
    case .sortBySize: objects?.sort(by: .size, &turn)
    case .sortByDate: objects?.sort(by: .date, &turn)
    case .sortByClass: objects?.sort(by: .storageClass, &turn)
    case .showTransfers: switchTransfers(&turn)
    default: return false
    }
    return true
  }

  private mutating func open(_ turn: inout Turn) {
    switch focus {
    case .buckets:
      guard let bucket = buckets.selected else { return turn.say("There is no bucket to open") }
      if objects?.place == Place(bucket: bucket) {
        focus = .objects
      } else {
        turn.go(to: Place(bucket: bucket))
      }
    case .objects:
      guard let pane = objects else { return }
      if pane.isParentSelected { return goUp(&turn) }
      guard let row = pane.selectedRow else { return }
      let key = pane.rows.key(row)
      if pane.rows.isPrefix(row) {
        turn.go(to: Place(bucket: pane.place.bucket, prefix: key))
      } else {
        showDetails(&turn)
      }
    case .transfers:
      showDetails(&turn)
    }
  }

  /// Goes somewhere new: the place is listed anew.
  mutating func go(to place: Place, _ turn: inout Turn) {
    leaveObjects(&turn)
    if let objects { trail.leave(objects) }
    var pane = ObjectPane(place.listed, height: objectHeight, ordering: nextOrdering)
    if place != place.listed { pane.sought = place.prefix }
    show(pane, &turn)
  }

  /// Shows where an object is whose name was given, once there is no prefix of that name, and says
  /// so when there is no such object either.
  mutating func seekObject(_ turn: inout Turn) {
    guard let pane = objects, let key = pane.sought, pane.problem == nil else { return }
    guard pane.place.prefix.bytes.count > key.bytes.count else {
      if pane.rows.row(of: key) == nil {
        guard pane.restoring == nil else { return }
        turn.say("There is no \(Place(bucket: pane.place.bucket, prefix: key).text)")
      }
      objects?.sought = nil
      return
    }
    guard pane.rows.count == 0 else {
      objects?.sought = nil
      return
    }
    guard pane.loading == .complete else { return }
    let parent = Place(bucket: pane.place.bucket, prefix: key.parentPrefix)
    leaveObjects(&turn)
    let restoring = ObjectPane.Restoring(
      selection: key, marks: [], rowLimit: ObjectPane.restoringLimit)
    var beside = ObjectPane(
      parent, height: objectHeight, ordering: nextOrdering, restoring: restoring)
    beside.sought = key
    show(beside, &turn)
  }

  private var objectHeight: Int { objects?.viewport.height ?? 0 }

  /// The order of columns stays as one goes around, the filter does not.
  private var nextOrdering: RowOrdering {
    var ordering = objects?.ordering ?? RowOrdering()
    ordering.filter = ""
    return ordering
  }

  private mutating func leaveObjects(_ turn: inout Turn) {
    // What was being listed anew is to be so when one comes back.
    if replacement != nil { objects?.isStale = true }
    cancelReplacement(&turn)
    objects?.leave(&turn)
  }

  private mutating func show(_ pane: ObjectPane, _ turn: inout Turn) {
    objects = pane
    focus = .objects
    buckets.select(pane.place.bucket)
    objects?.comeBack(&turn)
    if pane.isStale { refreshObjects(&turn) }
  }

  /// Shows a place again as it was left, else lists it and looks for `key` to select.
  private mutating func showAgain(_ place: Place, selecting key: ObjectKey?, _ turn: inout Turn) {
    if let pane = trail.recall(place) { return show(pane, &turn) }
    let restoring = key.map {
      ObjectPane.Restoring(selection: $0, marks: [], rowLimit: ObjectPane.restoringLimit)
    }
    show(
      ObjectPane(place, height: objectHeight, ordering: nextOrdering, restoring: restoring), &turn)
  }

  private mutating func goUp(_ turn: inout Turn) {
    guard focus == .objects, let pane = objects else {
      focus = objects == nil ? .buckets : .objects
      return
    }
    guard !pane.place.isRoot else {
      focus = .buckets
      return
    }
    leaveObjects(&turn)
    if let objects { trail.leave(objects) }
    showAgain(pane.place.parent, selecting: pane.place.prefix, &turn)
  }

  private mutating func goBack(_ turn: inout Turn) {
    leaveObjects(&turn)
    guard let place = trail.goBack(from: objects) else {
      objects?.comeBack(&turn)
      return turn.say("There is no place to go back to")
    }
    showAgain(place, selecting: nil, &turn)
  }

  private mutating func goForward(_ turn: inout Turn) {
    leaveObjects(&turn)
    guard let place = trail.goForward(from: objects) else {
      objects?.comeBack(&turn)
      return turn.say("There is no place to go forward to")
    }
    showAgain(place, selecting: nil, &turn)
  }

  private mutating func nextPane(_ turn: inout Turn) {
    switch focus {
    case .buckets:
      if objects == nil {
        turn.say("Open a bucket first: \(keys.keyName(for: .open))")
      } else {
        focus = .objects
      }
    case .objects, .transfers: focus = .buckets
    }
  }

  private mutating func switchTransfers(_ turn: inout Turn) {
    if focus == .transfers {
      focus = objects == nil ? .buckets : .objects
    } else if transfers.isEmpty {
      turn.say("There are no transfers")
    } else {
      focus = .transfers
    }
  }

  // MARK: - Refreshing

  private mutating func refresh(_ turn: inout Turn) {
    if focus == .buckets { return buckets.load(&turn) }
    refreshObjects(&turn)
  }

  /// Asks for what failed before.
  mutating func retry(_ turn: inout Turn) {
    if !buckets.isLoaded { buckets.load(&turn) }
    refreshObjects(&turn)
  }

  /// Lists the place anew behind the rows on the screen, which stay until it has come as far.
  mutating func refreshObjects(_ turn: inout Turn) {
    objects?.isStale = false
    guard let pane = objects else { return }
    cancelReplacement(&turn)
    let selected = pane.selectedRow.map(pane.rows.key)
    let restoring = ObjectPane.Restoring(
      selection: selected, marks: Set(pane.marks.rows.map(pane.rows.key)),
      rowLimit: max(pane.rows.count, 1))
    var fresh = ObjectPane(
      pane.place, height: objectHeight, ordering: pane.ordering, restoring: restoring)
    fresh.hasMoved = pane.hasMoved
    fresh.sought = pane.sought
    fresh.viewport.select(pane.viewport.selection)
    fresh.comeBack(&turn)
    replacement = fresh
  }

  mutating func replaceWhenReady(_ turn: inout Turn) {
    guard var fresh = replacement, var pane = objects, fresh.place == pane.place else { return }
    let isReady =
      fresh.restoring == nil || fresh.problem != nil || fresh.rows.count >= pane.rows.count
    guard isReady, fresh.orderRequest == nil else { return }
    replacement = nil
    if let problem = fresh.problem, pane.rows.count > 0 {
      switch problem.kind {
      case .accessDenied: break
      case .noSuchBucket: buckets.remove(pane.place.bucket)
      default:
        // What was listed before says more than an error.
        objects?.couldNotRefresh = true
        return
      }
    }
    let selected = pane.selectedRow.map(pane.rows.key)
    if let selected, fresh.selectedRow.map(fresh.rows.key) != selected {
      // The row is gone: the one that took its place on the screen is the next best.
      fresh.viewport.select(pane.viewport.selection)
    }
    pane.leave(&turn)
    objects = fresh
  }

  mutating func cancelReplacement(_ turn: inout Turn) {
    replacement?.leave(&turn)
    replacement = nil
  }

  /// Esc: one layer at a time, and never the program itself.
  private mutating func peel(_ turn: inout Turn) {
    switch focus {
    case .objects:
      if replacement != nil {
        cancelReplacement(&turn)
        turn.say("Stopped refreshing")
      } else {
        _ = objects?.peel(&turn)
      }
    case .buckets:
      if buckets.stop(&turn) {
        turn.say("Stopped listing; press r to list again")
      } else {
        buckets.setFilter("")
      }
    case .transfers:
      focus = objects == nil ? .buckets : .objects
    }
  }
}
