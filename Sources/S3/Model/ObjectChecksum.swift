/// A checksum that a server keeps of an object.
///
/// Source: Amazon S3 User Guide, "Checking object integrity for data at rest in Amazon S3".
public struct ObjectChecksum: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// Of the object's bytes.
    case fullObject
    /// Of the checksums of its parts, one after the other. nil where the server does not say how
    /// many there are.
    case composite(partCount: Int?)
  }

  public var algorithm: DigestAlgorithm
  public var kind: Kind
  public var value: [UInt8]

  public init(_ algorithm: DigestAlgorithm, _ kind: Kind, value: [UInt8]) {
    self.algorithm = algorithm
    self.kind = kind
    self.value = value
  }

  /// `crc64nvme:rosUhgp5mIg=`; that of a composite one ends in `-` and the number of its parts.
  public var text: String {
    let text = algorithm.text(value)
    if case .composite(let count?) = kind { return "\(text)-\(count)" }
    return text
  }
}

extension ETag {
  /// The MD5 that the text has the form of, and the number of parts when it is that of their MD5s:
  /// `9b2cf535f27731c974343645a3985328`, `…-3`. nil for any other form.
  ///
  /// The form proves nothing: some stores, and all under KMS, write other things that look so.
  public var md5: (value: [UInt8], partCount: Int?)? {
    let halves = text.split(separator: "-", omittingEmptySubsequences: false)
    guard let first = halves.first, halves.count <= 2, first.utf8.count == 32,
      let value = Digest.bytes(hex: first)
    else { return nil }
    guard halves.count == 2 else { return (value, nil) }
    guard let count = Int(halves[1]), count >= 1 else { return nil }
    return (value, count)
  }
}
