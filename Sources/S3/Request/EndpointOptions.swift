/// The variants in which a server can be reached.
///
/// Source: Amazon S3 User Guide, "Virtual hosting of buckets", "Using Amazon S3 dual-stack
/// endpoints" and "Configuring fast, secure file transfers using Transfer Acceleration"; AWS General
/// Reference, "Amazon Simple Storage Service endpoints and quotas".
public struct EndpointOptions: Sendable, Hashable {
  /// Where a request names its bucket.
  public enum Addressing: String, Sendable, Hashable, CaseIterable {
    /// In the host name at Amazon S3, in the path elsewhere.
    case automatic = "auto"
    case path
    case virtual
  }

  public var addressing: Addressing
  /// Over IPv6 as well. Of Amazon S3 alone, as are those below.
  public var usesDualStack: Bool
  /// Where only validated cryptography is used.
  public var usesFIPS: Bool
  /// Through the nearest edge location, for buckets that are set up for it.
  public var isAccelerated: Bool

  public init(
    addressing: Addressing = .automatic, usesDualStack: Bool = false, usesFIPS: Bool = false,
    isAccelerated: Bool = false
  ) {
    self.addressing = addressing
    self.usesDualStack = usesDualStack
    self.usesFIPS = usesFIPS
    self.isAccelerated = isAccelerated
  }

  /// What stands before the region: `s3`, `s3-fips.dualstack`.
  func hostPrefix(_ service: String) -> String {
    service + (usesFIPS ? "-fips" : "") + (usesDualStack ? ".dualstack" : "")
  }
}
