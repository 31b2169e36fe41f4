internal import HTTP

extension S3Client {
  /// Copies an object within the store in one request. S3 API Reference: CopyObject.
  ///
  /// Content headers, metadata and tags come along unless `replacing` names others; storage class
  /// and encryption never do, so they are always to be named.
  ///
  /// - Parameters:
  ///   - source: up to 5 GiB; its version when it names one.
  ///   - ifMatch: the source must have this ETag; `preconditionFailed` otherwise.
  ///   - attributes: of these storage class, encryption and ACL are always sent, the others only
  ///     where `replacing`.
  ///   - replacing: whether `attributes` take the place of the source's headers and metadata.
  ///   - doubt: why it is open whether an earlier call has done it.
  public func copyObject(
    _ source: ObjectLocation, to destination: ObjectLocation, ifMatch: ETag?,
    attributes: ObjectAttributes, replacing: Bool = false, condition: WriteCondition = .none,
    doubt: S3Error.Cause? = nil
  ) async throws(S3Error) -> WriteReceipt {
    var call = S3Call(.copyObject, .put, bucket: destination.bucket)
    call.key = destination.key
    try call.add(copySource: source, ifMatch: ifMatch)
    if replacing {
      call.add("x-amz-metadata-directive", "REPLACE")
      if attributes.tagging != nil { call.add("x-amz-tagging-directive", "REPLACE") }
      try call.add(attributes)
    } else {
      try call.add(
        ObjectAttributes(
          storageClass: attributes.storageClass,
          serverSideEncryption: attributes.serverSideEncryption, kmsKeyID: attributes.kmsKeyID,
          acl: attributes.acl))
    }
    call.add(condition)
    call.doubt = doubt
    // The server answers when it has copied everything, up to 5 GiB.
    call.stallFactor = 15
    return try await send(call) { (response) throws(S3Error.Cause) in
      let root = try XMLElement(answer: response, root: "CopyObjectResult")
      return WriteReceipt(etag: root.etag(), versionID: response.head.versionID)
    } settling: { (refusal) async throws(S3Error) in
      guard refusal.code == .preconditionFailed, let ifMatch else { return .refused }
      return try await settle(destination) { $0.etag == ifMatch }
    }
  }

  /// Copies a range of an object into a part of an upload. S3 API Reference: UploadPartCopy.
  ///
  /// - Parameters:
  ///   - range: 5 MiB through 5 GiB; the last part may be smaller.
  ///   - ifMatch: the source must have this ETag; `preconditionFailed` otherwise.
  ///   - algorithm: the one that the upload was begun with, whose value the answer may have.
  public func uploadPartCopy(
    _ source: ObjectLocation, range: Range<Int64>, ifMatch: ETag?, to destination: ObjectLocation,
    uploadID: UploadID, partNumber: PartNumber, algorithm: DigestAlgorithm?
  ) async throws(S3Error) -> CopiedPart {
    var call = S3Call(.uploadPartCopy, .put, bucket: destination.bucket)
    call.key = destination.key
    call.query = [
      QueryItem("partNumber", String(partNumber.value)), QueryItem("uploadId", uploadID.text),
    ]
    try call.add(copySource: source, ifMatch: ifMatch)
    call.add("x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
    call.stallFactor = 15
    return try await send(call) { (response) throws(S3Error.Cause) in
      let root = try XMLElement(answer: response, root: "CopyPartResult")
      guard let etag = root.etag() else {
        throw .malformedAnswer("the answer has no ETag for part \(partNumber.value)")
      }
      return CopiedPart(
        number: partNumber, etag: etag,
        checksum: algorithm.flatMap { root.string($0.elementName) }, size: Int64(range.count))
    }
  }

  /// Makes copied parts an object. S3 API Reference: CompleteMultipartUpload.
  ///
  /// - Parameters:
  ///   - parts: at least one; put in order here.
  ///   - checksum: what the upload was begun with.
  ///   - expected: the value that the whole object must have, where the source has one of its bytes:
  ///     the server compares.
  ///   - doubt: why it is open whether an earlier call has done it.
  public func completeCopy(
    _ destination: ObjectLocation, uploadID: UploadID, parts: [CopiedPart],
    checksum: MultipartChecksum?, expected: ObjectChecksum?, condition: WriteCondition = .none,
    doubt: S3Error.Cause? = nil
  ) async throws(S3Error) -> WriteReceipt {
    let parts = parts.sorted { $0.number < $1.number }
    let objectSize = parts.reduce(0) { $0 + $1.size }
    var call = S3Call(.completeMultipartUpload, .post, bucket: destination.bucket)
    call.key = destination.key
    call.query = [QueryItem("uploadId", uploadID.text)]
    call.stallFactor = 3
    call.doubt = doubt
    call.add(condition)
    if let expected, expected.kind == .fullObject {
      call.add(
        "x-amz-checksum-\(expected.algorithm.rawValue)", Base64.encode(expected.value))
    }
    call.add("x-amz-checksum-type", checksum?.type)
    call.add("x-amz-mp-object-size", String(objectSize))
    call.setDocument(
      XMLWriter(root: "CompleteMultipartUpload") { writer in
        for part in parts {
          writer.element("Part") { writer in
            writer.element("PartNumber", String(part.number.value))
            writer.element("ETag", part.etag?.quoted ?? "")
            if let checksum, let value = part.checksum {
              writer.element(checksum.algorithm.elementName, value)
            }
          }
        }
      })
    return try await send(call) { (response) throws(S3Error.Cause) in
      let root = try XMLElement(
        answer: response, root: "CompleteMultipartUploadResult",
        alias: "CompleteMultipartUploadResponse")
      return WriteReceipt(etag: root.etag(), versionID: response.head.versionID)
    } settling: { (refusal) async throws(S3Error) in
      guard [.noSuchUpload, .preconditionFailed].contains(refusal.code) else { return .refused }
      let etag = ETag(ofParts: parts.map(\.etag))
      return try await settle(destination) { metadata in
        metadata.size.bytes == objectSize
          && ((etag != nil && metadata.etag == etag)
            || (expected != nil && metadata.checksums.first == expected))
      }
    }
  }

  /// The tags of an object. S3 API Reference: GetObjectTagging.
  public func objectTags(_ location: ObjectLocation) async throws(S3Error) -> [ObjectTag] {
    var call = S3Call(.getObjectTagging, .get, location)
    call.query.append(QueryItem("tagging"))
    return try await send(call) { (response) throws(S3Error.Cause) in
      let root = try XMLElement(answer: response, root: "Tagging")
      return root["TagSet"]?.children(named: "Tag").compactMap { tag in
        tag.string("Key").map { ObjectTag(key: $0, value: tag.string("Value") ?? "") }
      } ?? []
    }
  }

  /// Gives an object these tags in place of those it has. S3 API Reference: PutObjectTagging.
  public func putObjectTags(
    _ location: ObjectLocation, _ tags: [ObjectTag]
  ) async throws(S3Error) {
    var call = S3Call(.putObjectTagging, .put, location)
    call.query.append(QueryItem("tagging"))
    call.setDocument(
      XMLWriter(root: "Tagging") { writer in
        writer.element("TagSet") { writer in
          for tag in tags {
            writer.element("Tag") { writer in
              writer.element("Key", tag.key)
              writer.element("Value", tag.value)
            }
          }
        }
      })
    try await send(call, decode: Self.nothing)
  }
}

extension DigestAlgorithm {
  /// S3 API Reference: CompletedPart.
  fileprivate var elementName: String { "Checksum\(rawValue.uppercased())" }
}

extension S3Call {
  /// Names the object that the server itself reads. S3 API Reference: CopyObject,
  /// `x-amz-copy-source`.
  fileprivate mutating func add(
    copySource source: ObjectLocation, ifMatch: ETag?
  ) throws(S3Error) {
    guard !source.key.isEmpty else {
      throw S3Error(operation, .invalidRequest("an object's key cannot be empty"))
    }
    var text =
      AccessPoint(source.bucket)?.copySource(of: source.key)
      ?? "/\(PercentEncoding.encode(source.bucket.text.utf8))/"
      + PercentEncoding.encode(source.key.bytes, keepingSlashes: true)
    if let version = source.versionID {
      text += "?versionId=\(PercentEncoding.encode(version.text.utf8))"
    }
    add("x-amz-copy-source", text)
    add("x-amz-copy-source-if-match", ifMatch?.quoted)
  }
}
