import HTTP
import S3
import SystemPackage

/// The sizes that the parts of an object may have had, where the server does not tell.
enum PartSizes {
  /// What is in use, the most usual first: the AWS CLI and boto3, rclone and MinIO, the AWS SDKs
  /// for Java and Go, s3cmd, s5cmd, Cyberduck, and round numbers of both kinds.
  private static let usual: [Int64] =
    [8, 5, 16, 10, 15, 50, 64, 100, 128, 25, 20, 32, 256, 512, 1024, 6, 7, 12, 24, 40, 200]
    .map { $0 << 20 } + [5, 8, 10, 15, 16, 20, 50, 64, 100].map { $0 * 1_000_000 }

  /// Sizes of all parts but the last with which there are `count` of them, the likeliest first.
  ///
  /// - Parameters:
  ///   - objectSize: 0 bytes or more.
  ///   - count: 1 or more.
  ///   - limit: how many at most.
  static func candidates(objectSize: Int64, count: Int, limit: Int) -> [Int64] {
    guard count > 1 else { return [max(objectSize, 1)] }
    let least = (objectSize + Int64(count) - 1) / Int64(count)
    let most = (objectSize + Int64(count) - 2) / Int64(count - 1) - 1
    guard least >= 1, least <= most else { return [] }
    let mebibyte: Int64 = 1 << 20
    let roundedUp = (least + mebibyte - 1) / mebibyte * mebibyte
    var found: [Int64] = []
    func add(_ size: Int64) {
      if found.count < limit, (least...most).contains(size), !found.contains(size) {
        found.append(size)
      }
    }
    for size in usual { add(size) }
    // What tools come to that split evenly, then every whole number of mebibytes.
    add(roundedUp)
    add(least)
    var size = roundedUp
    while size <= most, found.count < limit {
      add(size)
      size += mebibyte
    }
    return found
  }

  /// How many candidates are worth the time, each a pass over the whole.
  static func worthwhile(objectSize: Int64) -> Int {
    objectSize <= 256 << 20 ? 32 : objectSize <= 4 << 30 ? 8 : 3
  }

  /// All parts of a size but the last.
  static func even(_ size: Int64, objectSize: Int64) -> [Int64] {
    RangePlan(objectSize: ByteCount(objectSize), rangeSize: ByteCount(max(size, 1)))
      .map { Int64($0.count) }
  }
}

extension S3Client {
  /// The sizes of an object's parts as the server tells them; nil when it does not.
  ///
  /// Two requests where all parts but the last are of one size, which the last one confirms; one
  /// for each part otherwise. Where the server tells nothing of single parts, GetObjectAttributes
  /// may: a request for each thousand of them.
  func partSizes(
    of object: ObjectLocation, count: Int, objectSize: Int64
  ) async -> [Int64]? {
    guard count > 1 else { return [objectSize] }
    guard count <= PartPlan.maximumPartCount else { return nil }
    async let firstAnswer = try? headPart(object, PartNumber(1))
    async let lastAnswer = try? headPart(object, PartNumber(count))
    guard let first = await firstAnswer, let last = await lastAnswer else {
      guard let sizes = try? await partSizesByAttributes(object, count: count) else { return nil }
      return sizes.make(objectSize) ? sizes : nil
    }
    guard first.partCount == count, last.partCount == count, first.size.bytes >= 1,
      last.size.bytes >= 1, first.size.bytes < objectSize
    else { return nil }
    let (even, overflow) = first.size.bytes.multipliedReportingOverflow(by: Int64(count - 1))
    if !overflow, objectSize - even == last.size.bytes {
      return Array(repeating: first.size.bytes, count: count - 1) + [last.size.bytes]
    }
    let parts = await partHeads(of: object, count: count, known: [0: first, count - 1: last])
    guard let sizes = parts?.map(\.size.bytes), sizes.make(objectSize) else { return nil }
    return sizes
  }
}

extension [Int64] {
  /// Whether parts of these sizes make an object of that one.
  fileprivate func make(_ objectSize: Int64) -> Bool {
    var left = objectSize
    for size in self {
      guard size >= 1, size <= left else { return false }
      left -= size
    }
    return left == 0
  }
}
