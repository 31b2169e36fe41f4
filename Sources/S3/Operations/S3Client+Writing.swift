public import HTTP

extension S3Client {
  /// Stores a whole object in one request. S3 API Reference: PutObject.
  ///
  /// Its CRC64NVME is sent along, or what an endpoint takes that refuses it, and compared with what
  /// the server answers where it answers one.
  ///
  /// - Parameters:
  ///   - body: up to 5 GiB.
  ///   - doubt: why it is open whether an earlier call has stored it; the object is asked then where
  ///     the condition refuses this one.
  public func putObject(
    _ location: ObjectLocation, body: HTTPRequestBody, attributes: ObjectAttributes,
    condition: WriteCondition = .none, progress: ByteCounter?, doubt: S3Error.Cause? = nil
  ) async throws(S3Error) -> WriteReceipt {
    let onlyOnce = condition == .none ? nil : location
    return try await comparingFirst(body, onlyOnceTo: onlyOnce, \.etag) {
      () async throws(S3Error) in
      try await adapting(condition) { (checksum) async throws(S3Error) in
        var call = S3Call(.putObject, .put, bucket: location.bucket)
        call.key = location.key
        call.progress = progress
        call.doubt = doubt
        try call.add(attributes)
        call.add(condition)
        let sent = try await add(body, to: &call, checksum)
        return try await send(call) { (response) throws(S3Error.Cause) in
          try XMLElement.checkSilence(of: response)
          guard let etag = response.head.etag else {
            throw .malformedAnswer("the answer has no ETag")
          }
          try check(sent, response.head)
          return WriteReceipt(
            etag: etag, versionID: response.head.versionID, checksum: sent.named)
        } settling: { (refusal) async throws(S3Error) in
          guard refusal.code == .preconditionFailed else { return .refused }
          return try await settle(location) { sent.isStored(in: $0) }
        }
      }
    }
  }

  /// Begins an upload in parts. S3 API Reference: CreateMultipartUpload.
  ///
  /// To be run to its end once begun: an upload whose ID got lost can only be found by listing.
  ///
  /// - Parameter checksum: what the server is to keep of the object; nil for what uploads to this
  ///   endpoint have. That is also taken where the server refuses another one.
  /// - Throws: an error whose ``S3Error/isInDoubt`` says whether an upload may have been begun.
  public func createMultipartUpload(
    _ location: ObjectLocation, attributes: ObjectAttributes,
    checksum: MultipartChecksum? = nil
  ) async throws(S3Error) -> BegunUpload {
    if let checksum {
      do throws(S3Error) {
        return try await begin(location, attributes, checksum)
      } catch {
        guard error.mayRefuseChecksum() else { throw error }
      }
    }
    return try await adapting { (checksum) async throws(S3Error) in
      try await begin(location, attributes, checksum.multipart)
    }
  }

  private func begin(
    _ location: ObjectLocation, _ attributes: ObjectAttributes, _ checksum: MultipartChecksum?
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
    return BegunUpload(
      uploadID: id, mayHaveLeftAnother: mayHaveLeftAnother, checksum: checksum)
  }

  /// Finds ahead of its turn what the request for a part will say of it.
  ///
  /// - Parameter body: must not change until the part has been sent.
  public func digest(ofPart body: HTTPRequestBody) async throws(S3Error) -> PartDigest {
    let checksum = memory.uploadChecksum
    let wants = wants(of: body, checksum, withMD5: sendsMD5(beside: checksum))
    do {
      return PartDigest(digest: try await PayloadDigest.of(body, wants: wants), found: wants)
    } catch {
      throw S3Error(.uploadPart, error)
    }
  }

  /// S3 API Reference: UploadPart.
  ///
  /// - Parameters:
  ///   - body: 5 MiB through 5 GiB; the last part may be smaller.
  ///   - digest: that of `body`, where it is known. What it lacks is found now.
  public func uploadPart(
    _ location: ObjectLocation, uploadID: UploadID, partNumber: PartNumber, body: HTTPRequestBody,
    digest: PartDigest? = nil, progress: ByteCounter?
  ) async throws(S3Error) -> PartReceipt {
    try await comparingFirst(body, \.etag) { () async throws(S3Error) in
      try await adapting { (checksum) async throws(S3Error) in
        var call = S3Call(.uploadPart, .put, bucket: location.bucket)
        call.key = location.key
        call.query = [
          QueryItem("partNumber", String(partNumber.value)), QueryItem("uploadId", uploadID.text),
        ]
        call.progress = progress
        let sent = try await add(body, to: &call, checksum, known: digest)
        return try await send(call) { (response) throws(S3Error.Cause) in
          try XMLElement.checkSilence(of: response)
          guard let etag = response.head.etag else {
            throw .malformedAnswer("the answer has no ETag for part \(partNumber.value)")
          }
          try check(sent, response.head)
          return PartReceipt(
            number: partNumber, etag: etag, crc64nvme: sent.digest.crc64nvme.value,
            crc32c: sent.digest.crc32c.map { UInt32($0.value) }, size: body.count)
        }
      }
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
  ///   - doubt: why it is open whether an earlier call has done it.
  public func completeMultipartUpload(
    _ location: ObjectLocation, uploadID: UploadID, parts: [PartReceipt],
    condition: WriteCondition, objectSize: Int64, doubt: S3Error.Cause? = nil
  ) async throws(S3Error) -> WriteReceipt {
    let parts = parts.sorted { $0.number < $1.number }
    guard !parts.isEmpty, parts.reduce(0, { $0 + $1.size }) == objectSize else {
      throw S3Error(
        .completeMultipartUpload, .invalidRequest("the parts do not make \(objectSize) bytes"))
    }
    let crc = parts.reduce(CRC64NVME()) { crc, part in
      crc.followed(by: CRC64NVME(part.crc64nvme), count: part.size)
    }
    return try await adapting(condition) { (checksum) async throws(S3Error) in
      var call = S3Call(.completeMultipartUpload, .post, bucket: location.bucket)
      call.key = location.key
      call.query = [QueryItem("uploadId", uploadID.text)]
      // The transport waits three times as long again for the answer.
      call.stallFactor = 3
      call.doubt = doubt
      call.add(condition)
      if checksum == .crc64nvme {
        call.add("x-amz-checksum-crc64nvme", crc.base64)
        call.add("x-amz-checksum-type", "FULL_OBJECT")
      }
      call.add("x-amz-mp-object-size", String(objectSize))
      call.setDocument(
        XMLWriter(root: "CompleteMultipartUpload") { writer in
          for part in parts {
            writer.element("Part") { writer in
              writer.element("PartNumber", String(part.number.value))
              writer.element("ETag", part.etag?.quoted ?? "")
              // A composite checksum is made of those that are named here.
              if checksum == .crc32c, let crc32c = part.crc32c {
                writer.element(
                  "ChecksumCRC32C", Base64.encode(CRC(.crc32c, value: UInt64(crc32c)).bytes))
              }
            }
          }
        })
      return try await send(call) { (response) throws(S3Error.Cause) in
        let root = try XMLElement(
          answer: response, root: "CompleteMultipartUploadResult",
          alias: "CompleteMultipartUploadResponse")
        try crc.check(root.string("ChecksumCRC64NVME"))
        if checksum == .crc32c { try parts.checkComposite(root.string("ChecksumCRC32C")) }
        return WriteReceipt(
          etag: root.etag(), versionID: response.head.versionID,
          checksum: checksum == .crc64nvme ? crc.named : nil)
      } settling: { (refusal) async throws(S3Error) in
        guard [.noSuchUpload, .preconditionFailed].contains(refusal.code) else { return .refused }
        let object = CompletedObject(parts: parts)
        return try await settle(location) { object.isFound(in: $0) }
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

  /// Sends with the best checksum that the endpoint takes; when it may have refused that kind, again
  /// with the next one. What then goes through is what later requests begin with.
  private func adapting<Value>(
    _ condition: WriteCondition = .none, _ request: (UploadChecksum) async throws(S3Error) -> Value
  ) async throws(S3Error) -> Value {
    let best = memory.uploadChecksum
    let refusal: S3Error
    do throws(S3Error) {
      return try await request(best)
    } catch {
      guard error.mayRefuseChecksum(beside: condition) else { throw error }
      refusal = error
    }
    for checksum in best.weakerOnes {
      do throws(S3Error) {
        let value = try await request(checksum)
        memory.noteBest(checksum)
        return value
      } catch {
        guard error.mayRefuseChecksum(beside: condition) else { throw error }
      }
    }
    // It was about something else.
    throw refusal
  }

  /// In bytes: an MD5 of so little costs nothing, and tells what the endpoint's ETags are.
  private static let largestForLearning: Int64 = 1 << 20

  /// MD5 goes along only where the endpoint has shown that it knows no checksum.
  private func sendsMD5(beside checksum: UploadChecksum) -> Bool {
    checksum == .none || memory.answersChecksums == false
  }

  /// What is to be found of a body: its checksum, and its digest where TLS does not protect it.
  private func wants(
    of body: HTTPRequestBody, _ checksum: UploadChecksum, withMD5: Bool
  ) -> PayloadDigest.Wants {
    var wants: PayloadDigest.Wants = endpoint.isTLS ? [] : .sha256
    if checksum == .crc32c { wants.insert(.crc32c) }
    let mayLearn = body.count <= Self.largestForLearning && memory.mayLearnETags()
    if withMD5 || mayLearn { wants.insert(.md5) }
    return wants
  }

  /// Adds a body with what a request says of it.
  ///
  /// - Parameter known: what has been found of it already.
  private func add(
    _ body: HTTPRequestBody, to call: inout S3Call, _ checksum: UploadChecksum,
    known: PartDigest? = nil
  ) async throws(S3Error) -> SentDigest {
    let sendsMD5 = sendsMD5(beside: checksum)
    let wants = wants(of: body, checksum, withMD5: sendsMD5)
    let digest: PayloadDigest
    if let known, known.found.isSuperset(of: wants) {
      digest = known.digest
    } else {
      do {
        digest = try await PayloadDigest.of(body, wants: wants)
      } catch {
        throw S3Error(call.operation, error)
      }
    }
    call.body = body
    call.payloadHash = digest.sha256 ?? SigV4Signer.unsignedPayload
    switch checksum {
    case .crc64nvme: call.add("x-amz-checksum-crc64nvme", digest.crc64nvme.base64)
    case .crc32c:
      call.add("x-amz-checksum-crc32c", digest.crc32c.map { Base64.encode($0.bytes) })
    case .none: break
    }
    if sendsMD5 { call.add("Content-MD5", digest.md5.map { Base64.encode($0) }) }
    return SentDigest(digest: digest, checksum: checksum)
  }

  /// Compares what was sent with what the server says, and learns what it says at all.
  private func check(
    _ sent: SentDigest, _ head: HTTPResponseHead
  ) throws(S3Error.Cause) {
    try sent.check(head, etags: memory.etagMeaning)
    if sent.isMD5(in: head) { memory.noteETag(isMD5: true) }
    if head.headers.contains(where: { $0.name.isField(beginningWith: "x-amz-checksum-") }) {
      memory.answersChecksums = true
    } else if memory.answersChecksums == nil {
      memory.answersChecksums = false
    }
  }
}

/// What parts make of an object, by which it is known again.
struct CompletedObject: Sendable {
  private let size: Int64
  private let crc: CRC64NVME
  private let etag: ETag?

  /// - Parameter parts: in their order.
  init(parts: [PartReceipt]) {
    size = parts.reduce(0) { $0 + $1.size }
    crc = parts.reduce(CRC64NVME()) { crc, part in
      crc.followed(by: CRC64NVME(part.crc64nvme), count: part.size)
    }
    etag = ETag(ofParts: parts.map(\.etag))
  }

  func isFound(in metadata: ObjectMetadata) -> Bool {
    metadata.size.bytes == size
      && (metadata.checksum == crc.named || (etag != nil && metadata.etag == etag))
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
