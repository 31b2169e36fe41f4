/// Which rule a name for a new bucket breaks.
///
/// Source: Amazon S3 User Guide, "General purpose bucket naming rules".
public enum BucketNameProblem: Sendable, Hashable {
  /// Fewer than 3 or more than 63 characters.
  case length(Int)
  /// Something else than `a-z`, `0-9`, `.` and `-`.
  case character(Character)
  /// Begins or ends with something else than a letter or a digit.
  case edge
  /// Two dots side by side.
  case adjacentDots
  /// Looks like an IP address.
  case ipAddress
  /// Begins with a prefix that is reserved.
  case reservedPrefix(String)
  /// Ends with a suffix that is reserved.
  case reservedSuffix(String)
}

extension BucketName {
  private static let reservedPrefixes = ["xn--", "sthree-", "amzn-s3-demo-"]
  private static let reservedSuffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]

  /// nil when a bucket of this name may be created.
  public var problemForCreation: BucketNameProblem? {
    if let character = text.first(where: { !$0.isAllowedInBucketName }) {
      return .character(character)
    }
    guard (3...63).contains(text.utf8.count) else { return .length(text.utf8.count) }
    guard let first = text.first, let last = text.last, first.isLetterOrDigit,
      last.isLetterOrDigit
    else { return .edge }
    if text.contains("..") { return .adjacentDots }
    if isIPAddress { return .ipAddress }
    if let prefix = Self.reservedPrefixes.first(where: text.hasPrefix) {
      return .reservedPrefix(prefix)
    }
    if let suffix = Self.reservedSuffixes.first(where: text.hasSuffix) {
      return .reservedSuffix(suffix)
    }
    return nil
  }

  private var isIPAddress: Bool {
    let fields = text.split(separator: ".", omittingEmptySubsequences: false)
    return fields.count == 4 && fields.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isDigit) }
  }

  /// Whether the name can be the first label of a host name that a wildcard certificate covers.
  var fitsHostLabel: Bool {
    (3...63).contains(text.utf8.count)
      && text.allSatisfy { $0.isLetterOrDigit || $0 == "-" }
      && text.first != "-" && text.last != "-"
  }
}

extension Character {
  fileprivate var isDigit: Bool { ("0"..."9").contains(self) && isASCII }
  fileprivate var isLetterOrDigit: Bool { isDigit || (("a"..."z").contains(self) && isASCII) }
  fileprivate var isAllowedInBucketName: Bool { isLetterOrDigit || self == "." || self == "-" }
}
