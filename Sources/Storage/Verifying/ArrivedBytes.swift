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
    var values: [[UInt8]] = []
    var offset: Int64 = 0
    for size in partSizes {
      guard let digest = stored.algorithm.flatMap({ FileDigest($0) }) else { return nil }
      try await add(offset..<(offset + size), to: digest)
      values.append(digest.finish())
      offset += size
    }
    return stored.found(values)
  }
}
