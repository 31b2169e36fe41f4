/// What must hold for a write to happen. Some stores ignore it, so it is best effort there.
public enum WriteCondition: Sendable, Hashable {
  case none
  /// No object of this key may exist (`If-None-Match: *`).
  case ifNoneMatch
  /// The object that exists must have this ETag.
  case ifMatch(ETag)
}

/// What a server says of an object it has stored.
public struct WriteReceipt: Sendable, Hashable {
  public var etag: ETag?
  public var versionID: VersionID?
  /// The checksum of the whole object, as `crc64nvme:rosUhgp5mIg=`.
  ///
  /// What was sent, and the same as what came back where the server sends one back.
  public var checksum: String?

  public init(etag: ETag? = nil, versionID: VersionID? = nil, checksum: String? = nil) {
    self.etag = etag
    self.versionID = versionID
    self.checksum = checksum
  }
}

/// What a server is to keep of an object that is stored in parts.
public struct MultipartChecksum: Sendable, Hashable {
  public var algorithm: DigestAlgorithm
  /// Whether of the checksums of the parts, rather than of the bytes.
  public var isComposite: Bool

  public init(_ algorithm: DigestAlgorithm, isComposite: Bool = false) {
    self.algorithm = algorithm
    self.isComposite = isComposite
  }

  public static let crc64nvme = MultipartChecksum(.crc64nvme)

  /// S3 API Reference: CreateMultipartUpload, `x-amz-checksum-type`.
  var type: String { isComposite ? "COMPOSITE" : "FULL_OBJECT" }
}

/// What is kept of a part that was copied until its upload is completed.
public struct CopiedPart: Sendable, Hashable {
  public var number: PartNumber
  public var etag: ETag?
  /// As the server answered it, in Base64; nil where it answered none.
  public var checksum: String?
  /// In bytes.
  public var size: Int64

  public init(number: PartNumber, etag: ETag?, checksum: String?, size: Int64) {
    self.number = number
    self.etag = etag
    self.checksum = checksum
    self.size = size
  }
}

/// What is kept of a part until its upload is completed.
public struct PartReceipt: Sendable, Hashable {
  public var number: PartNumber
  public var etag: ETag?
  public var crc64nvme: UInt64
  /// Where the endpoint wants it in place of CRC64NVME.
  public var crc32c: UInt32?
  /// In bytes.
  public var size: Int64

  public init(
    number: PartNumber, etag: ETag?, crc64nvme: UInt64, crc32c: UInt32? = nil, size: Int64
  ) {
    self.number = number
    self.etag = etag
    self.crc64nvme = crc64nvme
    self.crc32c = crc32c
    self.size = size
  }
}

/// What CreateMultipartUpload began.
public struct BegunUpload: Sendable, Hashable {
  public var uploadID: UploadID
  /// Whether an attempt before the one that was answered may have begun an upload as well, whose
  /// ID nobody knows and whose parts nobody sends.
  public var mayHaveLeftAnother: Bool
  /// What the server was asked to keep of the object; nil for nothing.
  public var checksum: MultipartChecksum?

  public init(
    uploadID: UploadID, mayHaveLeftAnother: Bool, checksum: MultipartChecksum? = nil
  ) {
    self.uploadID = uploadID
    self.mayHaveLeftAnother = mayHaveLeftAnother
    self.checksum = checksum
  }
}

/// A multipart upload that is neither completed nor aborted. S3 API Reference: ListMultipartUploads.
public struct MultipartUploadSummary: Sendable, Hashable {
  public var key: ObjectKey
  /// The key as it stands in the answer, where that says that keys are URL-encoded: some servers say
  /// so of keys as they are. nil where it makes no difference.
  public var spelledKey: ObjectKey?
  public var uploadID: UploadID
  public var initiated: Timestamp?
  public var storageClass: StorageClass?

  public init(
    key: ObjectKey, spelledKey: ObjectKey? = nil, uploadID: UploadID, initiated: Timestamp? = nil,
    storageClass: StorageClass? = nil
  ) {
    self.key = key
    self.spelledKey = spelledKey
    self.uploadID = uploadID
    self.initiated = initiated
    self.storageClass = storageClass
  }
}

/// A part that a server has. S3 API Reference: ListParts.
public struct PartSummary: Sendable, Hashable {
  public var number: PartNumber
  public var size: ByteCount
  public var etag: ETag?
  public var lastModified: Timestamp?
  /// nil where the server keeps no such checksum.
  public var crc64nvme: UInt64?

  public init(
    number: PartNumber, size: ByteCount, etag: ETag? = nil, lastModified: Timestamp? = nil,
    crc64nvme: UInt64? = nil
  ) {
    self.number = number
    self.size = size
    self.etag = etag
    self.lastModified = lastModified
    self.crc64nvme = crc64nvme
  }
}

/// Whether a bucket keeps old versions. S3 API Reference: GetBucketVersioning.
public enum VersioningState: Sendable, Hashable {
  /// Versioning was never turned on: a deletion cannot be undone.
  case never
  case enabled
  /// Versions from before are kept, new ones are not.
  case suspended
}
