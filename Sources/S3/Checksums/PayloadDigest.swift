internal import HTTP

/// What a request says of its body, found in one pass over it.
struct PayloadDigest: Sendable {
  /// In hexadecimal; nil when it was not asked for.
  var sha256: String?
  var crc64nvme: CRC64NVME

  /// Reads `body` once, piece by piece, a file on threads that may wait for a disk.
  static func of(
    _ body: HTTPRequestBody, wantsSHA256: Bool
  ) async throws(S3Error.Cause) -> PayloadDigest {
    switch body {
    case .none: return of([], wantsSHA256: wantsSHA256)
    case .bytes(let bytes): return of(bytes, wantsSHA256: wantsSHA256)
    case .file(let slice):
      return try await onDigestThread { (isCancelled) throws(S3Error.Cause) in
        try of(slice, wantsSHA256: wantsSHA256, isCancelled: isCancelled)
      }
    }
  }

  private static func of(_ bytes: [UInt8], wantsSHA256: Bool) -> PayloadDigest {
    var crc = CRC64NVME()
    bytes.withUnsafeBytes { crc.update($0) }
    return PayloadDigest(
      sha256: wantsSHA256 ? Digest.hex(Digest.sha256(bytes)) : nil, crc64nvme: crc)
  }

  private static func of(
    _ slice: FileSlice, wantsSHA256: Bool, isCancelled: Flag
  ) throws(S3Error.Cause) -> PayloadDigest {
    var crc = CRC64NVME()
    var hash = SHA256()
    do throws(PieceReader.Problem) {
      try PieceReader.read(slice, isCancelled: isCancelled) { piece in
        crc.update(piece)
        if wantsSHA256 { hash.update(piece) }
      }
    } catch {
      switch error {
      case .cancelled: throw .transport(.cancelled)
      case .tooShort: throw .transport(.fileTooShort)
      case .system(let errno): throw .transport(.file(errno))
      }
    }
    let digest = hash.finish()
    return PayloadDigest(sha256: wantsSHA256 ? Digest.hex(digest) : nil, crc64nvme: crc)
  }
}
