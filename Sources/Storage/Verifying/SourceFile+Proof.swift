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
    var step = size.bytes
    if stored.partCount != nil {
      guard let plan = try? PartPlan(objectSize: size, preferred: partSize) else { return nil }
      step = plan.partSize.bytes
    }
    var digests: [[UInt8]] = []
    for offset in stride(from: 0, to: size.bytes, by: Int64.Stride(step)) {
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
