public import HTTP

extension S3Client {
  /// Stores a whole object in one request. S3 API Reference: PutObject.
  ///
  /// Its CRC64NVME is sent along, and compared with what the server answers where it answers one.
  ///
  /// - Parameter body: up to 5 GiB.
  public func putObject(
    _ location: ObjectLocation, body: HTTPRequestBody, attributes: ObjectAttributes,
    condition: WriteCondition = .none, progress: ByteCounter?
  ) async throws(S3Error) -> WriteReceipt {
    var call = S3Call(.putObject, .put, bucket: location.bucket)
    call.key = location.key
    call.progress = progress
    try call.add(attributes)
    call.add(condition)
    let crc = try await add(body, to: &call)
    return try await send(call) { (response) throws(S3Error.Cause) in
      try XMLElement.checkNoError(in: response)
      try crc.check(response.headers["x-amz-checksum-crc64nvme"])
      return WriteReceipt(
        etag: response.head.etag, versionID: response.head.versionID, checksum: crc.named)
    } settling: { (refusal) async throws(S3Error) in
      guard refusal.code == .preconditionFailed else { return .refused }
      return try await settle(location) { $0.checksum == crc.named }
    }
  }

  /// Begins an upload in parts. S3 API Reference: CreateMultipartUpload.
  ///
  /// To be run to its end once begun: an upload whose ID got lost can only be found by listing.
  ///
  /// - Parameter checksum: what the server is to keep of the object.
  /// - Throws: an error whose ``S3Error/isInDoubt`` says whether an upload may have been begun.
  public func createMultipartUpload(
    _ location: ObjectLocation, attributes: ObjectAttributes,
    checksum: MultipartChecksum? = .crc64nvme
  ) async throws(S3Error) -> BegunUpload {
    var call = S3Call(.createMultipartUpload, .post, bucket: location.bucket)
    call.key = location.key
    call.query = [QueryItem("uploads")]
    try call.add(attributes)
    call.add("x-amz-checksum-algorithm", checksum?.algorithm.rawValue.uppercased())
    call.add("x-amz-checksum-type", checksum?.type)
    var mayHaveLeftAnother = false
    let id = try await send(call) { (response) throws(S3Error.Cause) in
      let root = try XMLElement(answer: response, root: "InitiateMultipartUploadResult")
      guard let id = root.string("UploadId") else {
        throw .malformedAnswer("the answer has no upload ID")
      }
      return UploadID(id)
    } doubting: {
      mayHaveLeftAnother = true
    }
    return BegunUpload(uploadID: id, mayHaveLeftAnother: mayHaveLeftAnother)
  }

  /// S3 API Reference: UploadPart.
  ///
  /// - Parameter body: 5 MiB through 5 GiB; the last part may be smaller.
  public func uploadPart(
    _ location: ObjectLocation, uploadID: UploadID, partNumber: PartNumber, body: HTTPRequestBody,
    progress: ByteCounter?
  ) async throws(S3Error) -> PartReceipt {
    var call = S3Call(.uploadPart, .put, bucket: location.bucket)
    call.key = location.key
    call.query = [
      QueryItem("partNumber", String(partNumber.value)), QueryItem("uploadId", uploadID.text),
    ]
    call.progress = progress
    let crc = try await add(body, to: &call)
    return try await send(call) { (response) throws(S3Error.Cause) in
      try XMLElement.checkNoError(in: response)
      try crc.check(response.headers["x-amz-checksum-crc64nvme"])
      guard let etag = response.head.etag else {
        throw .malformedAnswer("the answer has no ETag for part \(partNumber.value)")
      }
      return PartReceipt(
        number: partNumber, etag: etag, crc64nvme: crc.value, size: body.count)
    }
  }

  /// Makes the parts an object. S3 API Reference: CompleteMultipartUpload.
  ///
  /// The server may need minutes; it may also have done it although an attempt failed, which the
  /// object itself then shows by its checksum or by the ETag that its parts give it.
  ///
  /// - Parameters:
  ///   - parts: at least one; put in order here.
  ///   - objectSize: the sum of the parts' sizes, in bytes.
  public func completeMultipartUpload(
    _ location: ObjectLocation, uploadID: UploadID, parts: [PartReceipt],
    condition: WriteCondition, objectSize: Int64
  ) async throws(S3Error) -> WriteReceipt {
    let parts = parts.sorted { $0.number < $1.number }
    guard !parts.isEmpty, parts.reduce(0, { $0 + $1.size }) == objectSize else {
      throw S3Error(
        .completeMultipartUpload, .invalidRequest("the parts do not make \(objectSize) bytes"))
    }
    let crc = parts.reduce(CRC64NVME()) { crc, part in
      crc.followed(by: CRC64NVME(part.crc64nvme), count: part.size)
    }
    var call = S3Call(.completeMultipartUpload, .post, bucket: location.bucket)
    call.key = location.key
    call.query = [QueryItem("uploadId", uploadID.text)]
    // The transport waits three times as long for the answer.
    call.stallTimeout = .seconds(60)
    call.add(condition)
    call.add("x-amz-checksum-crc64nvme", crc.base64)
    call.add("x-amz-checksum-type", "FULL_OBJECT")
    call.add("x-amz-mp-object-size", String(objectSize))
    call.setDocument(
      XMLWriter(root: "CompleteMultipartUpload") { writer in
        for part in parts {
          writer.element("Part") { writer in
            writer.element("PartNumber", String(part.number.value))
            writer.element("ETag", part.etag?.quoted ?? "")
          }
        }
      })
    return try await send(call) { (response) throws(S3Error.Cause) in
      let root = try XMLElement(
        answer: response, root: "CompleteMultipartUploadResult",
        alias: "CompleteMultipartUploadResponse")
      try crc.check(root.string("ChecksumCRC64NVME"))
      return WriteReceipt(
        etag: root.etag(), versionID: response.head.versionID, checksum: crc.named)
    } settling: { (refusal) async throws(S3Error) in
      guard [.noSuchUpload, .preconditionFailed].contains(refusal.code) else { return .refused }
      let etag = ETag(ofParts: parts.map(\.etag))
      return try await settle(location) { metadata in
        metadata.size.bytes == objectSize
          && (metadata.checksum == crc.named || (etag != nil && metadata.etag == etag))
      }
    }
  }

  /// Gives up an upload and its parts. S3 API Reference: AbortMultipartUpload.
  ///
  /// An upload that is not there any more counts as given up.
  public func abortMultipartUpload(
    _ location: ObjectLocation, uploadID: UploadID
  ) async throws(S3Error) {
    var call = S3Call(.abortMultipartUpload, .delete, bucket: location.bucket)
    call.key = location.key
    call.query = [QueryItem("uploadId", uploadID.text)]
    do {
      try await send(call, decode: Self.nothing)
    } catch {
      guard case .service(let refusal) = error.cause, refusal.status == 404,
        refusal.code != .noSuchBucket
      else { throw error }
    }
  }

  /// Finds out from the object whether an attempt that failed has stored it all the same.
  func settle(
    _ location: ObjectLocation, isOurs: (ObjectMetadata) -> Bool
  ) async throws(S3Error) -> Settlement<WriteReceipt> {
    var current = location
    current.versionID = nil
    guard let metadata = try? await headObject(current), isOurs(metadata) else { return .unknown }
    return .done(
      WriteReceipt(
        etag: metadata.etag, versionID: metadata.versionID, checksum: metadata.checksum))
  }

  /// Adds a body with what a request says of it: its checksum, and its digest where TLS does not
  /// protect it.
  private func add(
    _ body: HTTPRequestBody, to call: inout S3Call
  ) async throws(S3Error) -> CRC64NVME {
    let digest: PayloadDigest
    do {
      digest = try await PayloadDigest.of(body, wantsSHA256: !endpoint.isTLS)
    } catch {
      throw S3Error(call.operation, error)
    }
    call.body = body
    call.payloadHash = digest.sha256 ?? SigV4Signer.unsignedPayload
    call.add("x-amz-checksum-crc64nvme", digest.crc64nvme.base64)
    return digest.crc64nvme
  }
}

extension CRC64NVME {
  /// Throws when the server's checksum is another one; none, or a composite one, is no contradiction.
  fileprivate func check(_ answered: String?) throws(S3Error.Cause) {
    guard let answered, let stored = CRC64NVME(base64: answered), stored != self else { return }
    throw .checksumMismatch(sent: named, stored: stored.named)
  }
}

extension ETag {
  /// The ETag that S3 gives an object of these parts: the MD5 of their MD5s, and their number.
  ///
  /// nil when the parts' own ETags are no MD5s, as under KMS.
  init?(ofParts parts: [ETag?]) {
    var digests: [UInt8] = []
    for part in parts {
      guard let md5 = part?.md5, md5.partCount == nil else { return nil }
      digests += md5.value
    }
    guard let digest = Digest.md5(digests) else { return nil }
    self.init("\(Digest.hex(digest))-\(parts.count)")
  }
}
