public import History
public import S3

extension S3Service {
  /// Every bucket of the account. S3 API Reference: ListBuckets.
  public func buckets() async throws(StorageError) -> [BucketSummary] {
    try await read(.listBuckets) { () async throws(S3Error) in try await client.listBuckets() }
  }

  /// One page of what lies directly under `prefix`: objects and common prefixes.
  public func page(
    bucket: BucketName, prefix: ObjectKey, after: ContinuationToken? = nil
  ) async throws(StorageError) -> ObjectPage {
    try await read(.list(bucket, prefix: prefix)) { () async throws(S3Error) in
      try await client.listObjectsV2(
        bucket: bucket, prefix: prefix, delimiter: "/", after: after)
    }
  }

  /// One page of every object whose key begins with `prefix`.
  public func recursivePage(
    bucket: BucketName, prefix: ObjectKey, after: ContinuationToken? = nil
  ) async throws(StorageError) -> ObjectPage {
    try await read(.list(bucket, prefix: prefix)) { () async throws(S3Error) in
      try await client.listObjectsV2(bucket: bucket, prefix: prefix, delimiter: nil, after: after)
    }
  }

  /// Every object whose key begins with `prefix`, in key order, several requests at once.
  public nonisolated func recursiveListing(
    bucket: BucketName, prefix: ObjectKey
  ) -> OrderedListing {
    OrderedListing(client: client, bucket: bucket, prefix: prefix)
  }

  /// One page of versions and delete markers. S3 API Reference: ListObjectVersions.
  ///
  /// - Parameter isRecursive: whether common prefixes are looked into.
  public func versionPage(
    bucket: BucketName, prefix: ObjectKey, isRecursive: Bool = false, after: VersionMarker? = nil
  ) async throws(StorageError) -> VersionPage {
    try await read(.listVersions(bucket)) { () async throws(S3Error) in
      try await client.listObjectVersions(
        bucket: bucket, prefix: prefix, delimiter: isRecursive ? nil : "/", after: after)
    }
  }

  /// Whether listings show versions or delete markers of `key`; in a store without versions, the
  /// object.
  public func hasVersions(
    of key: ObjectKey, in bucket: BucketName
  ) async throws(StorageError) -> Bool {
    let page: VersionPage? = try await read(.listVersions(bucket)) { () async throws(S3Error) in
      do throws(S3Error) {
        return try await client.listObjectVersions(
          bucket: bucket, prefix: key, delimiter: nil, after: nil)
      } catch  where error.isNotImplemented {
        return nil
      }
    }
    // A key comes before all that only begin with it.
    if let page { return page.versions.contains { $0.key == key } }
    return try await recursivePage(bucket: bucket, prefix: key).objects.first?.key == key
  }

  /// S3 API Reference: HeadObject.
  public func details(_ object: ObjectLocation) async throws(StorageError) -> ObjectMetadata {
    try await read(.readDetails(object)) { () async throws(S3Error) in
      try await client.headNamedObject(object)
    }
  }

  /// S3 API Reference: GetObjectTagging.
  public func tags(of object: ObjectLocation) async throws(StorageError) -> [ObjectTag] {
    try await read(.readTags(object)) { () async throws(S3Error) in
      try await client.objectTags(object)
    }
  }

  /// Whether deletions in `bucket` can be undone. S3 API Reference: GetBucketVersioning.
  public func versioning(_ bucket: BucketName) async throws(StorageError) -> VersioningState {
    try await read(.readVersioning(bucket)) { () async throws(S3Error) in
      try await client.bucketVersioning(bucket)
    }
  }

  /// Changes recorded so far, newest first.
  ///
  /// - Parameters:
  ///   - before: the last change of the page before; nil for the first page.
  ///   - limit: 1 or more.
  public func history(
    _ query: HistoryQuery, before: ChangeID? = nil, limit: Int
  ) async throws(StorageError) -> [HistoryEntry] {
    do {
      return try await recorder.history.page(query, before: before, limit: limit)
    } catch {
      throw StorageError(unreadableHistory: error)
    }
  }
}
