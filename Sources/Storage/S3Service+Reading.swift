internal import HTTP
public import S3

extension S3Service {
  /// Hands over the bytes of an object as they come. S3 API Reference: GetObject.
  ///
  /// What was handed over cannot be taken back, so a download that breaks off then is an error and
  /// is not begun again.
  ///
  /// - Parameter receive: called on the thread of the connections, which waits for it; `false`
  ///   ends the download.
  public func stream(
    _ object: ObjectLocation, to receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Bool
  ) async throws(StorageError) -> ObjectMetadata {
    try await read(.readDetails(object)) { () async throws(S3Error) in
      try await bodies.getObject(
        object, range: nil, ifMatch: nil, into: .pieces(receive), progress: nil)
    }
  }
}
