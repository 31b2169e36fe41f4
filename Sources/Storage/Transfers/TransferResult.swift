public import S3
public import SystemPackage

/// What a transfer that ended well has made.
public struct TransferResult: Sendable, Hashable {
  /// The object; `versionID` is the version written or read, where the server told.
  public var location: ObjectLocation
  public var localPath: FilePath
  /// Of the file or object that is its source; nil where it was skipped before anybody knew.
  public var size: ByteCount?
  public var etag: ETag?
  /// The checksum of the whole object as the server told it, as in its header.
  public var checksum: String?
  /// Whether a download is known to be what was stored; nil for an upload, which fails unless the
  /// server's checksum is that of what was sent, and where nothing was moved.
  public var verification: Verification?
  /// The destination existed, and nothing was moved.
  public var isSkipped: Bool
  /// Set when an earlier run had left this transfer unfinished.
  public var resumption: Resumption?
  /// Set when the outcome could not be recorded; the transfer itself went well.
  public var warning: StorageError?

  public init(
    location: ObjectLocation, localPath: FilePath, size: ByteCount?, etag: ETag? = nil,
    checksum: String? = nil, verification: Verification? = nil, isSkipped: Bool = false,
    resumption: Resumption? = nil,
    warning: StorageError? = nil
  ) {
    self.location = location
    self.localPath = localPath
    self.size = size
    self.etag = etag
    self.checksum = checksum
    self.verification = verification
    self.isSkipped = isSkipped
    self.resumption = resumption
    self.warning = warning
  }
}
