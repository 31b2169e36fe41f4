import S3

/// What a server tells of an object by which its bytes can be known.
enum StoredDigest: Sendable, Hashable {
  case fullObject(DigestAlgorithm, [UInt8])
  case composite(DigestAlgorithm, [UInt8], partCount: Int)
  case md5([UInt8])
  case md5OfParts([UInt8], partCount: Int)
  case none(Verification.Doubt)

  /// The best of what there is: a checksum of the whole, one that combines first; one of parts; an
  /// ETag that may be an MD5.
  ///
  /// - Parameter etags: what the ETags of this endpoint were seen to be.
  init(_ metadata: ObjectMetadata, etags: ETagMeaning = .unknown) {
    let whole = metadata.checksums.filter { $0.kind == .fullObject }
    if let best = whole.first(where: \.algorithm.isCRC) ?? whole.first {
      self = .fullObject(best.algorithm, best.value)
      return
    }
    for checksum in metadata.checksums {
      if case .composite(let count?) = checksum.kind, Self.isCount(count, metadata) {
        self = .composite(checksum.algorithm, checksum.value, partCount: count)
        return
      }
    }
    // Source: Amazon S3 API Reference, "Object": under SSE-KMS and SSE-C the ETag is no digest.
    let isByKey = metadata.serverSideEncryption.map { $0 != "AES256" } ?? false
    guard !isByKey, !metadata.usesCustomerKey else {
      self = .none(.encrypted)
      return
    }
    switch metadata.etag?.md5 {
    case .some where etags == .other: self = .none(.unprovenETag)
    case (let value, nil)?: self = .md5(value)
    case (let value, let count?)? where Self.isCount(count, metadata):
      self = .md5OfParts(value, partCount: count)
    default: self = .none(.noChecksum)
    }
  }

  /// Each part but that of an empty object has at least one byte.
  private static func isCount(_ count: Int, _ metadata: ObjectMetadata) -> Bool {
    (1...PartPlan.maximumPartCount).contains(count) && Int64(count) <= max(metadata.size.bytes, 1)
  }

  /// The number of parts that are digested one by one; nil where it is the whole.
  var partCount: Int? {
    switch self {
    case .composite(_, _, let count), .md5OfParts(_, let count): count
    case .fullObject, .md5, .none: nil
    }
  }

  /// What the bytes of the whole or of each part are digested with; nil for nothing.
  var algorithm: DigestAlgorithm? {
    switch self {
    case .fullObject(let algorithm, _), .composite(let algorithm, _, _): algorithm
    case .md5, .md5OfParts: .md5
    case .none: nil
    }
  }

  /// As the server wrote it, such as `crc32:oBEPzg==-2`.
  var text: String {
    switch self {
    case .fullObject(let algorithm, let value): algorithm.text(value)
    case .composite(let algorithm, let value, let count): "\(algorithm.text(value))-\(count)"
    case .md5(let value): DigestAlgorithm.md5.text(value)
    case .md5OfParts(let value, let count): "\(DigestAlgorithm.md5.text(value))-\(count)"
    case .none: ""
    }
  }

  var scheme: Verification.Scheme? {
    switch self {
    case .fullObject(let algorithm, _): .fullObject(algorithm)
    case .composite(let algorithm, _, let count): .composite(algorithm, partCount: count)
    case .md5: .md5
    case .md5OfParts(_, let count): .md5OfParts(partCount: count)
    case .none: nil
    }
  }

  /// Whether it is an ETag that only looks like an MD5, until one of this endpoint was seen to be.
  var isETag: Bool {
    switch self {
    case .md5, .md5OfParts: true
    case .fullObject, .composite, .none: false
    }
  }

  /// The same with the value that these digests of the whole or of its parts give; nil where this
  /// system forbids the algorithm.
  func found(_ digests: [[UInt8]]) -> StoredDigest? {
    switch self {
    case .fullObject(let algorithm, _):
      return .fullObject(algorithm, digests.first ?? [])
    case .md5:
      return .md5(digests.first ?? [])
    case .composite(let algorithm, _, let count):
      guard let value = algorithm.digest(of: Array(digests.joined())) else { return nil }
      return .composite(algorithm, value, partCount: count)
    case .md5OfParts(_, let count):
      guard let value = DigestAlgorithm.md5.digest(of: Array(digests.joined())) else { return nil }
      return .md5OfParts(value, partCount: count)
    case .none:
      return self
    }
  }
}
