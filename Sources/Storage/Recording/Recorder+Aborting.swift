import History
import S3

extension Recorder {
  /// Aborts a multipart upload: a change like any other, so it is recorded. Goes on when the task is
  /// cancelled, which most often is the reason for it.
  ///
  /// - Returns: why it was not aborted, or could not be recorded; nil when all went well.
  func abort(
    _ upload: UploadID, of location: ObjectLocation, _ client: S3Client
  ) async -> StorageError? {
    let change = Change(.abortUpload, bucket: location.bucket, key: location.key)
    let abortion = Task { () async -> StorageError? in
      do throws(StorageError) {
        return try await recorded(change, while: .abortUpload(location)) {
          () async throws(S3Error) in
          try await client.abortMultipartUpload(location, uploadID: upload)
        }.warning
      } catch {
        return error
      }
    }
    return await abortion.value
  }
}
