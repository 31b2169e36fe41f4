public import S3

/// `--include` and `--exclude` in the order in which they were given: the last that matches decides.
///
/// Without one that matches a name is in, as in `aws s3`: a lone `--include` leaves nothing out, and
/// the command line refuses it.
public struct KeyFilter: Sendable, Hashable {
  public struct Rule: Sendable, Hashable {
    public var pattern: KeyPattern
    public var isIncluded: Bool

    public init(_ pattern: KeyPattern, isIncluded: Bool) {
      self.pattern = pattern
      self.isIncluded = isIncluded
    }
  }

  public var rules: [Rule]

  /// Lets everything through.
  public static let all = KeyFilter()
  /// Lets nothing through.
  public static let none = KeyFilter([
    Rule(KeyPattern(bytes: Array("*".utf8)), isIncluded: false)
  ])

  public init(_ rules: [Rule] = []) {
    self.rules = rules
  }

  /// - Parameter name: below the folder or prefix that was named, `/` between segments.
  public func includes(_ name: ArraySlice<UInt8>) -> Bool {
    rules.last { $0.pattern.matches(name) }?.isIncluded ?? true
  }

  public func includes(_ name: ObjectKey) -> Bool { includes(name.bytes[...]) }

  /// Whether it is certain that no name that begins with `prefix` is in.
  func leavesOutAll(under prefix: ObjectKey) -> Bool {
    // An `--include` may match a longer name.
    let last = rules.lastIndex { $0.isIncluded || $0.pattern.matchesAll(under: prefix) }
    return last.map { !rules[$0].isIncluded } ?? false
  }
}
