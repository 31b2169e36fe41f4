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
    try await recorder.recorded(
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
      throw .exists(undertaking.subject)
    }
    return try await recorder.recorded(
      Change(.upload, bucket: bucket, key: key, size: .zero), while: undertaking,
      ending: { (receipt: WriteReceipt) in Ending(receipt) }
    ) { [client] () async throws(S3Error) in
      do throws(S3Error) {
        return try await client.putEmptyObject(location, .ifNoneMatch)
      } catch  where error.code == .notImplemented {
        // A store without such a condition did nothing; the question before is all there is.
        return try await client.putEmptyObject(location, .none)
      }
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

  fileprivate func putEmptyObject(
    _ location: ObjectLocation, _ condition: WriteCondition
  ) async throws(S3Error) -> WriteReceipt {
    try await putObject(
      location, body: .bytes([]), attributes: ObjectAttributes(), condition: condition,
      progress: nil)
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
