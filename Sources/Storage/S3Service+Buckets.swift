import HTTP
import History
public import S3

extension S3Service {
  /// Checks the name, then creates the bucket. S3 API Reference: CreateBucket.
  ///
  /// - Parameter region: sent as LocationConstraint; nil leaves the choice to the server.
  /// - Returns: A warning, when the bucket was created and only the outcome was not recorded.
  @discardableResult
  public func createBucket(
    _ name: BucketName, region: Region? = nil
  ) async throws(StorageError) -> StorageError? {
    if let problem = name.problemForCreation { throw .invalidName(name, problem) }
    return try await recorder.recorded(
      Change(.createBucket, bucket: name, detail: region?.text), while: .createBucket(name)
    ) { [client] () async throws(S3Error) in
      try await client.createBucket(name, locationConstraint: region)
    }.warning
  }

  /// Removes an empty bucket. S3 API Reference: DeleteBucket.
  ///
  /// - Parameter expectedOwner: the account that must own the bucket, else the server refuses.
  /// - Throws: ``StorageError/Kind/bucketNotEmpty`` when something is in it.
  /// - Returns: A warning, when the bucket was removed and only the outcome was not recorded.
  @discardableResult
  public func removeBucket(
    _ name: BucketName, expectedOwner: AccountID? = nil
  ) async throws(StorageError) -> StorageError? {
    do throws(StorageError) {
      return try await recorder.recorded(
        Change(.deleteBucket, bucket: name), while: .removeBucket(name)
      ) { [client] () async throws(S3Error) in
        // SeaweedFS removes a bucket that holds nothing but versions and delete markers.
        guard try await !client.isKnownToHoldVersions(name, expectedOwner) else {
          throw S3Error(
            operation: .deleteBucket,
            cause: .service(
              ServiceError(
                code: .bucketNotEmpty, message: "Its versions were listed before it was removed",
                status: 409)),
            attempts: 0)
        }
        try await client.deleteBucket(name, expectedOwner: expectedOwner)
      }.warning
    } catch {
      throw error.expecting(owner: expectedOwner)
    }
  }

  /// Lets the server refuse a bucket that `owner` does not own, as ``removeBucket(_:expectedOwner:)``
  /// does, and changes nothing. Some servers do not compare. S3 API Reference: HeadBucket.
  public func checkOwner(
    of name: BucketName, is owner: AccountID
  ) async throws(StorageError) {
    do throws(StorageError) {
      try await read(.removeBucket(name)) { () async throws(S3Error) in
        _ = try await client.headBucket(name, expectedOwner: owner)
      }
    } catch {
      throw error.expecting(owner: owner)
    }
  }

  /// Creates the empty object by which stores show a prefix that holds nothing else.
  ///
  /// - Parameter key: ends in `/`.
  /// - Throws: ``StorageError/Kind/alreadyExists`` when there is such an object.
  /// - Returns: A warning, when the marker was created and only the outcome was not recorded.
  @discardableResult
  public func createPrefixMarker(
    bucket: BucketName, key: ObjectKey
  ) async throws(StorageError) -> StorageError? {
    let location = ObjectLocation(bucket: bucket, key: key)
    let undertaking = Undertaking.createPrefix(location)
    guard !isReadOnly else { throw .readOnly(undertaking) }
    // Some stores ignore If-None-Match, so the object is asked for as well.
    guard try await !client.hasObject(location, while: undertaking) else {
      throw .exists(undertaking.subject, recovery: "Choose another name.")
    }
    return try await recorder.recorded(
      Change(.upload, bucket: bucket, key: key, size: .zero), while: undertaking,
      ending: { (receipt: WriteReceipt) in Ending(receipt) }
    ) { [client] () async throws(S3Error) in
      try await client.putMarker(location, ObjectAttributes(), mustBeNew: true)
    }.warning
  }
}

extension S3Client {
  /// Whether a version or delete marker is in the bucket, as far as the server lets us see.
  fileprivate func isKnownToHoldVersions(
    _ bucket: BucketName, _ expectedOwner: AccountID?
  ) async throws(S3Error) -> Bool {
    do throws(S3Error) {
      let page = try await listObjectVersions(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil, pageSize: 1,
        expectedOwner: expectedOwner)
      return !page.versions.isEmpty
    } catch {
      // Some stores have no versions, who may remove need not be allowed to list, and whether
      // the owner is the expected one the server says again.
      guard case .service = error.cause else { throw error }
      return false
    }
  }

  /// An object without bytes, which stands for a prefix.
  ///
  /// - Parameter mustBeNew: whether an object of this key is to stay as it is.
  func putMarker(
    _ location: ObjectLocation, _ attributes: ObjectAttributes, mustBeNew: Bool
  ) async throws(S3Error) -> WriteReceipt {
    do throws(S3Error) {
      return try await putObject(
        location, body: .bytes([]), attributes: attributes,
        condition: mustBeNew ? .ifNoneMatch : .none, progress: nil)
    } catch  where mustBeNew && error.code == .notImplemented {
      // A store without such a condition did nothing; having asked before is all there is.
      return try await putMarker(location, attributes, mustBeNew: false)
    }
  }

  /// Which of some keys, near each other in one bucket, have objects: one request in place of one
  /// for each.
  ///
  /// - Returns: nil where a page does not tell: it may not be listed, or has too much in between.
  func taken(among locations: [ObjectLocation]) async -> Set<ObjectKey>? {
    guard let bucket = locations.first?.bucket else { return [] }
    let keys = Set(locations.map(\.key))
    guard let first = keys.min(), let last = keys.max(), let end = first.bytes.last,
      locations.allSatisfy({ $0.bucket == bucket })
    else { return nil }
    let prefix = zip(first.bytes, last.bytes).prefix { $0 == $1 }.map(\.0)
    // A little before the first one, since a listing begins after what it is given.
    var before = Array(first.bytes.dropLast())
    if UInt8(ascii: "1")...UInt8(ascii: "z") ~= end { before.append(end - 1) }
    guard
      let page = try? await listObjectsV2(
        bucket: bucket, prefix: ObjectKey(bytes: prefix), delimiter: nil,
        startAfter: before.count > prefix.count ? ObjectKey(bytes: before) : nil, after: nil)
    else { return nil }
    // Where folders stand elsewhere, what comes before the first key in that order was left out.
    if listsByFolder, keys.min(by: { $0.precedesByFolder($1) }) != first { return nil }
    return page.taken(among: keys, isByFolder: listsByFolder)
  }

  /// Whether there is such an object, as far as these credentials may know.
  func hasObject(
    _ location: ObjectLocation, while undertaking: Undertaking
  ) async throws(StorageError) -> Bool {
    do {
      _ = try await headObject(location)
      return true
    } catch  where error.code == .noSuchKey {
      return false
    } catch  where error.code == .accessDenied {
      // Who may write need not be allowed to read; the condition of the write decides then.
      return false
    } catch {
      throw StorageError(error, while: undertaking)
    }
  }
}

extension ObjectPage {
  /// Which of these keys it has; nil where it ends before the last one of them.
  ///
  /// - Parameter isByFolder: whether what is in a folder stands at the folder's name.
  func taken(among keys: Set<ObjectKey>, isByFolder: Bool = false) -> Set<ObjectKey>? {
    let listed = objects.map(\.key)
    if next != nil {
      let isComplete = keys.allSatisfy { key in
        guard let last = listed.last else { return false }
        return isByFolder ? !last.precedesByFolder(key) : last >= key
      }
      guard isComplete else { return nil }
    }
    return keys.intersection(listed)
  }
}
