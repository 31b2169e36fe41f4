public import HTTP
internal import SystemPackage

/// What makes it certain that an object has the bytes of a local file.
public enum ContentProof: Sendable, Hashable {
  /// The checksum of the whole object is that of the file.
  case checksum
  /// The ETag is the MD5 of the file, or of the MD5s of its parts.
  case etag

  /// Parts larger than this are not read into memory for their MD5.
  private static let largestPart: Int64 = 64 << 20

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
    if let expected = object.checksum.flatMap(CRC64NVME.init(named:)) {
      let body = HTTPRequestBody.file(FileSlice(file: file, offset: 0, count: size))
      let found = try await PayloadDigest.of(body, wantsSHA256: false).crc64nvme
      return found == expected ? .checksum : nil
    }
    guard let etag = object.etag?.text.lowercased() else { return nil }
    let halves = etag.split(separator: "-", omittingEmptySubsequences: false)
    guard let digest = halves.first, digest.utf8.count == 32, halves.count <= 2 else { return nil }
    let isInParts = halves.count == 2
    let step = isInParts ? partSize : size
    guard step <= largestPart else { return nil }
    var digests: [[UInt8]] = []
    var offset: Int64 = 0
    repeat {
      let count = min(step, size - offset)
      guard let digest = try await md5(FileSlice(file: file, offset: offset, count: count)) else {
        return nil
      }
      digests.append(digest)
      offset += count
    } while offset < size
    guard isInParts else { return digests.first.map(Digest.hex) == etag ? .etag : nil }
    guard let whole = Digest.md5(Array(digests.joined())) else { return nil }
    return "\(Digest.hex(whole))-\(digests.count)" == etag ? .etag : nil
  }

  private static func md5(_ slice: FileSlice) async throws(S3Error.Cause) -> [UInt8]? {
    guard !Task.isCancelled else { throw .transport(.cancelled) }
    return try await PayloadDigest.onThread { () throws(S3Error.Cause) in
      var bytes = [UInt8](repeating: 0, count: Int(slice.count))
      var done = 0
      while done < bytes.count {
        let count: Int
        do {
          count = try bytes.withUnsafeMutableBytes {
            try slice.file.descriptor.read(
              fromAbsoluteOffset: slice.offset + Int64(done),
              into: UnsafeMutableRawBufferPointer(rebasing: $0[done...]))
          }
        } catch {
          throw .transport(.file(error as? Errno ?? .ioError))
        }
        guard count > 0 else { throw .transport(.fileTooShort) }
        done += count
      }
      return Digest.md5(bytes)
    }
  }
}

extension CRC64NVME {
  /// From `crc64nvme:rosUhgp5mIg=`; nil for other checksums.
  fileprivate init?(named text: String) {
    guard text.hasPrefix("crc64nvme:") else { return nil }
    self.init(base64: String(text.dropFirst("crc64nvme:".count)))
  }
}
