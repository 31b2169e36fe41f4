/// One field of the metadata that a user gave an object, without the prefix `x-amz-meta-`.
public struct MetadataField: Sendable, Hashable {
  public var name: String
  public var value: String

  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

/// What a server tells of one object. S3 API Reference: HeadObject.
public struct ObjectMetadata: Sendable, Hashable {
  /// The size of the whole object, also in the answer to a request for a range.
  public var size: ByteCount
  public var lastModified: Timestamp?
  public var etag: ETag?
  public var versionID: VersionID?
  public var contentType: String?
  public var contentEncoding: String?
  public var contentDisposition: String?
  public var contentLanguage: String?
  public var cacheControl: String?
  /// As the header has it.
  public var expires: String?
  /// nil for `STANDARD`, which servers do not name.
  public var storageClass: StorageClass?
  public var metadata: [MetadataField]
  /// `AES256`, `aws:kms`…, or nil where the server names none.
  public var serverSideEncryption: String?
  /// The key of KMS, where that encrypts.
  public var kmsKeyID: String?
  /// Whether the bytes are encrypted with a key that the reader sends along (SSE-C).
  public var usesCustomerKey: Bool
  /// Those the server keeps, the preferred one first.
  public var checksums: [ObjectChecksum]
  /// How many tags the object has; nil where the server does not say, which none of them does of an
  /// object without tags.
  public var tagCount: Int?
  /// Of an archived object that somebody asked to be restored; as the header `x-amz-restore` has it.
  public var restoration: String?
  public var isDeleteMarker: Bool

  /// The first of ``checksums``, as `crc64nvme:rosUhgp5mIg=`; that of a composite one ends in `-`
  /// and the number of its parts.
  public var checksum: String? { checksums.first?.text }

  public init(
    size: ByteCount, lastModified: Timestamp? = nil, etag: ETag? = nil,
    versionID: VersionID? = nil, contentType: String? = nil, contentEncoding: String? = nil,
    contentDisposition: String? = nil, contentLanguage: String? = nil,
    cacheControl: String? = nil, expires: String? = nil, storageClass: StorageClass? = nil,
    metadata: [MetadataField] = [], serverSideEncryption: String? = nil, kmsKeyID: String? = nil,
    usesCustomerKey: Bool = false, checksums: [ObjectChecksum] = [], tagCount: Int? = nil,
    restoration: String? = nil, isDeleteMarker: Bool = false
  ) {
    self.size = size
    self.lastModified = lastModified
    self.etag = etag
    self.versionID = versionID
    self.contentType = contentType
    self.contentEncoding = contentEncoding
    self.contentDisposition = contentDisposition
    self.contentLanguage = contentLanguage
    self.cacheControl = cacheControl
    self.expires = expires
    self.storageClass = storageClass
    self.metadata = metadata
    self.serverSideEncryption = serverSideEncryption
    self.kmsKeyID = kmsKeyID
    self.usesCustomerKey = usesCustomerKey
    self.checksums = checksums
    self.tagCount = tagCount
    self.restoration = restoration
    self.isDeleteMarker = isDeleteMarker
  }
}

extension ObjectAttributes {
  /// Tags as `x-amz-tagging` has them: `project=atlas&owner=ana`, percent-encoded.
  ///
  /// Source: S3 API Reference, PutObject.
  public static func tagging(of tags: [(key: String, value: String)]) -> String {
    tags.map { PercentEncoding.encode($0.key.utf8) + "=" + PercentEncoding.encode($0.value.utf8) }
      .joined(separator: "&")
  }
}

/// What an upload gives its object beside the bytes. S3 API Reference: PutObject.
public struct ObjectAttributes: Sendable, Hashable {
  public var contentType: String?
  public var contentEncoding: String?
  public var contentDisposition: String?
  public var contentLanguage: String?
  public var cacheControl: String?
  /// As the header has it.
  public var expires: String?
  public var metadata: [MetadataField]
  /// As in a query: `project=atlas&owner=ana`.
  public var tagging: String?
  public var storageClass: StorageClass?
  /// `AES256`, `aws:kms` or `aws:kms:dsse`.
  public var serverSideEncryption: String?
  public var kmsKeyID: String?
  /// A canned ACL, such as `bucket-owner-full-control`.
  public var acl: String?

  public init(
    contentType: String? = nil, contentEncoding: String? = nil,
    contentDisposition: String? = nil, contentLanguage: String? = nil,
    cacheControl: String? = nil, expires: String? = nil, metadata: [MetadataField] = [],
    tagging: String? = nil, storageClass: StorageClass? = nil,
    serverSideEncryption: String? = nil, kmsKeyID: String? = nil, acl: String? = nil
  ) {
    self.contentType = contentType
    self.contentEncoding = contentEncoding
    self.contentDisposition = contentDisposition
    self.contentLanguage = contentLanguage
    self.cacheControl = cacheControl
    self.expires = expires
    self.metadata = metadata
    self.tagging = tagging
    self.storageClass = storageClass
    self.serverSideEncryption = serverSideEncryption
    self.kmsKeyID = kmsKeyID
    self.acl = acl
  }
}

/// What a server tells of one part of an object. S3 API Reference: HeadObject, `partNumber`.
public struct ObjectPart: Sendable, Hashable {
  public var size: ByteCount
  /// How many parts the object has; nil where the server does not say, as of one that was stored
  /// in one request.
  public var partCount: Int?
  /// What the server claims of its bytes; may be that of the whole object.
  public var digests: [DigestAlgorithm: [UInt8]]

  public init(
    size: ByteCount, partCount: Int? = nil, digests: [DigestAlgorithm: [UInt8]] = [:]
  ) {
    self.size = size
    self.partCount = partCount
    self.digests = digests
  }
}

/// One tag of an object. S3 API Reference: GetObjectTagging.
public struct ObjectTag: Sendable, Hashable {
  public var key: String
  public var value: String

  public init(key: String, value: String) {
    self.key = key
    self.value = value
  }
}

extension [ObjectTag] {
  /// As ``ObjectAttributes/tagging`` wants them: `project=atlas&owner=ana`.
  public var query: String {
    map { QueryItem($0.key, $0.value) }.encoded
  }
}
