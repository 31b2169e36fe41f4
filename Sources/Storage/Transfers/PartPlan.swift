public import S3

/// Cuts an object into parts, or a download into ranges.
public struct PartPlan: Sendable, Hashable {
  /// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
  public static let maximumPartCount = 10_000
  public static let maximumPartSize = ByteCount.gibibytes(5)
  public static let minimumPartSize = ByteCount.mebibytes(5)

  public enum PlanError: Error, Sendable, Hashable {
    /// 10,000 parts of 5 GiB do not hold the object.
    case objectTooLarge(ByteCount)
  }

  public let objectSize: ByteCount
  /// The size of each part but the last.
  public let partSize: ByteCount
  /// 1 through 10,000.
  public let partCount: Int

  /// Keeps `preferred` while 10,000 parts are enough, then grows by whole mebibytes.
  ///
  /// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
  ///
  /// - Parameters:
  ///   - objectSize: 1 byte or more.
  ///   - preferred: 5 MiB through 5 GiB. Each part but the last is at least this large.
  /// - Throws: ``PlanError/objectTooLarge(_:)`` when a part would exceed 5 GiB.
  public init(
    objectSize: ByteCount, preferred: ByteCount = .mebibytes(8)
  ) throws(PlanError) {
    precondition(objectSize.bytes >= 1, "a part plan needs at least one byte")
    precondition(
      (Self.minimumPartSize...Self.maximumPartSize).contains(preferred),
      "the preferred part size must be 5 MiB through 5 GiB")
    let mebibyte = ByteCount.mebibytes(1).bytes
    var size = preferred.bytes
    let most = Int64(Self.maximumPartCount)
    if (objectSize.bytes - 1) / size >= most {
      let least = (objectSize.bytes - 1) / most + 1
      size = ((least - 1) / mebibyte + 1) * mebibyte
    }
    guard size <= Self.maximumPartSize.bytes else { throw .objectTooLarge(objectSize) }
    self.objectSize = objectSize
    partSize = ByteCount(size)
    partCount = Int((objectSize.bytes - 1) / size + 1)
  }

  public var partNumbers: ClosedRange<Int> { 1...partCount }

  /// The bytes of a part within the object.
  ///
  /// - Parameter number: 1 through ``partCount``.
  public func range(of number: PartNumber) -> Range<Int64> {
    precondition(partNumbers.contains(number.value), "no such part")
    let start = Int64(number.value - 1) * partSize.bytes
    return start..<min(start + partSize.bytes, objectSize.bytes)
  }
}
