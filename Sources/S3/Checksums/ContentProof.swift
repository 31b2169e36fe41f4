public import HTTP
internal import SystemPackage

/// What makes it certain that an object has the bytes of a local file.
public enum ContentProof: Sendable, Hashable {
  /// The checksum of the whole object is that of the file.
  case checksum
  /// The ETag is the MD5 of the file, or of the MD5s of its parts.
  case etag

  /// Reads the file once, or not at all when sizes differ.
  ///
  /// A proof never errs. Its absence says little: many servers keep no checksum, and their ETags
  /// need not be MD5s.
  ///
  /// - Parameters:
  ///   - size: of the file, in bytes.
  ///   - object: as ``S3Client/headObject(_:)`` tells it.
  ///   - partSize: how the file is cut when it goes up in parts, in bytes.
  /// - Returns: nil when nothing proves it.
  /// - Throws: when the file cannot be read.
  public static func find(
    that object: ObjectMetadata, is file: OpenFile, size: Int64, partSize: Int64
  ) async throws(S3Error.Cause) -> ContentProof? {
    guard object.size.bytes == size else { return nil }
    if let checksum = object.checksums.first(where: { $0.kind == .fullObject }) {
      let whole = FileSlice(file: file, offset: 0, count: size)
      return try await value(checksum.algorithm, of: whole) == checksum.value ? .checksum : nil
    }
    guard let expected = object.etag?.md5 else { return nil }
    guard let count = expected.partCount else {
      let whole = FileSlice(file: file, offset: 0, count: size)
      return try await value(.md5, of: whole) == expected.value ? .etag : nil
    }
    guard Int64(count) == max((size + partSize - 1) / partSize, 1) else { return nil }
    var digests: [UInt8] = []
    for offset in stride(from: 0, to: max(size, 1), by: Int64.Stride(partSize)) {
      let slice = FileSlice(file: file, offset: offset, count: min(partSize, size - offset))
      guard let digest = try await value(.md5, of: slice) else { return nil }
      digests += digest
    }
    return Digest.md5(digests) == expected.value ? .etag : nil
  }

  /// nil where this system forbids the algorithm.
  private static func value(
    _ algorithm: DigestAlgorithm, of slice: FileSlice
  ) async throws(S3Error.Cause) -> [UInt8]? {
    guard let digest = FileDigest(algorithm) else { return nil }
    do throws(Errno) {
      try await digest.add(slice)
    } catch {
      throw .transport(error == .canceled ? .cancelled : .file(error))
    }
    return digest.finish()
  }
}
