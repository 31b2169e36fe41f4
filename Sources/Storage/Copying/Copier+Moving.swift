import HTTP
import History
import S3

/// What makes a move of a copy.
extension Copier {
  /// Deletes the source once the copy is proven equal, and the source still is what was copied.
  func removeSource(
    _ metadata: ObjectMetadata, _ result: inout CopyResult
  ) async throws(StorageError) {
    var written = result.destination
    // The name stands for the version just written; `null` is that of a bucket without versions.
    if written.versionID?.text == "null" { written.versionID = nil }
    let undertaking = Undertaking.copy(source, to: result.destination)
    let copy: ObjectMetadata
    do throws(StorageError) {
      copy = try await look(at: written, while: undertaking)
    } catch {
      guard !error.isCancellation else { throw error }
      throw .sourceKept(source, copiedTo: result.destination, because: error.message)
    }
    result.checksum = copy.checksum
    switch CopyComparison(metadata, copy) {
    case .equal(let proof): result.proof = proof
    case .different: throw .copyDiffers(source, result.destination)
    case .unknown:
      throw .sourceKept(
        source, copiedTo: result.destination,
        because: "the server keeps nothing that proves the copy equal")
    }
    let current: ObjectMetadata
    do throws(StorageError) {
      current = try await look(at: source, while: .readDetails(source))
    } catch {
      throw error.keeping(source, copiedTo: result.destination)
    }
    guard current.etag == metadata.etag, current.size == metadata.size,
      current.lastModified == metadata.lastModified
    else {
      throw .sourceKept(
        source, copiedTo: result.destination, because: "it has changed since")
    }
    let warning: StorageError?
    do throws(StorageError) {
      warning = try await delete(metadata)
    } catch  where error.code == S3ErrorCode.preconditionFailed.rawValue {
      var kept = StorageError.sourceKept(
        source, copiedTo: result.destination, because: "it has changed since")
      kept.detail += "\n\n\(error.detail)"
      throw kept
    } catch {
      throw error.keeping(source, copiedTo: result.destination)
    }
    result.isMoved = true
    result.warning = result.warning ?? warning
  }

  private func delete(_ metadata: ObjectMetadata) async throws(StorageError) -> StorageError? {
    let change = Change(
      .delete, bucket: source.bucket, key: source.key, versionID: source.versionID,
      size: metadata.size)
    let client = client
    let patience = patience
    let source = source
    // A version stays what it is, but for `null`, which is that of whatever came last without one.
    let mayChange = source.versionID.map { $0.text == "null" } ?? true
    return try await recorder.recorded(
      change, while: .delete(source), ending: { (deleted: DeletedObject) in Ending(deleted) }
    ) { () async throws(S3Error) in
      try await patience.keepTrying { (_) async throws(S3Error) in
        try await client.deleteObject(source, ifMatch: mayChange ? metadata.etag : nil)
      }
    }.warning
  }
}
