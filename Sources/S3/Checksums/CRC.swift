internal import CChecksums

/// A checksum whose values of two pieces combine into that of both.
public struct CRC: Sendable, Hashable {
  public let algorithm: DigestAlgorithm
  /// In the lower bits.
  public private(set) var value: UInt64

  /// - Parameter algorithm: one that ``DigestAlgorithm/isCRC``.
  public init(_ algorithm: DigestAlgorithm, value: UInt64 = 0) {
    precondition(algorithm.isCRC, "\(algorithm) does not combine")
    self.algorithm = algorithm
    self.value = value
  }

  /// The highest byte first, as headers carry it.
  public var bytes: [UInt8] {
    let size = algorithm.size
    return (1...size).map { UInt8(truncatingIfNeeded: value >> (8 * (size - $0))) }
  }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    switch algorithm {
    case .crc64nvme: value = pail_crc64nvme(value, bytes.baseAddress, bytes.count)
    case .crc32c:
      value = UInt64(
        pail_crc32c(UInt32(truncatingIfNeeded: value), bytes.baseAddress, bytes.count))
    default:
      value = UInt64(
        pail_crc32(UInt32(truncatingIfNeeded: value), bytes.baseAddress, bytes.count))
    }
  }

  /// The checksum of these bytes followed by `count` bytes whose checksum is `next`.
  public func followed(by next: CRC, count: Int64) -> CRC {
    precondition(next.algorithm == algorithm, "two checksums of one algorithm combine")
    let count = UInt64(count)
    let left = UInt32(truncatingIfNeeded: value)
    let right = UInt32(truncatingIfNeeded: next.value)
    let both =
      switch algorithm {
      case .crc64nvme: pail_crc64nvme_combine(value, next.value, count)
      case .crc32c: UInt64(pail_crc32c_combine(left, right, count))
      default: UInt64(pail_crc32_combine(left, right, count))
      }
    return CRC(algorithm, value: both)
  }
}
