/// The digests by which stored bytes are known: S3's checksums, and MD5, which many ETags are.
public enum DigestAlgorithm: String, Sendable, Hashable, CaseIterable {
  case crc64nvme
  case crc32c
  case crc32
  case sha256
  case sha1
  case md5

  /// Those that S3 keeps as checksums, in the order in which they are preferred.
  /// S3 API Reference: Checksum.
  static let checksums: [DigestAlgorithm] = [.crc64nvme, .crc32c, .sha256, .crc32, .sha1]

  /// The name of the header field that carries a checksum of this kind.
  var header: String {
    switch self {
    case .crc64nvme: "x-amz-checksum-crc64nvme"
    case .crc32c: "x-amz-checksum-crc32c"
    case .crc32: "x-amz-checksum-crc32"
    case .sha256: "x-amz-checksum-sha256"
    case .sha1: "x-amz-checksum-sha1"
    case .md5: "x-amz-checksum-md5"
    }
  }

  /// Whether the values of two pieces combine into that of both.
  public var isCRC: Bool {
    switch self {
    case .crc64nvme, .crc32c, .crc32: true
    case .sha256, .sha1, .md5: false
    }
  }

  /// The length of a value in bytes.
  public var size: Int {
    switch self {
    case .crc64nvme: 8
    case .crc32c, .crc32: 4
    case .sha256: 32
    case .sha1: 20
    case .md5: 16
    }
  }

  /// As people write it: `CRC64NVME`, `SHA-256`.
  public var name: String {
    switch self {
    case .sha256: "SHA-256"
    case .sha1: "SHA-1"
    case .crc64nvme, .crc32c, .crc32, .md5: rawValue.uppercased()
    }
  }

  /// The value for `bytes`, ``size`` bytes long; nil where the system forbids the algorithm, as
  /// MD5 in FIPS mode.
  public func digest(of bytes: [UInt8]) -> [UInt8]? {
    guard var digest = RunningDigest(self) else { return nil }
    bytes.withUnsafeBytes { digest.update($0) }
    return digest.finish()
  }

  /// As it is shown and recorded: `crc64nvme:rosUhgp5mIg=`, and `md5:` in hexadecimal.
  public func text(_ value: [UInt8]) -> String {
    "\(rawValue):\(self == .md5 ? Digest.hex(value) : Base64.encode(value))"
  }
}
