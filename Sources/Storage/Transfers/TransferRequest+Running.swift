extension TransferRequest {
  /// Carries it out.
  func result(
    _ tools: TransferTools, _ progress: TransferProgress
  ) async -> Result<TransferResult, StorageError> {
    do throws(StorageError) {
      switch work {
      case .upload(let file, let location, let attributes):
        return .success(
          try await Uploader(
            file: file, location: location, attributes: attributes, ifExists: ifExists,
            tools: tools, progress: progress
          ).run())
      case .download(let object, let summary, let folder, let name):
        return .success(
          try await Downloader(
            object: object, summary: summary, folder: folder, name: name, ifExists: ifExists,
            tools: tools, progress: progress
          ).run())
      }
    } catch {
      return .failure(error)
    }
  }

  /// Carries it out as one file of a tree.
  func outcome(
    _ tools: TransferTools, _ progress: TransferProgress, isRenamed: Bool
  ) async -> TreeOutcome {
    switch await result(tools, progress) {
    case .success(let result):
      return TreeOutcome(
        direction: direction, location: result.location, localPath: result.localPath,
        end: .finished(result), isRenamed: isRenamed)
    case .failure(let error):
      return TreeOutcome(
        direction: direction, location: location,
        localPath: progress.snapshot.localPath ?? localPath,
        end: .failed(error), isRenamed: isRenamed)
    }
  }
}
