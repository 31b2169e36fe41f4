public import HTTP

extension S3Client {
  /// Finds out whether a part that ListParts shows holds these bytes, which are read for it.
  ///
  /// - Parameter slice: what the part is to hold.
  /// - Returns: nil when it holds others, or when the server tells nothing that could prove it.
  public func receipt(
    for part: PartSummary, holding slice: FileSlice
  ) async throws(S3Error) -> PartReceipt? {
    guard part.size.bytes == slice.count, part.crc64nvme != nil || part.etag?.md5 != nil else {
      return nil
    }
    let digest: PayloadDigest
    do {
      digest = try await PayloadDigest.of(
        .file(slice), wants: part.crc64nvme == nil ? [.crc32c, .md5] : .crc32c)
    } catch {
      throw S3Error(.listParts, error)
    }
    if let stored = part.crc64nvme {
      guard digest.crc64nvme.value == stored else { return nil }
    } else {
      // An ETag that happens to be this MD5 is one.
      guard let stored = part.etag?.md5, stored.partCount == nil, stored.value == digest.md5
      else { return nil }
    }
    return PartReceipt(
      number: part.number, etag: part.etag, crc64nvme: digest.crc64nvme.value,
      crc32c: digest.crc32c.map { UInt32($0.value) }, size: slice.count)
  }

  /// What a part of a file is, for ``completedUpload(_:parts:)``; its ETag is not known.
  public func receipt(
    of number: PartNumber, holding slice: FileSlice
  ) async throws(S3Error) -> PartReceipt {
    do {
      let digest = try await PayloadDigest.of(.file(slice))
      return PartReceipt(
        number: number, etag: nil, crc64nvme: digest.crc64nvme.value, size: slice.count)
    } catch {
      throw S3Error(.headObject, error)
    }
  }

  /// Finds out whether the object that is there now is what these parts make: then an upload that
  /// the server does not know any more was completed.
  ///
  /// - Returns: nil when it is another object, or none.
  public func completedUpload(
    _ location: ObjectLocation, parts: [PartReceipt]
  ) async throws(S3Error) -> WriteReceipt? {
    var current = location
    current.versionID = nil
    let metadata: ObjectMetadata
    do {
      metadata = try await headObject(current)
    } catch  where error.code == .noSuchKey {
      return nil
    }
    guard CompletedObject(parts: parts).isFound(in: metadata) else { return nil }
    return WriteReceipt(
      etag: metadata.etag, versionID: metadata.versionID, checksum: metadata.checksum)
  }
}
