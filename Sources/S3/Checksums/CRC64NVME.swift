internal import CChecksums

/// The checksum that S3 keeps of whole objects. Those of parts combine into that of the whole.
///
/// Source: Amazon S3 User Guide, "Checking object integrity for data uploads in Amazon S3".
struct CRC64NVME: Sendable, Hashable {
  private(set) var value: UInt64

  init(_ value: UInt64 = 0) {
    self.value = value
  }

  /// From the eight bytes in Base64 that headers and answers carry; nil for anything else, such as
  /// a composite checksum.
  init?(base64: String) {
    guard let bytes = Base64.decode(base64), bytes.count == 8 else { return nil }
    value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  var base64: String {
    Base64.encode((0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) })
  }

  /// As it is shown and recorded: `crc64nvme:rosUhgp5mIg=`.
  var named: String { "crc64nvme:\(base64)" }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    value = pail_crc64nvme(value, bytes.baseAddress, bytes.count)
  }

  /// The checksum of these bytes followed by `count` bytes whose checksum is `next`.
  func followed(by next: CRC64NVME, count: Int64) -> CRC64NVME {
    CRC64NVME(pail_crc64nvme_combine(value, next.value, UInt64(count)))
  }
}
