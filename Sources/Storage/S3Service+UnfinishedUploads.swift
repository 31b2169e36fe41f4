public import History
public import S3

/// A multipart upload that is neither completed nor aborted.
public struct UnfinishedUpload: Sendable, Hashable {
  public var location: ObjectLocation
  public var uploadID: UploadID
  public var initiated: Timestamp?
  public var storageClass: StorageClass?
  /// The sum of its parts; nil when they may not be listed.
  public var size: ByteCount?
  /// nil when they may not be listed.
  public var parts: Int?
  /// What this user's journal knows of it: the upload of a stream or of a copy. nil of others, which
  /// nobody here will finish.
  public var known: JournalUpload?

  public init(
    location: ObjectLocation, uploadID: UploadID, initiated: Timestamp? = nil,
    storageClass: StorageClass? = nil, size: ByteCount? = nil, parts: Int? = nil,
    known: JournalUpload? = nil
  ) {
    self.location = location
    self.uploadID = uploadID
    self.initiated = initiated
    self.storageClass = storageClass
    self.size = size
    self.parts = parts
    self.known = known
  }

  /// One that the server was not asked about.
  public init(_ known: JournalUpload) {
    self.init(
      location: known.location, uploadID: known.uploadID, initiated: known.createdAt, known: known)
  }
}

extension S3Service {
  /// Uploads of streams and copies that the journal has, oldest first, of all endpoints and also those
  /// that are under way. None of them can be resumed.
  public func unresumableUploads() async throws(StorageError) -> [JournalUpload] {
    guard let journaling else { return [] }
    do {
      return try await journaling.journal.uploads()
    } catch {
      throw StorageError(error, about: "The journal of transfers")
    }
  }

  /// The multipart uploads of a bucket that are not those of ``unfinishedTransfers()``: nobody here
  /// will finish them, though somebody elsewhere may; or, of a stream or a copy, a process of this
  /// user does just now.
  ///
  /// - Parameter prefix: only those of keys that begin with it.
  public func unfinishedUploads(
    in bucket: BucketName, prefix: ObjectKey = .empty
  ) async throws(StorageError) -> [UnfinishedUpload] {
    // Asked before and after, since one may end or begin meanwhile.
    let before = try await knownUploads()
    let uploads: [MultipartUploadSummary]
    do throws(S3Error) {
      uploads = try await client.listMultipartUploads(bucket: bucket, prefix: prefix)
    } catch {
      if error.code == .noSuchBucket { await forget(before, in: bucket, besides: []) }
      throw StorageError(error, while: .listUploads(bucket))
    }
    let after = try await knownUploads()
    var unfinished: [UnfinishedUpload] = []
    for upload in uploads {
      let id = upload.uploadID
      guard !before.transfers.contains(id), !after.transfers.contains(id) else { continue }
      let places = upload.places(in: bucket)
      let known = (after.others + before.others).first {
        $0.uploadID == id && places.contains($0.location)
      }
      var found = UnfinishedUpload(
        location: known?.location ?? ObjectLocation(bucket: bucket, key: upload.key), uploadID: id,
        initiated: upload.initiated, storageClass: upload.storageClass, known: known)
      if let (location, parts) = await parts(of: id, at: known.map { [$0.location] } ?? places) {
        found.location = location
        found.size = parts.map { $0.reduce(.zero) { $0 + $1.size } }
        found.parts = parts?.count
      } else if upload.spelledKey == nil {
        // It came to its end since.
        continue
      }
      unfinished.append(found)
    }
    if prefix.isEmpty { await forget(before, in: bucket, besides: uploads.map(\.uploadID)) }
    return unfinished
  }

  /// The first of `places` that has the upload, and its parts; none of them are known where uploads
  /// may be listed and their parts may not.
  ///
  /// - Returns: nil where no place has it.
  func parts(
    of upload: UploadID, at places: [ObjectLocation]
  ) async -> (location: ObjectLocation, parts: [PartSummary]?)? {
    for location in places {
      do throws(S3Error) {
        return (location, try await client.listParts(location, uploadID: upload))
      } catch  where [.noSuchUpload, .noSuchKey].contains(error.code) {
        continue
      } catch {
        return (location, nil)
      }
    }
    return nil
  }

  private struct KnownUploads {
    /// Those of uploads of files, which can be resumed.
    var transfers: Set<UploadID>
    /// Of this endpoint.
    var others: [JournalUpload]
  }

  private func knownUploads() async throws(StorageError) -> KnownUploads {
    let endpoint = journaling?.endpoint
    return KnownUploads(
      transfers: Set(try await journalEntries().compactMap { $0.subject?.uploadID }),
      others: try await unresumableUploads().filter { $0.endpoint == endpoint })
  }

  /// Forgets what processes that have died left in a bucket and the server has no longer.
  private func forget(
    _ known: KnownUploads, in bucket: BucketName, besides there: [UploadID]
  ) async {
    for upload in known.others
    where upload.location.bucket == bucket && upload.holder == nil
      && !there.contains(upload.uploadID)
    {
      try? await journaling?.journal.remove(upload)
    }
  }

  /// Aborts a multipart upload, which the history records. Its parts are gone for ever.
  ///
  /// - Returns: what to tell when only the outcome could not be recorded.
  /// - Throws: as ``refuseRunning(_:)``.
  @discardableResult
  public func abort(_ upload: UnfinishedUpload) async throws(StorageError) -> StorageError? {
    try await refuseRunning(upload)
    guard let known = upload.known, !isReadOnly else { return try await sendAbortion(of: upload) }
    let (bucket, key) = (upload.location.bucket, upload.location.key)
    let change =
      switch known.source {
      case .stream: Change(.upload, bucket: bucket, key: key)
      case .copy: Change(.copy, bucket: bucket, key: key)
      }
    await recorder.settle(change, .processDied)
    let warning = try await sendAbortion(of: upload)
    try? await journaling?.journal.remove(known)
    return warning
  }

  /// - Throws: ``StorageError/Kind/inUse`` when a process of this user works on the upload;
  ///   ``StorageError/Kind/invalidRequest`` when it is on another server.
  public func refuseRunning(_ upload: UnfinishedUpload) async throws(StorageError) {
    let place = "s3://\(upload.location.bucket)/\(upload.location.key.text)"
    if let known = upload.known, let journaling, known.endpoint != journaling.endpoint {
      throw .otherEndpoint(place, known.endpoint)
    }
    // It may have begun since it was listed.
    for entry in try await journalEntries() where entry.subject?.uploadID == upload.uploadID {
      if let lease = entry.holder { throw StorageError(.held(by: lease), about: place) }
    }
    for known in try await unresumableUploads()
    where known.uploadID == upload.uploadID && known.location == upload.location {
      if let lease = known.holder { throw .underWay(place, lease) }
    }
  }

  func sendAbortion(
    of upload: UnfinishedUpload
  ) async throws(StorageError) -> StorageError? {
    let client = client
    let change = Change(
      .abortUpload, bucket: upload.location.bucket, key: upload.location.key, size: upload.size)
    return try await recorder.recorded(change, while: .abortUpload(upload.location)) {
      () async throws(S3Error) in
      try await client.abortMultipartUpload(upload.location, uploadID: upload.uploadID)
    }.warning
  }
}

extension MultipartUploadSummary {
  /// Where it may be, the likeliest first.
  func places(in bucket: BucketName) -> [ObjectLocation] {
    [key, spelledKey].compactMap { $0 }.map { ObjectLocation(bucket: bucket, key: $0) }
  }
}
