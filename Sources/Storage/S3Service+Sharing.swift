import History
public import S3

extension S3Service {
  /// Makes a URL with which anyone may read or write one object until it expires.
  ///
  /// Recorded with method, key and expiry, never with the URL. In read-only mode GET alone is
  /// allowed, since a URL for PUT hands out a change.
  ///
  /// - Parameters:
  ///   - expires: 1 s through 7 days.
  ///   - fileName: what a browser shall save it as; for GET.
  ///   - contentType: what the PUT must send; for PUT.
  public func presign(
    _ method: PresignMethod, _ object: ObjectLocation, expires: Duration,
    fileName: String? = nil, contentType: String? = nil
  ) async throws(StorageError) -> PresignedURL {
    let undertaking = Undertaking.presign(object)
    guard !isReadOnly || method == .get else { throw .readOnly(undertaking) }
    let change = Change(
      .presign, bucket: object.bucket, key: object.key, versionID: object.versionID,
      detail: "\(method.rawValue), \(expires.components.seconds) s")
    return try await recorder.allowingReadOnly.recorded(change, while: undertaking) {
      [client] () async throws(S3Error) in
      try await client.presign(
        method, object, expires: expires, fileName: fileName, contentType: contentType)
    }.answer
  }
}
