import Glibc
public import History
import S3
import SystemPackage

extension S3Service {
  /// The transfers of the journal that have not come to their end, oldest first, of all endpoints
  /// and also those that other processes work on. A folder or prefix is one.
  public func unfinishedTransfers() async throws(StorageError) -> [JournalEntry] {
    try await journalEntries().filter { $0.parent == nil }
  }

  /// Whether a transfer of the journal was asked for at this server, with keys from the same profile.
  public nonisolated func isOwn(_ request: JournalRequest) -> Bool {
    guard let journaling else { return false }
    return request.isOf(endpoint: journaling.endpoint, profile: journaling.profile)
  }

  /// Frees the transfers that are held by processes of hosts where none runs any more.
  public func releaseTransfers(ofDead hosts: Set<String>) async throws(StorageError) {
    guard let journaling else { return }
    do {
      try await journaling.journal.release(ofDead: hosts)
    } catch {
      throw StorageError(error, about: "The journal of transfers")
    }
  }

  func journalEntries() async throws(StorageError) -> [JournalEntry] {
    guard let journaling else { return [] }
    return try await journaling.entries()
  }

  /// Gives up a transfer of the journal with what has moved of it.
  ///
  /// - Returns: what to tell when only the outcome could not be recorded.
  @discardableResult
  public func abort(_ entry: JournalEntry) async throws(StorageError) -> StorageError? {
    guard let journaling else { return nil }
    let place = "s3://\(entry.request.bucket)/\(entry.request.key.text)"
    guard entry.request.endpoint == journaling.endpoint else {
      throw .otherEndpoint(place, entry.request.endpoint)
    }
    let taken: JournalEntry
    do {
      taken = try await journaling.journal.take(entry.id, for: journaling.holder)
    } catch {
      throw StorageError(error, about: place)
    }
    do throws(StorageError) {
      // Large files of a folder or prefix have entries of their own.
      for part in try await journalEntries() where part.parent == taken.id {
        try await abort(part)
      }
      let warning = try await removeTraces(of: taken)
      try? await journaling.journal.remove(taken.id)
      return warning
    } catch {
      try? await journaling.journal.release(taken.id)
      throw error
    }
  }

  private func removeTraces(of entry: JournalEntry) async throws(StorageError) -> StorageError? {
    guard entry.request.tree == nil else { return nil }
    let location = ObjectLocation(bucket: entry.request.bucket, key: entry.request.key)
    switch entry.request.direction {
    case .upload:
      await recorder.settle(
        Change(
          .upload, bucket: location.bucket, key: location.key,
          localPath: entry.request.localPath), .processDied)
      guard let id = entry.subject?.uploadID else { return nil }
      return try await sendAbortion(
        of: UnfinishedUpload(location: location, uploadID: id, size: entry.kept))
    case .download:
      try await journaling?.removeArrived(of: entry)
      return nil
    }
  }
}
