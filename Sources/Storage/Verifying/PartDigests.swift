import HTTP
import S3

/// The digests of an object's parts as the server tells them, which together give what is known of
/// the whole: so they are those of its parts, whatever else the server may say.
struct PartDigests: Sendable, Hashable {
  struct Part: Sendable, Hashable {
    /// Its place in the object.
    var bytes: Range<Int64>
    var value: [UInt8]
  }

  let algorithm: DigestAlgorithm
  let parts: [Part]

  /// nil when they do not make the whole.
  ///
  /// - Parameter parts: what the server tells of each, in their order.
  init?(_ parts: [ObjectPart], of stored: StoredDigest, objectSize: Int64) {
    guard parts.count > 1, let algorithm = stored.algorithm else { return nil }
    var found: [Part] = []
    var start: Int64 = 0
    for part in parts {
      let (end, isTooLarge) = start.addingReportingOverflow(part.size.bytes)
      guard !isTooLarge, part.size.bytes >= 1, let value = part.digests[algorithm] else {
        return nil
      }
      found.append(Part(bytes: start..<end, value: value))
      start = end
    }
    guard start == objectSize else { return nil }
    let whole: StoredDigest?
    switch stored {
    case .fullObject:
      guard algorithm.isCRC else { return nil }
      let crcs = found.map { CRC(algorithm, bytes: $0.value) }
      let sum = zip(found, crcs).dropFirst().reduce(crcs[0]) { sum, next in
        sum.followed(by: next.1, count: Int64(next.0.bytes.count))
      }
      whole = stored.found([sum.bytes])
    case .composite(_, _, let count), .md5OfParts(_, let count):
      whole = count == found.count ? stored.found(found.map(\.value)) : nil
    case .md5, .none:
      whole = nil
    }
    guard whole == stored else { return nil }
    self.algorithm = algorithm
    self.parts = found
  }
}

extension CRC {
  /// - Parameter bytes: the highest first.
  init(_ algorithm: DigestAlgorithm, bytes: [UInt8]) {
    self.init(algorithm, value: bytes.reduce(0) { $0 << 8 | UInt64($1) })
  }
}

extension S3Client {
  /// What the server tells of the parts of an object; nil where that is not enough to know them by.
  ///
  /// One request where the server does not tell, else one for each part. No other operation is
  /// asked for it, since who may read an object may ask this.
  func partDigests(
    of object: ObjectLocation, _ stored: StoredDigest, objectSize: Int64
  ) async -> PartDigests? {
    guard let algorithm = stored.algorithm,
      let first = try? await headPart(object, PartNumber(1)), first.digests[algorithm] != nil,
      let count = first.partCount, (2...PartPlan.maximumPartCount).contains(count),
      count == stored.partCount ?? count,
      let parts = await partHeads(of: object, count: count, known: [0: first])
    else { return nil }
    return PartDigests(parts, of: stored, objectSize: objectSize)
  }
}
