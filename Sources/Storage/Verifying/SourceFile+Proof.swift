import HTTP
import History
import S3
import SystemPackage

extension SourceFile {
  /// What shows that an object has the bytes of this file, which is read once for it.
  ///
  /// Agreement never errs. Its absence says little: many servers keep no checksum, their ETags need
  /// not be MD5s, and the file may have been cut in another way.
  ///
  /// - Parameter partSize: how files are cut that go up in parts.
  func proof(
    in object: ObjectMetadata, partSize: ByteCount
  ) async throws(Errno) -> SettledChange.Proof? {
    let stored = StoredDigest(object)
    guard let algorithm = stored.algorithm else { return nil }
    // An empty file is digested once as well, and an empty object may have one part.
    var step = max(size.bytes, 1)
    if stored.partCount != nil, size > .zero {
      guard let plan = try? PartPlan(objectSize: size, preferred: partSize) else { return nil }
      step = plan.partSize.bytes
    }
    var digests: [[UInt8]] = []
    for offset in stride(from: 0, to: max(size.bytes, 1), by: Int64.Stride(step)) {
      guard let digest = FileDigest(algorithm) else { return nil }
      let count = min(step, size.bytes - offset)
      try await digest.add(FileSlice(file: file, offset: offset, count: count))
      digests.append(digest.finish())
    }
    guard digests.count == stored.partCount ?? 1, stored.found(digests) == stored else {
      return nil
    }
    return stored.isETag ? .etag : .checksum
  }
}
