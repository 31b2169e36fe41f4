public import S3

/// What makes it certain that a copy has the bytes of its source.
public enum CopyProof: Sendable, Hashable {
  /// A checksum that the server keeps of both.
  case checksum(DigestAlgorithm)
  /// The ETag, which is the MD5 of both or of the MD5s of their parts.
  case etag
}

/// What a copy that ended well has made.
public struct CopyResult: Sendable, Hashable {
  public var source: ObjectLocation
  /// The copy; `versionID` is the version written, where the server told.
  public var destination: ObjectLocation
  public var size: ByteCount
  public var etag: ETag?
  /// The checksum of the whole copy as the server told it.
  public var checksum: String?
  /// nil where nothing proves that the copy is equal; a move always has one.
  public var proof: CopyProof?
  /// The destination existed, and nothing was copied.
  public var isSkipped: Bool
  /// Whether the source was deleted, as a move does.
  public var isMoved: Bool
  /// Set when an outcome could not be recorded; the copy itself went well.
  public var warning: StorageError?

  public init(
    source: ObjectLocation, destination: ObjectLocation, size: ByteCount, etag: ETag? = nil,
    checksum: String? = nil, proof: CopyProof? = nil, isSkipped: Bool = false,
    isMoved: Bool = false, warning: StorageError? = nil
  ) {
    self.source = source
    self.destination = destination
    self.size = size
    self.etag = etag
    self.checksum = checksum
    self.proof = proof
    self.isSkipped = isSkipped
    self.isMoved = isMoved
    self.warning = warning
  }
}

/// What came of one object among those under a prefix.
public struct CopyOutcome: Sendable {
  public var source: ObjectLocation
  public var destination: ObjectLocation
  public var result: Result<CopyResult, StorageError>

  public init(
    source: ObjectLocation, destination: ObjectLocation,
    result: Result<CopyResult, StorageError>
  ) {
    self.source = source
    self.destination = destination
    self.result = result
  }
}

/// How a copy compares with its source, as far as a server's words on both tell.
enum CopyComparison: Sendable, Hashable {
  case equal(CopyProof)
  case different
  case unknown

  init(_ source: ObjectMetadata, _ copy: ObjectMetadata) {
    guard source.size == copy.size else {
      self = .different
      return
    }
    for checksum in source.checksums {
      // Those of different parts differ although the bytes do not.
      let same = copy.checksums.first {
        $0.algorithm == checksum.algorithm && $0.kind == checksum.kind
      }
      guard let same, checksum.kind != .composite(partCount: nil) else { continue }
      if same.value == checksum.value {
        self = .equal(.checksum(checksum.algorithm))
        return
      }
      if checksum.kind == .fullObject {
        self = .different
        return
      }
    }
    let isEncrypted = [source, copy].contains { metadata in
      metadata.usesCustomerKey || metadata.serverSideEncryption.map { $0 != "AES256" } ?? false
    }
    guard !isEncrypted, let left = source.etag?.md5, let right = copy.etag?.md5,
      left.value == right.value, left.partCount == right.partCount
    else {
      self = .unknown
      return
    }
    self = .equal(.etag)
  }
}
