import HTTP
import S3
import SystemPackage

/// What has arrived of an object, read back to find out what it is.
struct ArrivedBytes: Sendable {
  let file: OpenFile
  /// The object that it came from.
  let source: ObjectLocation
  /// Of the whole, in bytes.
  let size: Int64
  let client: S3Client

  func add(_ bytes: Range<Int64>, to digest: FileDigest) async throws(Errno) {
    try await digest.add(
      FileSlice(file: file, offset: bytes.lowerBound, count: Int64(bytes.count)))
  }

  /// First the sizes in use, which cost no request, then what the server tells.
  func tryPartSizes(_ stored: StoredDigest) async throws(Errno) -> DownloadCheck.Event {
    guard let count = stored.partCount else { return .forbidden }
    let candidates = PartSizes.candidates(
      objectSize: size, count: count, limit: PartSizes.worthwhile(objectSize: size))
    for candidate in candidates {
      let found = try await digest(stored, PartSizes.even(candidate, objectSize: size))
      guard let found else { return .forbidden }
      if found == stored { return .tried(fits: true, areKnown: false, found: found) }
    }
    guard
      let sizes = await client.partSizes(of: source, count: count, objectSize: size),
      let found = try await digest(stored, sizes)
    else { return .tried(fits: false, areKnown: false, found: nil) }
    return .tried(fits: found == stored, areKnown: true, found: found)
  }

  /// The digest of the file as it is made from parts; nil where this system forbids the algorithm.
  private func digest(
    _ stored: StoredDigest, _ partSizes: [Int64]
  ) async throws(Errno) -> StoredDigest? {
    guard let algorithm = stored.algorithm else { return nil }
    var end: Int64 = 0
    let parts = partSizes.map { size in
      end += size
      return (end - size)..<end
    }
    return try await values(of: parts, by: algorithm).flatMap { stored.found($0) }
  }

  /// The ranges of a check whose bytes are those of parts that the server vouches for, with the CRCs
  /// that the check wants of them; nil where the server tells nothing of its parts.
  func intactRanges(_ check: DownloadCheck) async throws(Errno) -> [Int: [CRC]]? {
    let ranges = check.ranges
    guard
      let told = await client.partDigests(
        of: source, check.stored, objectSize: ranges.objectSize.bytes),
      let found = try await values(of: told.parts.map(\.bytes), by: told.algorithm)
    else { return nil }
    let damaged = zip(told.parts, found).filter { $0.value != $1 }.map(\.0.bytes)
    let intact = ranges.indices.filter { index in
      !damaged.contains { $0.overlaps(ranges[index]) }
    }
    guard let wanted = check.wantedCRC else {
      return Dictionary(uniqueKeysWithValues: intact.map { ($0, []) })
    }
    guard let crcs = try await values(of: intact.map { ranges[$0] }, by: wanted) else { return nil }
    return Dictionary(
      uniqueKeysWithValues: zip(intact, crcs.map { [CRC(wanted, bytes: $0)] }))
  }

  private static let readersAtOnce = 4

  /// The digests of stretches of the file, a few read at a time; nil where this system forbids the
  /// algorithm.
  private func values(
    of stretches: [Range<Int64>], by algorithm: DigestAlgorithm
  ) async throws(Errno) -> [[UInt8]]? {
    let result = await withTaskGroup(of: (Int, Result<[UInt8]?, Errno>).self) { tasks in
      var values: [[UInt8]] = Array(repeating: [], count: stretches.count)
      var next = stretches.indices.makeIterator()
      func start() {
        guard let index = next.next() else { return }
        tasks.addTask { (index, await value(of: stretches[index], by: algorithm)) }
      }
      for _ in 0..<Self.readersAtOnce { start() }
      while let (index, result) = await tasks.next() {
        guard case .success(let value?) = result else {
          tasks.cancelAll()
          return result.map { _ in [[UInt8]]?.none }
        }
        values[index] = value
        start()
      }
      return .success(values)
    }
    return try result.get()
  }

  private func value(
    of bytes: Range<Int64>, by algorithm: DigestAlgorithm
  ) async -> Result<[UInt8]?, Errno> {
    guard let digest = FileDigest(algorithm) else { return .success(nil) }
    do {
      try await add(bytes, to: digest)
      return .success(digest.finish())
    } catch {
      return .failure(error)
    }
  }
}
