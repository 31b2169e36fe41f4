import S3
import Storage

/// What the objects of one source are called where they are brought to: their keys without the first
/// bytes.
struct NewNames {
  private enum Source {
    /// One key, and its new name.
    case key(ObjectKey, ObjectKey)
    case selection(KeySelection)
  }

  let place: S3URI
  private let source: Source
  /// What the keys lose.
  private let dropped: ObjectKey

  init(of key: S3URI, as name: ObjectKey) {
    place = key
    source = .key(key.key, name)
    dropped = key.key.parentPrefix
  }

  /// - Parameter skipped: how many bytes the keys lose; at most those of the selection's prefix.
  init(of place: S3URI, _ selection: KeySelection, skipped: Int) {
    self.place = place
    source = .selection(selection)
    dropped = ObjectKey(bytes: selection.prefix.bytes.prefix(skipped))
  }

  /// Whether two different objects, one of each, may get the same name, as far as can be said without
  /// listing them.
  func mayMeet(_ other: NewNames) -> Bool {
    switch (source, other.source) {
    case (.key(let key, let name), .key(let otherKey, let otherName)):
      return name == otherName && (place.bucket != other.place.bucket || key != otherKey)
    case (.key(let key, let name), .selection(let selection)):
      let namesake = other.dropped + name
      guard selection.contains(namesake) else { return false }
      return place.bucket != other.place.bucket || key != namesake
    case (.selection, .key):
      return other.mayMeet(self)
    case (.selection(let selection), .selection(let otherSelection)):
      // Of what loses the same, different keys have different names.
      if place.bucket == other.place.bucket, dropped == other.dropped { return false }
      let start = selection.prefix.bytes.dropFirst(dropped.bytes.count)
      let otherStart = otherSelection.prefix.bytes.dropFirst(other.dropped.bytes.count)
      return start.starts(with: otherStart) || otherStart.starts(with: start)
    }
  }
}

extension [NewNames] {
  /// The first two that may meet.
  var meeting: (NewNames, NewNames)? {
    for (index, names) in enumerated() {
      if let other = prefix(index).first(where: { $0.mayMeet(names) }) { return (other, names) }
    }
    return nil
  }
}
