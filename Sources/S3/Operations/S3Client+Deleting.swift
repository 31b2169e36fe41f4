internal import HTTP

extension S3Client {
  /// How many objects one DeleteObjects may name.
  public static let maxDeletionBatch = 1000

  /// Whether ``deleteObjects(_:_:)`` makes sense: some stores know no such request, and say so when
  /// it is sent. Where it does not, objects go one by one.
  public var deletesMany: Bool { memory.deletesMany && Digest.md5([]) != nil }

  /// Removes an object or one version of it. S3 API Reference: DeleteObject.
  ///
  /// In a bucket with versions, and without a version ID, this adds a delete marker. An object that
  /// is not there counts as removed.
  ///
  /// - Parameter ifMatch: the object must still have this ETag; `preconditionFailed` otherwise. Best
  ///   effort: a store that knows no such condition may ignore it, and one that refuses it is asked
  ///   without it: from then on, unless a version was named.
  public func deleteObject(
    _ location: ObjectLocation, ifMatch: ETag? = nil
  ) async throws(S3Error) -> DeletedObject {
    guard let ifMatch, memory.deletesConditionally else {
      return try await sendDeletion(location, ifMatch: nil)
    }
    let refusal: S3Error
    do throws(S3Error) {
      return try await sendDeletion(location, ifMatch: ifMatch)
    } catch {
      refusal = error
    }
    if refusal.mayRefuseForm {
      let deleted = try await sendDeletion(location, ifMatch: nil)
      // A refusal may be about the condition of a version alone.
      if location.versionID == nil { memory.deletesConditionally = false }
      return deleted
    }
    guard try await refusal.isOfMissingObject(location, self) else { throw refusal }
    return DeletedObject(key: location.key, versionID: location.versionID)
  }

  private func sendDeletion(
    _ location: ObjectLocation, ifMatch: ETag?
  ) async throws(S3Error) -> DeletedObject {
    var call = S3Call(.deleteObject, .delete, location)
    call.add("If-Match", ifMatch?.quoted)
    return try await send(call) { (response) throws(S3Error.Cause) in
      try XMLElement.checkSilence(of: response)
      let isMarker = response.headers["x-amz-delete-marker"] == "true"
      return DeletedObject(
        key: location.key, versionID: location.versionID, isDeleteMarker: isMarker,
        deleteMarkerVersionID: isMarker ? response.head.versionID : nil)
    }
  }

  /// Removes many objects in one request, and sends those again of which the server says within its
  /// answer that it could not do it just now. S3 API Reference: DeleteObjects.
  ///
  /// - Parameter objects: up to 1,000, each with a key that fits XML (``ObjectKey/fitsXML``).
  /// - Throws: `invalidRequest` for more, or for another key: servers refuse the whole request, or
  ///   say yes and remove nothing. Such keys are for ``deleteObject(_:)``.
  public func deleteObjects(
    _ bucket: BucketName, _ objects: [ObjectIdentifier]
  ) async throws(S3Error) -> DeleteObjectsResult {
    var result = try await sendDeletion(bucket, objects)
    let firstFailure = ContinuousClock.now
    var attempt = 1
    var toldAs: Int?
    defer { if let toldAs { retryObserver?(.ended(request: toldAs)) } }
    while attempt < retryPolicy.maxAttempts {
      let left = result.answers.indices.filter { result.answers[$0].mayPass }
      guard let first = left.first, case .failure(let failure) = result.answers[first] else {
        break
      }
      let wait = retryPolicy.wait(
        afterAttempt: attempt, retryAfter: nil, random: Double.random(in: 0...1))
      guard firstFailure.duration(to: .now) + wait <= retryPolicy.deadline else { break }
      if let retryObserver {
        let request = toldAs ?? RetryNotice.numberOfNextRequest()
        toldAs = request
        retryObserver(
          .failed(
            RetryNotice(
              request: request, operation: .deleteObjects, attempt: attempt,
              maxAttempts: retryPolicy.maxAttempts, cause: .service(failure.refusal), wait: wait)))
      }
      // Whatever keeps them from being sent again, what the server has said of all of them stands.
      do { try await self.wait(wait) } catch { break }
      attempt += 1
      do throws(S3Error) {
        let again = try await sendDeletion(bucket, left.map { objects[$0] })
        for (index, answer) in zip(left, again.answers) { result.answers[index] = answer }
      } catch {
        for index in left {
          result.answers[index] = result.answers[index].mapError { $0.followed(by: error) }
        }
        break
      }
    }
    return result
  }

  private func sendDeletion(
    _ bucket: BucketName, _ objects: [ObjectIdentifier]
  ) async throws(S3Error) -> DeleteObjectsResult {
    guard !objects.isEmpty else { return DeleteObjectsResult() }
    guard objects.count <= Self.maxDeletionBatch else {
      throw S3Error(.deleteObjects, .invalidRequest("\(objects.count) objects are too many"))
    }
    guard objects.allSatisfy({ $0.key.fitsXML && !$0.key.isEmpty }) else {
      throw S3Error(.deleteObjects, .invalidRequest("a key does not fit XML"))
    }
    let document = XMLWriter(root: "Delete") { writer in
      for object in objects {
        writer.element("Object") { writer in
          writer.element("Key", bytes: object.key.bytes)
          if let version = object.versionID { writer.element("VersionId", version.text) }
        }
      }
      writer.element("Quiet", "false")
    }
    var call = S3Call(.deleteObjects, .post, bucket: bucket)
    call.query = [QueryItem("delete")]
    call.setDocument(document)
    guard let digest = Digest.md5(document.bytes) else {
      throw S3Error(.deleteObjects, .invalidRequest("this system has no MD5"))
    }
    call.add("Content-MD5", Base64.encode(digest))
    do throws(S3Error) {
      return try await receive(call) { DeletionAnswerHandler(to: objects) }
    } catch {
      if error.isNotImplemented { memory.deletesMany = false }
      throw error
    }
  }
}

extension S3Error {
  /// Whether a deletion on condition was refused because there is nothing any more, of which some
  /// servers say that it has another ETag: somebody removed it, or an attempt before this one did.
  fileprivate func isOfMissingObject(
    _ location: ObjectLocation, _ client: S3Client
  ) async throws(S3Error) -> Bool {
    guard case .service(let refusal) = cause else { return false }
    if refusal.status == 404 { return refusal.code != .noSuchBucket }
    guard refusal.code == .preconditionFailed else { return false }
    do throws(S3Error) {
      _ = try await client.headObject(location)
      return false
    } catch  where error.isCancellation {
      throw error
    } catch {
      return error.code == .noSuchKey
    }
  }
}

extension Result<DeletedObject, DeleteFailure> {
  /// Whether the server could not do it, and may well some time later.
  fileprivate var mayPass: Bool {
    if case .failure(let failure) = self { failure.refusal.isTransient } else { false }
  }
}

extension DeleteFailure {
  /// The same once its object was sent again, with no answer about it.
  fileprivate func followed(by error: S3Error) -> DeleteFailure {
    var failure = self
    failure.isInDoubt = isInDoubt || error.isInDoubt
    if case .service(let refusal) = error.cause {
      failure.code = refusal.code
      failure.message = refusal.message
    }
    return failure
  }
}
