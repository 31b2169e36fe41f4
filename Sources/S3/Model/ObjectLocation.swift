/// One object, or one version of it.
public struct ObjectLocation: Sendable, Hashable {
  public var bucket: BucketName
  public var key: ObjectKey
  /// nil for the current version.
  public var versionID: VersionID?

  public init(bucket: BucketName, key: ObjectKey, versionID: VersionID? = nil) {
    self.bucket = bucket
    self.key = key
    self.versionID = versionID
  }
}
