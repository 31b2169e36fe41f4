internal import HTTP

extension S3Client {
  /// How many objects one DeleteObjects may name.
  public static let maxDeletionBatch = 1000

  /// Whether ``deleteObjects(_:_:)`` makes sense: some stores know no such request, and say so when
  /// it is sent. Where it does not, objects go one by one.
  public var deletesMany: Bool { memory.deletesMany }

  /// Removes an object or one version of it. S3 API Reference: DeleteObject.
  ///
  /// In a bucket with versions, and without a version ID, this adds a delete marker. An object that
  /// is not there counts as removed.
  public func deleteObject(_ location: ObjectLocation) async throws(S3Error) -> DeletedObject {
    try await send(S3Call(.deleteObject, .delete, location)) { (response) throws(S3Error.Cause) in
      try XMLElement.checkSilence(of: response)
      let isMarker = response.headers["x-amz-delete-marker"] == "true"
      return DeletedObject(
        key: location.key, versionID: location.versionID, isDeleteMarker: isMarker,
        deleteMarkerVersionID: isMarker ? response.head.versionID : nil)
    }
  }

  /// Removes many objects in one request. S3 API Reference: DeleteObjects.
  ///
  /// - Parameter objects: up to 1,000, each with a key that fits XML (``ObjectKey/fitsXML``).
  /// - Throws: `invalidRequest` for more, or for another key: servers refuse the whole request, or
  ///   say yes and remove nothing. Such keys are for ``deleteObject(_:)``.
  public func deleteObjects(
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
