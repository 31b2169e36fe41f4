public import S3

/// Which keys of a bucket are meant: those that begin with a prefix, match a pattern where there is
/// one, and pass the filter.
public struct KeySelection: Sendable, Hashable {
  /// What a listing has to look through.
  public var prefix: ObjectKey
  public var pattern: KeyPattern?
  public var filter: KeyFilter

  /// Every key that begins with `prefix`.
  public init(prefix: ObjectKey, filter: KeyFilter = .all) {
    self.prefix = prefix
    pattern = nil
    self.filter = filter
  }

  public init(_ pattern: KeyPattern, filter: KeyFilter = .all) {
    prefix = pattern.fixedPrefix
    self.pattern = pattern
    self.filter = filter
  }

  /// What the patterns of the filter and the names of downloaded files leave out: the prefix up to
  /// its last slash, so that `logs/2026` names `2026-11.gz` and not `-11.gz`.
  public var base: ObjectKey { prefix.endsWithSlash ? prefix : prefix.parentPrefix }

  public func contains(_ key: ObjectKey) -> Bool {
    guard key.hasPrefix(prefix), pattern?.matches(key) ?? true else { return false }
    return filter.rules.isEmpty || filter.includes(key.bytes[base.bytes.count...])
  }
}
