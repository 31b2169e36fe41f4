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

  /// Whether one object may be in both, with one name.
  func mayShare(_ other: NewNames) -> Bool {
    guard place.bucket == other.place.bucket else { return false }
    switch (source, other.source) {
    case (.key(let key, let name), .key(let otherKey, let otherName)):
      return key == otherKey && name == otherName
    case (.key(let key, let name), .selection(let selection)):
      return selection.contains(key) && other.dropped + name == key
    case (.selection, .key):
      return other.mayShare(self)
    case (.selection(let selection), .selection(let otherSelection)):
      let (start, otherStart) = (selection.prefix, otherSelection.prefix)
      return dropped == other.dropped
        && (start.hasPrefix(otherStart) || otherStart.hasPrefix(start))
    }
  }
}

extension [NewNames] {
  /// The first two of which this is so.
  func firstPair(where isSo: (NewNames, NewNames) -> Bool) -> (NewNames, NewNames)? {
    for (index, names) in enumerated() {
      if let other = prefix(index).first(where: { isSo($0, names) }) { return (other, names) }
    }
    return nil
  }
}
