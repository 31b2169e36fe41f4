import S3

/// How one object is copied: in one request, or in these parts.
struct CopyPlan: Sendable, Hashable {
  /// nil for one request.
  var parts: [Range<Int64>]?
  /// What is kept of a copy in parts; that of the source where it can be the same.
  var checksum: MultipartChecksum?

  /// - Parameters:
  ///   - partSizes: of the source's own parts, where the server told them: with them ETag and
  ///     composite checksum of the copy are those of the source.
  ///   - threshold: larger objects are copied in parts.
  ///   - mustCompare: whether the copy is to be proven equal.
  init?(
    _ source: ObjectMetadata, partSizes: [Int64]?, threshold: ByteCount, mustCompare: Bool
  ) {
    let isSinglyKnown = source.checksums.contains { $0.kind == .fullObject }
    // One request would make one part of them, and ETag and composite checksum other ones.
    let needsParts = mustCompare && !isSinglyKnown && partSizes != nil
    guard source.size > threshold || needsParts else { return }
    let own = partSizes.flatMap { Self.ranges($0, objectSize: source.size) }
    if let own {
      parts = own
    } else if source.size > threshold {
      let preferred = ByteCount(
        min(
          max(threshold.bytes / 8, PartPlan.minimumPartSize.bytes),
          PartPlan.maximumPartSize.bytes))
      guard let plan = try? PartPlan(objectSize: source.size, preferred: preferred) else {
        return nil
      }
      parts = plan.partNumbers.map { plan.range(of: PartNumber($0)) }
    } else {
      return
    }
    checksum = .crc64nvme
    if let kept = source.checksums.first {
      switch kept.kind {
      case .fullObject where kept.algorithm.isCRC:
        checksum = MultipartChecksum(kept.algorithm)
      case .composite where own != nil:
        checksum = MultipartChecksum(kept.algorithm, isComposite: true)
      case .fullObject, .composite: break
      }
    }
  }

  /// nil where the parts do not make the object, or are of sizes that no upload may have.
  private static func ranges(_ sizes: [Int64], objectSize: ByteCount) -> [Range<Int64>]? {
    guard sizes.count <= PartPlan.maximumPartCount, sizes.reduce(0, +) == objectSize.bytes,
      sizes.allSatisfy({ $0 >= 1 && $0 <= PartPlan.maximumPartSize.bytes }),
      sizes.dropLast().allSatisfy({ $0 >= PartPlan.minimumPartSize.bytes })
    else { return nil }
    var start: Int64 = 0
    return sizes.map { size in
      defer { start += size }
      return start..<(start + size)
    }
  }
}
