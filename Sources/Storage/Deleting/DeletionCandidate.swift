public import S3

/// One object, version or delete marker that is about to be counted or deleted.
public struct DeletionCandidate: Sendable, Hashable {
  public var key: ObjectKey
  public var versionID: VersionID?
  /// nil where it could not be asked.
  public var size: ByteCount?
  /// nil where it could not be asked, or does not matter: a version never changes.
  public var lastModified: Timestamp?
  /// The server says that there is no such object.
  public var isMissing = false

  init(
    key: ObjectKey, versionID: VersionID? = nil, size: ByteCount? = nil,
    lastModified: Timestamp? = nil, isMissing: Bool = false
  ) {
    self.key = key
    self.versionID = versionID
    self.size = size
    self.lastModified = lastModified
    self.isMissing = isMissing
  }

  init(_ summary: ObjectSummary) {
    self.init(key: summary.key, size: summary.size, lastModified: summary.lastModified)
  }

  init(_ version: ObjectVersion) {
    self.init(
      key: version.key, versionID: version.versionID, size: version.size,
      lastModified: version.lastModified)
  }

  var identifier: ObjectIdentifier { ObjectIdentifier(key: key, versionID: versionID) }

  /// Whether the object came after a person had confirmed what was counted.
  ///
  /// Most servers tell whole seconds, cut off, so an object of the same second counts as older:
  /// what was written just before the confirmation must not be left behind.
  ///
  /// - Parameter confirmedAt: by the server's clock.
  func isNewer(than confirmedAt: Timestamp) -> Bool {
    guard let lastModified else { return false }
    return lastModified.nanoseconds == 0
      ? lastModified.seconds > confirmedAt.seconds : lastModified > confirmedAt
  }
}
