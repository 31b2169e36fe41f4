import History
public import S3

extension S3Service {
  /// Counts what `targets` hold, and reports after each page. Cancel the task to stop.
  public func count(
    _ targets: [DeletionTarget], in bucket: BucketName,
    progress: @Sendable (DeletionCount) -> Void = { _ in }
  ) async throws(StorageError) -> DeletionCount {
    try await count(
      TargetWalk(targets, in: bucket, client: client), while: .list(bucket, prefix: .empty),
      progress: progress)
  }

  /// Counts everything in a bucket: objects, older versions and delete markers.
  public func countEveryVersion(
    in bucket: BucketName, progress: @Sendable (DeletionCount) -> Void = { _ in }
  ) async throws(StorageError) -> DeletionCount {
    try await count(
      TargetWalk(everyVersionIn: bucket, client: client), while: .listVersions(bucket),
      progress: progress)
  }

  private func count(
    _ walk: TargetWalk, while undertaking: Undertaking,
    progress: @Sendable (DeletionCount) -> Void
  ) async throws(StorageError) -> DeletionCount {
    var walk = walk
    var count = DeletionCount()
    do throws(S3Error) {
      while let page = try await walk.next() {
        for candidate in page where !candidate.isMissing {
          count.objects += 1
          count.bytes += candidate.size ?? .zero
        }
        progress(count)
      }
    } catch {
      throw StorageError(error, while: undertaking)
    }
    count.isComplete = true
    progress(count)
    return count
  }

  /// Calls `body` with each page of what ``delete(_:in:confirmedAt:progress:)`` would delete.
  ///
  /// - Throws: what `body` throws, and ``StorageError``.
  /// - Returns: as ``DeletionReport/unmatched``.
  public func preview(
    _ targets: [DeletionTarget], in bucket: BucketName,
    _ body: @Sendable ([DeletionCandidate]) throws -> Void
  ) async throws -> Set<DeletionTarget> {
    try await preview(
      TargetWalk(targets, in: bucket, client: client), while: .list(bucket, prefix: .empty), body)
  }

  /// Calls `body` with each page of the objects, versions and delete markers in a bucket.
  ///
  /// - Throws: what `body` throws, and ``StorageError``.
  public func preview(
    everyVersionIn bucket: BucketName,
    _ body: @Sendable ([DeletionCandidate]) throws -> Void
  ) async throws {
    _ = try await preview(
      TargetWalk(everyVersionIn: bucket, client: client), while: .listVersions(bucket), body)
  }

  private func preview(
    _ walk: TargetWalk, while undertaking: Undertaking,
    _ body: @Sendable ([DeletionCandidate]) throws -> Void
  ) async throws -> Set<DeletionTarget> {
    var walk = walk
    while let page = try await walk.next(while: undertaking) { try body(page) }
    return walk.unmatched
  }

  /// Deletes what `targets` hold, each object with a row of its own in the history.
  ///
  /// In a versioned bucket this adds delete markers. S3 API Reference: DeleteObjects in batches of
  /// up to 1,000; DeleteObject for a single one and for keys that XML cannot carry.
  ///
  /// - Parameters:
  ///   - confirmedAt: objects that came later, by their LastModified, are left and counted. By
  ///     this machine's clock; a server's clock that is known to differ is taken into account.
  ///   - progress: called after each request.
  /// - Throws: when nothing was done at all. What ends a deletion half way is in
  ///   ``DeletionReport/stoppedBy``.
  public func delete(
    _ targets: [DeletionTarget], in bucket: BucketName, confirmedAt: Timestamp,
    progress: @Sendable (DeletionProgress) -> Void = { _ in }
  ) async throws(StorageError) -> DeletionReport {
    let undertaking = Undertaking.deleteMany(bucket)
    guard !isReadOnly else {
      let alone = targets.count == 1 ? targets.first.flatMap { $0.undertaking(in: bucket) } : nil
      throw .readOnly(alone ?? undertaking)
    }
    var deleter = Deleter(
      bucket: bucket, client: client, recorder: recorder, confirmedAt: confirmedAt)
    do {
      var unmatched = try await deleter.run(
        TargetWalk(targets, in: bucket, client: client), while: undertaking, progress: progress)
      // SeaweedFS, which lists by folders, leaves out some keys where a bucket with versions, or a
      // listing of versions, has more than a page. What is left shows once the others are gone.
      let listed = targets.filter(\.isListed)
      var deletedBefore = 0
      while client.listsByFolder, deleter.report.deleted >= DeletionPlan.largestBatch,
        deleter.report.deleted > deletedBefore, deleter.report.failed == 0,
        deleter.report.leftNewer == 0, !listed.isEmpty
      {
        deletedBefore = deleter.report.deleted
        unmatched.formIntersection(
          try await deleter.run(
            TargetWalk(listed, in: bucket, client: client), while: undertaking,
            progress: progress))
      }
      var report = deleter.report
      report.unmatched = unmatched
      return report
    } catch {
      return try deleter.report(stoppedBy: error)
    }
  }

  /// Deletes all objects, versions and delete markers of a bucket for ever, aborts its multipart
  /// uploads, and removes it. Every one of these has a row of its own.
  ///
  /// - Parameters:
  ///   - expectedOwner: the account that must own the bucket. A first listing or DeleteBucket lets
  ///     the server check it before anything is deleted.
  /// - Throws: when nothing was done at all. What ends it half way is in
  ///   ``DeletionReport/stoppedBy``.
  public func emptyAndRemoveBucket(
    _ name: BucketName, expectedOwner: AccountID? = nil,
    progress: @Sendable (DeletionProgress) -> Void = { _ in }
  ) async throws(StorageError) -> DeletionReport {
    let undertaking = Undertaking.deleteMany(name)
    guard !isReadOnly else { throw .readOnly(undertaking) }
    var deleter = Deleter(bucket: name, client: client, recorder: recorder, confirmedAt: nil)
    do throws(StorageError) {
      if expectedOwner != nil,
        try await removeIfEmpty(name, expectedOwner: expectedOwner, noting: &deleter)
      {
        return deleter.report
      }
      var left: ObjectVersion?
      // Others may still be writing: what came meanwhile is taken by another round.
      for _ in 1...3 {
        try await abortUploads(in: name, noting: &deleter)
        try await deleter.run(
          TargetWalk(everyVersionIn: name, client: client), while: undertaking,
          progress: progress)
        // What stays as a version would be found and counted again, or get a delete marker.
        guard deleter.report.failed == 0 else { break }
        // SeaweedFS lists versions without URL-encoding, where XML damages keys with control
        // characters; among the current objects they come as they are.
        try await deleter.run(
          TargetWalk([.prefix(.empty)], in: name, client: client), while: undertaking,
          progress: progress)
        guard deleter.report.failed == 0 else { break }
        if try await removeIfEmpty(name, expectedOwner: expectedOwner, noting: &deleter) {
          return deleter.report
        }
        let first = await firstVersion(in: name)
        // The last round has deleted it, as the server said.
        if let first, first == left { throw StorageError.notDeleted(first, in: name) }
        left = first
      }
      throw StorageError.notEmptied(name, failed: deleter.report.failed)
    } catch {
      return try deleter.report(stoppedBy: error)
    }
  }

  private func firstVersion(in bucket: BucketName) async -> ObjectVersion? {
    let page = try? await client.listObjectVersions(
      bucket: bucket, prefix: .empty, delimiter: nil, after: nil, pageSize: 1)
    return page?.versions.first
  }

  /// - Returns: `false` when something is in it.
  private func removeIfEmpty(
    _ name: BucketName, expectedOwner: AccountID?, noting deleter: inout Deleter
  ) async throws(StorageError) -> Bool {
    do {
      deleter.note(try await removeBucket(name, expectedOwner: expectedOwner))
      return true
    } catch  where error.kind == .bucketNotEmpty {
      return false
    }
  }

  /// The multipart uploads of a bucket that are under way, wherever; none in a store without them.
  public func uploads(
    in bucket: BucketName
  ) async throws(StorageError) -> [MultipartUploadSummary] {
    try await read(.listUploads(bucket)) { () async throws(S3Error) in
      do throws(S3Error) {
        return try await client.listMultipartUploads(bucket: bucket, prefix: .empty)
      } catch  where error.code == .notImplemented {
        return []
      }
    }
  }

  private func abortUploads(
    in bucket: BucketName, noting deleter: inout Deleter
  ) async throws(StorageError) {
    for upload in try await uploads(in: bucket) {
      var location = ObjectLocation(bucket: bucket, key: upload.key)
      // Aborting it where it is not would pass for success.
      if upload.spelledKey != nil,
        let place = await parts(of: upload.uploadID, at: upload.places(in: bucket))
      {
        location = place.location
      }
      let recorded = try await recorder.recorded(
        Change(.abortUpload, bucket: bucket, key: location.key), while: .abortUpload(location)
      ) { [client, location] () async throws(S3Error) in
        try await client.abortMultipartUpload(location, uploadID: upload.uploadID)
      }
      deleter.countAbortedUpload(recorded.warning)
    }
  }
}
