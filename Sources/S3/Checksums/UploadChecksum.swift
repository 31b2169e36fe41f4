internal import HTTP

/// What the ETags of an endpoint are, where nothing but the object's bytes decides them.
public enum ETagMeaning: Sendable, Hashable {
  /// None has been compared with its bytes.
  case unknown
  /// One was the MD5 of its bytes, or that of the MD5s of its parts.
  case md5
  /// One had the form of an MD5 and was not that of its bytes, which came the same twice.
  case other
}

/// The checksum that goes with an upload: the best one that the endpoint has not refused.
enum UploadChecksum: Sendable, Hashable {
  case crc64nvme
  case crc32c
  /// The endpoint refuses both: MD5 has to do.
  case none

  /// Those to try where this one is refused, in their order.
  var weakerOnes: [UploadChecksum] {
    switch self {
    case .crc64nvme: [.crc32c, .none]
    case .crc32c: [.none]
    case .none: []
    }
  }

  /// What an upload in parts is begun with.
  var multipart: MultipartChecksum? {
    switch self {
    case .crc64nvme: .crc64nvme
    // Servers that know no CRC64NVME know no full-object checksums either.
    case .crc32c: MultipartChecksum(.crc32c, isComposite: true)
    case .none: nil
    }
  }
}

/// What was sent along with a body, to be compared with what the server says that it stored.
struct SentDigest: Sendable {
  var digest: PayloadDigest
  var checksum: UploadChecksum

  /// As it is recorded: `crc64nvme:rosUhgp5mIg=`; nil where the server can know none.
  var named: String? {
    switch checksum {
    case .crc64nvme: digest.crc64nvme.named
    case .crc32c: digest.crc32c.map { $0.algorithm.text($0.bytes) }
    case .none: digest.md5.map { DigestAlgorithm.md5.text($0) }
    }
  }

  /// Throws when the server stored something else. A checksum that it does not answer, and a
  /// composite one, is no contradiction.
  ///
  /// - Parameter etags: what this endpoint's ETags are.
  func check(_ head: HTTPResponseHead, etags: ETagMeaning) throws(S3Error.Cause) {
    try digest.crc64nvme.check(head.headers["x-amz-checksum-crc64nvme"])
    if let crc32c = digest.crc32c,
      let stored = head.headers["x-amz-checksum-crc32c"].flatMap(Base64.decode),
      stored.count == crc32c.algorithm.size, stored != crc32c.bytes
    {
      throw .checksumMismatch(
        sent: crc32c.algorithm.text(crc32c.bytes), stored: crc32c.algorithm.text(stored))
    }
    guard etags == .md5, let md5 = digest.md5, let stored = Self.md5(in: head), stored != md5
    else { return }
    throw .checksumMismatch(
      sent: DigestAlgorithm.md5.text(md5), stored: DigestAlgorithm.md5.text(stored))
  }

  /// Whether the ETag of the answer is the MD5 of what was sent.
  func isMD5(in head: HTTPResponseHead) -> Bool {
    digest.md5 != nil && Self.md5(in: head) == digest.md5
  }

  /// Whether an object that is there has what was sent.
  func isStored(in metadata: ObjectMetadata) -> Bool {
    guard checksum == .none else { return metadata.checksum == named }
    guard let md5 = digest.md5, let etag = metadata.etag?.md5 else { return false }
    return etag.partCount == nil && etag.value == md5
  }

  /// nil where the ETag cannot be the MD5 of the bytes, as under KMS.
  private static func md5(in head: HTTPResponseHead) -> [UInt8]? {
    let encryption = head.headers["x-amz-server-side-encryption"]
    guard encryption == nil || encryption == "AES256",
      head.headers["x-amz-server-side-encryption-customer-algorithm"] == nil,
      let md5 = head.etag?.md5, md5.partCount == nil
    else { return nil }
    return md5.value
  }
}

extension CRC64NVME {
  /// Throws when the server's checksum is another one; none, or a composite one, is no contradiction.
  func check(_ answered: String?) throws(S3Error.Cause) {
    guard let answered, let stored = CRC64NVME(base64: answered), stored != self else { return }
    throw .checksumMismatch(sent: named, stored: stored.named)
  }
}

extension [PartReceipt] {
  /// Throws when the server made another composite CRC32C of these parts. None, and one of another
  /// number of parts, is no contradiction.
  func checkComposite(_ answered: String?) throws(S3Error.Cause) {
    let algorithm = DigestAlgorithm.crc32c
    let values = compactMap(\.crc32c).flatMap { CRC(algorithm, value: UInt64($0)).bytes }
    let halves = answered?.split(separator: "-") ?? []
    guard values.count == count * algorithm.size, let sent = algorithm.digest(of: values),
      halves.count == 2, halves[1] == "\(count)", let stored = Base64.decode(String(halves[0])),
      stored != sent
    else { return }
    throw .checksumMismatch(
      sent: "\(algorithm.text(sent))-\(count)", stored: "\(algorithm.text(stored))-\(count)")
  }
}

extension S3Error {
  /// Whether the server may refuse the kind of checksum that went along, rather than its value.
  ///
  /// Those who know no such header say so in words of their own, or in none.
  ///
  /// - Parameter condition: what else went along that a store may not know; the caller then tries
  ///   without that first.
  func mayRefuseChecksum(beside condition: WriteCondition = .none) -> Bool {
    guard case .service(let refusal) = cause else { return false }
    if refusal.isNotImplemented || refusal.code == S3ErrorCode("HTTP400"), condition == .none {
      return true
    }
    guard refusal.status == 400 || refusal.isNotImplemented,
      ![.badDigest, S3ErrorCode("InvalidDigest")].contains(refusal.code)
    else { return false }
    let words = refusal.message.lowercased()
    return ["checksum", "crc64", "crc32", "x-amz-sdk-"].contains { words.contains($0) }
  }
}
