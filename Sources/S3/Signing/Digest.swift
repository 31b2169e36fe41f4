internal import CChecksums
internal import CCrypto

/// The digests of libcrypto. No other file knows that library.
public enum Digest {
  // Fetched once: looking an algorithm up takes as long as digesting a kilobyte.
  // `nonisolated(unsafe)`, all three: Swift makes each once, libcrypto never changes them, and any
  // thread may use them.
  nonisolated(unsafe) private static let sha256 = EVP_MD_fetch(nil, "SHA256", nil)
  nonisolated(unsafe) private static let sha1 = EVP_MD_fetch(nil, "SHA1", nil)
  nonisolated(unsafe) private static let md5 = EVP_MD_fetch(nil, "MD5", nil)

  /// nil for a CRC, and where the system forbids the algorithm.
  fileprivate static func algorithm(_ algorithm: DigestAlgorithm) -> OpaquePointer? {
    switch algorithm {
    case .sha256: sha256
    case .sha1: sha1
    case .md5: md5
    case .crc64nvme, .crc32c, .crc32: nil
    }
  }

  /// SHA-256 of no bytes, in hexadecimal.
  static let emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  /// 32 bytes.
  public static func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    Array(bytes).withUnsafeBytes { sha256($0) }
  }

  /// 32 bytes.
  public static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    guard hasInstructions else {
      var hash = SHA256()
      hash.update(bytes)
      return hash.finish()
    }
    return [UInt8](unsafeUninitializedCapacity: DigestAlgorithm.sha256.size) { digest, count in
      var message = pail_sha256()
      pail_sha256_begin(&message)
      pail_sha256_end(&message, bytes.baseAddress, bytes.count, digest.baseAddress)
      count = DigestAlgorithm.sha256.size
    }
  }

  /// Whether the processor has instructions for SHA-256. The signature of a request needs three
  /// digests of some hundred bytes, and libcrypto takes longer to make room for one than for that.
  private static let hasInstructions = pail_sha256_lanes() > 1

  /// nil where the system forbids MD5, as in FIPS mode.
  static func md5(_ bytes: [UInt8]) -> [UInt8]? {
    DigestAlgorithm.md5.digest(of: bytes)
  }

  /// For names of files that other programs chose; it protects nothing. 20 bytes.
  static func sha1(_ bytes: some Sequence<UInt8>) -> [UInt8]? {
    let bytes = Array(bytes)
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    guard EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha1(), nil) == 1 else { return nil }
    return Array(digest.prefix(Int(count)))
  }

  /// RFC 2104, section 2. libcrypto's own looks for its parts anew each time, which takes longer than
  /// the digests.
  static func hmacSHA256(key: [UInt8], _ message: some Sequence<UInt8>) -> [UInt8] {
    HMACKey(key).code(of: message)
  }

  public static func hex(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: hexBytes(Array(bytes)), as: UTF8.self)
  }

  /// The same in ASCII.
  static func hexBytes(_ bytes: [UInt8]) -> [UInt8] {
    func digit(_ value: UInt8) -> UInt8 {
      value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
    }
    return [UInt8](unsafeUninitializedCapacity: 2 * bytes.count) { text, count in
      for (index, byte) in bytes.enumerated() {
        text[2 * index] = digit(byte >> 4)
        text[2 * index + 1] = digit(byte & 15)
      }
      count = 2 * bytes.count
    }
  }

  /// nil when `hex` is not pairs of hexadecimal digits.
  static func bytes(hex: some StringProtocol) -> [UInt8]? {
    let digits = hex.utf8.compactMap { digit -> UInt8? in
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
      default: nil
      }
    }
    guard digits.count == hex.utf8.count, digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}

/// A key of HMAC-SHA-256, made ready for many messages.
struct HMACKey: Sendable {
  private static let blockSize = 64
  private let inner: [UInt8]
  private let outer: [UInt8]

  init(_ key: [UInt8]) {
    let short = key.count > Self.blockSize ? Digest.sha256(key) : key
    let block = short + [UInt8](repeating: 0, count: Self.blockSize - short.count)
    inner = block.map { $0 ^ 0x36 }
    outer = block.map { $0 ^ 0x5c }
  }

  /// 32 bytes.
  func code(of message: some Sequence<UInt8>) -> [UInt8] {
    Digest.sha256(outer + Digest.sha256(inner + message))
  }
}

/// SHA-256, SHA-1 or MD5 of bytes that come in pieces. Owns one context of libcrypto.
///
/// `@unchecked Sendable`: the context belongs to this value alone, which cannot be copied, and
/// libcrypto ties it to no thread.
struct Hash: ~Copyable, @unchecked Sendable {
  private let context: OpaquePointer
  private let size: Int

  /// nil for a CRC, and where the system forbids the algorithm, as MD5 in FIPS mode.
  init?(_ algorithm: DigestAlgorithm) {
    guard let type = Digest.algorithm(algorithm), let context = EVP_MD_CTX_new() else {
      return nil
    }
    guard EVP_DigestInit_ex(context, type, nil) == 1 else {
      EVP_MD_CTX_free(context)
      return nil
    }
    self.context = context
    size = algorithm.size
  }

  deinit {
    EVP_MD_CTX_free(context)
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let result = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(result == 1, "libcrypto could not go on with a digest")
  }

  /// The bytes of the digest. To be called once, or before ``restart(_:)``.
  mutating func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: size)
    let result = EVP_DigestFinal_ex(context, &digest, nil)
    precondition(result == 1, "libcrypto could not end a digest")
    return digest
  }

  /// Begins another digest, of the same algorithm.
  mutating func restart(_ algorithm: DigestAlgorithm) {
    let result = EVP_DigestInit_ex(context, Digest.algorithm(algorithm), nil)
    precondition(result == 1, "libcrypto could not begin a digest")
  }
}

/// The hash that signatures need, and that no system forbids.
public struct SHA256: ~Copyable {
  private var hash: Hash

  public init() {
    guard let hash = Hash(.sha256) else { preconditionFailure("libcrypto has no SHA-256") }
    self.hash = hash
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bytes) }

  /// The 32 bytes of the digest. To be called once.
  mutating func finish() -> [UInt8] { hash.finish() }

  /// The 32 bytes of the digest of `bytes`, for many short messages one after the other: to make
  /// room for a digest takes libcrypto longer than the digest. Not to be mixed with the others.
  public mutating func digest(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
    hash.update(bytes)
    defer { hash.restart(.sha256) }
    return hash.finish()
  }
}
