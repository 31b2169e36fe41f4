public import S3

/// Something to be deleted.
public enum DeletionTarget: Sendable, Hashable {
  /// The current version. In a versioned bucket this adds a delete marker.
  case object(ObjectKey)
  /// One version or delete marker, for ever.
  case version(ObjectKey, VersionID)
  /// Every object whose key begins with exactly these bytes: `foo/` never touches `foobar`.
  case prefix(ObjectKey)
  /// Every object whose key a selection contains.
  case selection(KeySelection)
  /// All versions and delete markers of one key, for ever.
  case everyVersion(ObjectKey)
  /// All versions and delete markers of every key that a selection contains, for ever.
  case everyVersionOf(KeySelection)

  /// Whether it takes a listing to know what it holds.
  var isListed: Bool {
    switch self {
    case .object, .version, .everyVersion: false
    case .prefix, .selection, .everyVersionOf: true
    }
  }

  /// Its deletion by itself, under the name that a person has for it; nil where that is the bucket's.
  func undertaking(in bucket: BucketName) -> Undertaking? {
    let name =
      switch self {
      case .object(let key), .version(let key, _), .everyVersion(let key), .prefix(let key): key
      case .selection(let selection), .everyVersionOf(let selection):
        selection.pattern.map { ObjectKey(bytes: $0.bytes) } ?? selection.prefix
      }
    return name.isEmpty ? nil : .delete(ObjectLocation(bucket: bucket, key: name))
  }

  func contains(_ key: ObjectKey) -> Bool {
    switch self {
    case .object(let own), .version(let own, _), .everyVersion(let own): key == own
    case .prefix(let prefix): key.hasPrefix(prefix)
    case .selection(let selection), .everyVersionOf(let selection): selection.contains(key)
    }
  }
}
