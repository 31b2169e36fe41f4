/// One bucket of an account. S3 API Reference: ListBuckets.
public struct BucketSummary: Sendable, Hashable {
  public var name: BucketName
  public var created: Timestamp?
  public var region: Region?

  public init(name: BucketName, created: Timestamp? = nil, region: Region? = nil) {
    self.name = name
    self.created = created
    self.region = region
  }
}

/// What a listing tells of one object. S3 API Reference: ListObjectsV2.
public struct ObjectSummary: Sendable, Hashable {
  public var key: ObjectKey
  public var size: ByteCount
  public var lastModified: Timestamp?
  public var etag: ETag?
  public var storageClass: StorageClass?

  public init(
    key: ObjectKey, size: ByteCount, lastModified: Timestamp? = nil, etag: ETag? = nil,
    storageClass: StorageClass? = nil
  ) {
    self.key = key
    self.size = size
    self.lastModified = lastModified
    self.etag = etag
    self.storageClass = storageClass
  }
}

/// One page of a listing. `next` alone tells whether there is more; a page may be empty and have it.
public struct ObjectPage: Sendable, Hashable {
  public var objects: [ObjectSummary]
  public var commonPrefixes: [ObjectKey]
  public var next: ContinuationToken?

  public init(
    objects: [ObjectSummary] = [], commonPrefixes: [ObjectKey] = [], next: ContinuationToken? = nil
  ) {
    self.objects = objects
    self.commonPrefixes = commonPrefixes
    self.next = next
  }
}

/// One version of an object, or a delete marker. S3 API Reference: ListObjectVersions.
public struct ObjectVersion: Sendable, Hashable {
  public var key: ObjectKey
  public var versionID: VersionID
  public var isLatest: Bool
  public var isDeleteMarker: Bool
  public var size: ByteCount
  public var lastModified: Timestamp?
  public var etag: ETag?
  public var storageClass: StorageClass?

  public init(
    key: ObjectKey, versionID: VersionID, isLatest: Bool, isDeleteMarker: Bool,
    size: ByteCount = .zero, lastModified: Timestamp? = nil, etag: ETag? = nil,
    storageClass: StorageClass? = nil
  ) {
    self.key = key
    self.versionID = versionID
    self.isLatest = isLatest
    self.isDeleteMarker = isDeleteMarker
    self.size = size
    self.lastModified = lastModified
    self.etag = etag
    self.storageClass = storageClass
  }
}

/// Where a listing of versions goes on.
public struct VersionMarker: Sendable, Hashable {
  public let key: ObjectKey
  public let versionID: VersionID?
  private var trail: Trail

  public init(key: ObjectKey, versionID: VersionID?) {
    self.key = key
    self.versionID = versionID
    trail = Trail(from: Self.position(key, versionID))
  }

  /// The same marker, which knows the way to it; nil when the listing has been there before.
  func following(_ before: VersionMarker) -> VersionMarker? {
    guard self != before, let trail = before.trail.followed(by: Self.position(key, versionID))
    else { return nil }
    var marker = self
    marker.trail = trail
    return marker
  }

  /// An ID comes out of XML, which has no NUL.
  private static func position(_ key: ObjectKey, _ versionID: VersionID?) -> [UInt8] {
    Array((versionID?.text ?? "").utf8) + [0] + key.bytes
  }
}

/// One page of a listing of versions.
public struct VersionPage: Sendable, Hashable {
  public var versions: [ObjectVersion]
  public var commonPrefixes: [ObjectKey]
  public var next: VersionMarker?

  public init(
    versions: [ObjectVersion] = [], commonPrefixes: [ObjectKey] = [], next: VersionMarker? = nil
  ) {
    self.versions = versions
    self.commonPrefixes = commonPrefixes
    self.next = next
  }
}
