public import S3

/// Whether the bytes that arrived are known to be those that were stored.
public enum Verification: Sendable, Hashable {
  /// By what they were compared.
  public enum Scheme: Sendable, Hashable {
    /// The checksum of the whole object.
    case fullObject(DigestAlgorithm)
    /// The checksum of the checksums of its parts.
    case composite(DigestAlgorithm, partCount: Int)
    /// The ETag, which is the MD5 of the object.
    case md5
    /// The ETag, which is the MD5 of the MD5s of its parts.
    case md5OfParts(partCount: Int)
  }

  /// Why nobody can tell.
  public enum Doubt: Sendable, Hashable {
    /// The server gives no checksum, and an ETag of no form that is known.
    case noChecksum
    /// The server gives no checksum, and under a KMS or customer key the ETag is no MD5.
    case encrypted
    /// The ETag has the form of an MD5 and is another one; no ETag of this endpoint was seen to be
    /// one.
    case unprovenETag
    /// The server does not say how large the parts are, and no size that is in use fits.
    case unknownParts
    /// This system forbids the algorithm.
    case forbidden(DigestAlgorithm)
  }

  case verified(Scheme)
  case notVerified(Doubt)

  public var isVerified: Bool {
    if case .verified = self { true } else { false }
  }
}

extension Verification: CustomStringConvertible {
  /// `verified by CRC64NVME`, `not verified: the server keeps no checksum of it`.
  public var description: String {
    switch self {
    case .verified(let scheme): "verified by \(scheme)"
    case .notVerified(let doubt): "not verified: \(doubt)"
    }
  }
}

extension Verification.Scheme: CustomStringConvertible {
  public var description: String {
    switch self {
    case .fullObject(let algorithm): algorithm.name
    case .composite(let algorithm, let count): "the \(algorithm.name)s of \(count) parts"
    case .md5: "the MD5 in its ETag"
    case .md5OfParts(let count): "the MD5s of \(count) parts in its ETag"
    }
  }
}

extension Verification.Doubt: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noChecksum: "the server keeps no checksum of it"
    case .encrypted: "the server keeps no checksum of it, and its ETag is none as it is encrypted"
    case .unprovenETag: "the server keeps no checksum of it, and its ETag seems not to be its MD5"
    case .unknownParts: "the server does not say how large its parts were"
    case .forbidden(let algorithm): "this system does not allow \(algorithm.name)"
    }
  }
}
