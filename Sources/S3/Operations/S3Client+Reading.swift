public import HTTP

extension S3Client {
  /// What the server knows of an object, without its bytes. S3 API Reference: HeadObject.
  ///
  /// A store without versions may answer for the object that it has, whatever version is asked for:
  /// that is as if there were no such version.
  public func headObject(_ location: ObjectLocation) async throws(S3Error) -> ObjectMetadata {
    try await askingForChecksum { (mode) async throws(S3Error) in
      var call = S3Call(.headObject, .head, location)
      call.add("x-amz-checksum-mode", mode)
      return try await send(call) { (response) throws(S3Error.Cause) in
        guard let length = response.head.contentLength else {
          throw .malformedAnswer("the answer does not say how large the object is")
        }
        let metadata = ObjectMetadata(head: response.head, size: length)
        if let version = location.versionID, version.text != "null",
          metadata.versionID != version
        {
          throw .service(ServiceError(code: .noSuchVersion, status: 404))
        }
        return metadata
      }
    }
  }

  /// Asks for the checksum that the server keeps; where it refuses the question, without it from then
  /// on.
  private func askingForChecksum<Value>(
    _ request: (_ mode: String?) async throws(S3Error) -> Value
  ) async throws(S3Error) -> Value {
    guard memory.tellsChecksums else { return try await request(nil) }
    let refusal: S3Error
    do throws(S3Error) {
      return try await request("ENABLED")
    } catch {
      guard error.mayRefuseQuestion else { throw error }
      refusal = error
    }
    do throws(S3Error) {
      let value = try await request(nil)
      memory.tellsChecksums = false
      return value
    } catch {
      // The same once more: it was about something else.
      throw error.mayRefuseQuestion ? refusal : error
    }
  }

  /// Metadata of an object that somebody named. The 404 of HeadObject has no code, so whether it is
  /// the bucket that is not there is asked then. S3 API Reference: HeadObject, HeadBucket.
  public func headNamedObject(
    _ object: ObjectLocation
  ) async throws(S3Error) -> ObjectMetadata {
    do throws(S3Error) {
      return try await headObject(object)
    } catch  where error.code == .noSuchKey {
      try await refuseMissing(object.bucket)
      throw error
    }
  }

  /// - Throws: only where the server says that there is no such bucket.
  public func refuseMissing(_ bucket: BucketName) async throws(S3Error) {
    do throws(S3Error) {
      _ = try await headBucket(bucket)
    } catch  where error.code == .noSuchBucket {
      throw error
    } catch {
      // Who may use an object need not be allowed to look at its bucket.
    }
  }

  /// What the server knows of one part of an object that was stored in parts, and their number.
  /// S3 API Reference: HeadObject.
  ///
  /// No condition goes with it: some servers answer with the part's own ETag.
  ///
  /// - Returns: nil where the server does not know of parts.
  public func headPart(
    _ location: ObjectLocation, _ number: PartNumber
  ) async throws(S3Error) -> ObjectPart? {
    try await askingForChecksum { (mode) async throws(S3Error) in
      var call = S3Call(.headObject, .head, location)
      call.query.append(QueryItem("partNumber", String(number.value)))
      call.add("x-amz-checksum-mode", mode)
      return try await send(call) { (response) throws(S3Error.Cause) in
        guard let count = response.headers["x-amz-mp-parts-count"].flatMap({ Int($0) }), count >= 1,
          let size = response.head.contentLength
        else { return nil }
        return ObjectPart(
          size: ByteCount(size), partCount: count, digests: ObjectPart.digests(in: response.head))
      }
    }
  }

  /// The bytes of an object, or some of them. S3 API Reference: GetObject.
  ///
  /// Before the first byte is stored, the answer's status, length, range and ETag are compared with
  /// what was asked for, since some proxies answer a request for a range with other bytes.
  ///
  /// - Parameters:
  ///   - range: nil for the whole object; what lies beyond the object's end is left out.
  ///   - objectSize: of the whole object, in bytes, as an earlier answer told; nil when none did.
  ///   - ifMatch: the object must still have this ETag; `preconditionFailed` otherwise.
  ///   - hasETag: whether the store has told an ETag of the object: an answer without any is then
  ///     not one of the store, while another one is that of a newer object.
  ///   - body: a file or pieces. Once a piece has been handed over, the request is not repeated.
  public func getObject(
    _ location: ObjectLocation, range: Range<Int64>?, of objectSize: ByteCount? = nil,
    ifMatch: ETag?, hasETag: Bool = false, into body: HTTPResponseBody, progress: ByteCounter?
  ) async throws(S3Error) -> ObjectMetadata {
    if let range, range.isEmpty || range.lowerBound < 0 {
      throw S3Error(.getObject, .invalidRequest("the range \(range) has no bytes"))
    }
    if case .memory = body {
      throw S3Error(.getObject, .invalidRequest("an object goes to a file or in pieces"))
    }
    return try await get(
      location,
      ObjectExpectation(
        range: range, objectSize: objectSize?.bytes, etag: ifMatch, hasETag: hasETag,
        versionID: location.versionID), into: body, progress: progress
    ).metadata
  }

  /// The bytes of a small object, kept in memory. S3 API Reference: GetObject.
  ///
  /// The answer's status, length and ETag are compared with what was asked for.
  ///
  /// - Parameters:
  ///   - limit: in bytes; a longer object fails with `bodyTooLarge`.
  ///   - ifMatch: the object must still have this ETag; `preconditionFailed` otherwise.
  ///   - hasETag: whether the store has told an ETag of the object: an answer without any is then
  ///     not one of the store, while another one is that of a newer object.
  public func getObject(
    _ location: ObjectLocation, ifMatch: ETag?, hasETag: Bool = false, limit: Int,
    progress: ByteCounter?
  ) async throws(S3Error) -> FetchedObject {
    try await get(
      location,
      ObjectExpectation(etag: ifMatch, hasETag: hasETag, versionID: location.versionID),
      into: .memory(limit: limit), progress: progress)
  }

  private func get(
    _ location: ObjectLocation, _ expectation: ObjectExpectation, into body: HTTPResponseBody,
    progress: ByteCounter?
  ) async throws(S3Error) -> FetchedObject {
    var call = S3Call(.getObject, .get, location)
    call.progress = progress
    call.add("If-Match", expectation.etag?.quoted)
    if let range = expectation.range {
      call.add("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
      return try await get(call, expectation, into: body)
    }
    return try await askingForChecksum { [call] (mode) async throws(S3Error) in
      var call = call
      call.add("x-amz-checksum-mode", mode)
      return try await get(call, expectation, into: body)
    }
  }

  private func get(
    _ call: S3Call, _ expectation: ObjectExpectation, into body: HTTPResponseBody
  ) async throws(S3Error) -> FetchedObject {
    try await send(call) { () -> Reception<FetchedObject> in
      var reception = Reception { (response) throws(S3Error.Cause) in
        let accepted = try expectation.check(response.head)
        guard response.bodyCount == accepted.count else {
          throw .malformedAnswer("\(response.bodyCount) bytes came instead of \(accepted.count)")
        }
        return FetchedObject(
          metadata: ObjectMetadata(head: response.head, size: accepted.objectSize),
          bytes: response.body)
      }
      let receiver = BodyReceiver(body, expectation)
      reception.body = receiver.body
      reception.accepts = { receiver.accepts($0) }
      reception.refusal = { receiver.refusal }
      reception.isRepeatable = { receiver.isUntouched }
      return reception
    }
  }
}

/// What a server knows of an object, with its bytes where they are kept in memory.
public struct FetchedObject: Sendable {
  public var metadata: ObjectMetadata
  public var bytes: [UInt8]
}

extension S3Error {
  /// Whether the server may refuse to be asked for a checksum; not for a delete marker, which has
  /// none and is answered with 405.
  fileprivate var mayRefuseQuestion: Bool {
    guard case .service(let refusal) = cause, refusal.status != 405 else { return false }
    return mayRefuseChecksum()
  }
}
