import S3

/// Where one has been: for back and forward, and for finding the selection again on the way up.
struct Trail: Sendable {
  /// Panes are kept for so many places,
  private static let placeLimit = 16
  /// and so many rows together.
  private static let rowLimit = 200_000

  private var back: [Place] = []
  private var forward: [Place] = []
  /// Panes as they were left, the newest last.
  private var left: [ObjectPane] = []

  /// Notes that one leaves `pane` to go somewhere new.
  mutating func leave(_ pane: ObjectPane) {
    back.append(pane.place)
    if back.count > 100 { back.removeFirst() }
    forward = []
    keep(pane)
  }

  /// The place one was before, leaving `pane`; nil at the beginning.
  mutating func goBack(from pane: ObjectPane?) -> Place? {
    guard let place = back.popLast() else { return nil }
    if let pane {
      forward.append(pane.place)
      keep(pane)
    }
    return place
  }

  mutating func goForward(from pane: ObjectPane?) -> Place? {
    guard let place = forward.popLast() else { return nil }
    if let pane {
      back.append(pane.place)
      keep(pane)
    }
    return place
  }

  /// The pane of a place as it was left; nil when it is not kept.
  mutating func recall(_ place: Place) -> ObjectPane? {
    guard let index = left.lastIndex(where: { $0.place == place }) else { return nil }
    return left.remove(at: index)
  }

  /// Notes that objects of a bucket changed: kept panes of it are to be listed anew.
  mutating func objectsChanged(in bucket: BucketName) {
    for index in left.indices where left[index].place.bucket == bucket {
      left[index].isStale = true
    }
  }

  /// Forgets a bucket that is gone.
  mutating func forget(_ bucket: BucketName) {
    left.removeAll { $0.place.bucket == bucket }
    back.removeAll { $0.bucket == bucket }
    forward.removeAll { $0.bucket == bucket }
  }

  private mutating func keep(_ pane: ObjectPane) {
    left.removeAll { $0.place == pane.place }
    left.append(pane)
    var rows = left.reduce(0) { $0 + $1.rows.count }
    while left.count > 1, left.count > Self.placeLimit || rows > Self.rowLimit {
      rows -= left.removeFirst().rows.count
    }
    if rows > Self.rowLimit { left.removeAll() }
  }
}
