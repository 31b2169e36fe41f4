public import S3
public import SystemPackage

extension S3Service {
  /// Uploads one file and waits for its end. Cancelling the task cancels the upload.
  ///
  /// Its progress shows in ``TransferEngine/updates()`` of ``transfers``.
  public func upload(
    _ file: FilePath, to location: ObjectLocation,
    attributes: ObjectAttributes = ObjectAttributes(),
    ifExists: TransferRequest.ExistingDestination = .overwrite
  ) async throws(StorageError) -> TransferResult {
    try await transfer(
      .upload(file, to: location, attributes: attributes, ifExists: ifExists))
  }

  /// Downloads one object and waits for its end. Cancelling the task cancels the download.
  ///
  /// - Parameters:
  ///   - folder: made when it is missing.
  ///   - name: the path below `folder`; the key's last segment when nil.
  public func download(
    _ object: ObjectLocation, into folder: FilePath, name: ObjectKey? = nil,
    ifExists: TransferRequest.ExistingDestination = .overwrite
  ) async throws(StorageError) -> TransferResult {
    try await transfer(.download(object, into: folder, name: name, ifExists: ifExists))
  }

  private func transfer(_ request: TransferRequest) async throws(StorageError) -> TransferResult {
    guard let id = await transfers.enqueue([request]).first else { throw .cancelled }
    return try await transfers.result(of: id)
  }
}
