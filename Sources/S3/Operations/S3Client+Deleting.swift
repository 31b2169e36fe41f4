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
      try XMLElement.checkNoError(in: response)
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
      return try await send(call) { (response) throws(S3Error.Cause) in
        DeletionAnswer(try XMLElement(answer: response, root: "DeleteResult"))
          .result(for: objects)
      }
    } catch {
      if error.isNotImplemented { memory.deletesMany = false }
      throw error
    }
  }
}

/// What an answer to DeleteObjects says, told apart by object.
private struct DeletionAnswer {
  private var deleted: [ObjectIdentifier: DeletedObject] = [:]
  private var deletedMarkers: [ObjectIdentifier: DeletedObject] = [:]
  private var failed: [ObjectIdentifier: DeleteFailure] = [:]

  init(_ root: XMLElement) {
    for element in root.children(named: "Deleted") {
      guard let object = ObjectIdentifier(element) else { continue }
      let marker = element.string("DeleteMarkerVersionId").map { VersionID($0) }
      let done = DeletedObject(
        key: object.key, versionID: object.versionID,
        isDeleteMarker: element.isTrue("DeleteMarker"), deleteMarkerVersionID: marker)
      deleted[object] = done
      // A delete marker that is removed by its version may be named in this field alone.
      if let marker, object.versionID == nil {
        deletedMarkers[ObjectIdentifier(key: object.key, versionID: marker)] = done
      }
    }
    for element in root.children(named: "Error") {
      guard let object = ObjectIdentifier(element) else { continue }
      failed[object] = DeleteFailure(
        object: object, code: S3ErrorCode(element.string("Code") ?? ""),
        message: element.string("Message") ?? "")
    }
  }

  /// Puts each object into one of the lists, in the order in which they were asked for.
  ///
  /// Some servers name the version of an object that was asked for without one, so an object may
  /// also be told by its key alone, when no other of that key was asked for.
  func result(for objects: [ObjectIdentifier]) -> DeleteObjectsResult {
    // Only for the few answers that name an object otherwise than it was asked for.
    lazy var requestsPerKey = Dictionary(grouping: Set(objects), by: \.key).mapValues(\.count)
    lazy var deletedByKey = Dictionary(deleted.values.map { ($0.key, $0) }) { first, _ in first }
    lazy var failedByKey = Dictionary(failed.values.map { ($0.object.key, $0) }) { first, _ in
      first
    }
    var result = DeleteObjectsResult()
    result.deleted.reserveCapacity(objects.count)
    for object in objects {
      if failed.isEmpty, var done = deleted[object] {
        done.versionID = object.versionID
        result.deleted.append(done)
        continue
      }
      let isAlone = requestsPerKey[object.key] == 1
      if var failure = failed[object] ?? (isAlone ? failedByKey[object.key] : nil) {
        failure.object = object
        result.failed.append(failure)
      } else if var done = deleted[object] ?? deletedMarkers[object]
        ?? (isAlone ? deletedByKey[object.key] : nil)
      {
        done.versionID = object.versionID
        result.deleted.append(done)
      } else {
        result.failed.append(
          DeleteFailure(
            object: object, code: .missingFromAnswer,
            message: "the server's answer does not mention this object"))
      }
    }
    return result
  }
}

extension ObjectIdentifier {
  fileprivate init?(_ element: XMLElement) {
    guard let key = element["Key"]?.text else { return nil }
    self.init(
      key: ObjectKey(bytes: key), versionID: element.string("VersionId").map { VersionID($0) })
  }
}
