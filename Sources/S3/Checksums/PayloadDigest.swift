internal import HTTP

/// What a request says of its body, found in one pass over it.
struct PayloadDigest: Sendable {
  /// What is found beside CRC64NVME, which costs next to nothing.
  struct Wants: OptionSet, Sendable {
    let rawValue: Int
    static let sha256 = Wants(rawValue: 1)
    static let crc32c = Wants(rawValue: 2)
    static let md5 = Wants(rawValue: 4)
  }

  /// In hexadecimal; nil when it was not asked for.
  var sha256: String?
  var crc64nvme: CRC64NVME
  /// nil when it was not asked for.
  var crc32c: CRC?
  /// nil when it was not asked for, or where the system forbids it.
  var md5: [UInt8]?

  /// Reads `body` once, piece by piece, a file on threads that may wait for a disk.
  static func of(
    _ body: HTTPRequestBody, wants: Wants = []
  ) async throws(S3Error.Cause) -> PayloadDigest {
    switch body {
    case .none: return of([], wants)
    case .bytes(let bytes): return of(bytes, wants)
    case .file(let slice): return try await DigestQueue.shared.digest(slice, wants)
    }
  }

  private static func of(_ bytes: [UInt8], _ wants: Wants) -> PayloadDigest {
    // To make room for a digest takes libcrypto as long as a kilobyte of it.
    let isShort = bytes.count <= Self.short
    var running = Running(isShort ? wants.subtracting(.sha256) : wants)
    bytes.withUnsafeBytes { running.update($0) }
    var digest = running.finish()
    if isShort, wants.contains(.sha256) { digest.sha256 = Digest.hex(Digest.sha256(bytes)) }
    return digest
  }

  /// In bytes, all of which are in the processor's cache for a second pass.
  private static let short = 32 * 1024

  /// All passes over one piece, while it is in the processor's cache.
  struct Running: ~Copyable {
    private var crc64nvme = CRC64NVME()
    private var crc32c: CRC?
    private var sha256: Hash?
    private var md5: Hash?

    init(_ wants: Wants) {
      crc32c = wants.contains(.crc32c) ? CRC(.crc32c) : nil
      if wants.contains(.sha256) { sha256 = Hash(.sha256) }
      if wants.contains(.md5) { md5 = Hash(.md5) }
    }

    mutating func update(_ piece: UnsafeRawBufferPointer) {
      crc64nvme.update(piece)
      crc32c?.update(piece)
      sha256?.update(piece)
      md5?.update(piece)
    }

    /// To be called once.
    mutating func finish() -> PayloadDigest {
      PayloadDigest(
        sha256: sha256?.finish().hexadecimal, crc64nvme: crc64nvme, crc32c: crc32c,
        md5: md5?.finish())
    }
  }
}

/// What the request for a part says of it, found before it has its turn.
public struct PartDigest: Sendable {
  let digest: PayloadDigest
  let found: PayloadDigest.Wants
}

extension [UInt8] {
  fileprivate var hexadecimal: String { Digest.hex(self) }
}
