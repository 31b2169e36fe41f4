import History
import S3

/// The journal's note of an upload in parts that nothing can resume: of a stream or of a copy.
///
/// Best effort: an upload goes on when the journal cannot be written, and others then take it for
/// one that nobody will finish.
struct UploadNote: Sendable {
  private let upload: JournalUpload
  private let journal: TransferJournal

  /// Returns once others can see it; nil when there is no journal, or none that can be used.
  static func begin(
    _ id: UploadID, of location: ObjectLocation, from source: JournalUpload.Source,
    _ journaling: Journaling?
  ) async -> UploadNote? {
    guard let journaling else { return nil }
    let place = ObjectLocation(bucket: location.bucket, key: location.key)
    let note = UploadNote(
      upload: JournalUpload(
        endpoint: journaling.endpoint, location: place, uploadID: id, source: source),
      journal: journaling.journal)
    do {
      try await note.journal.begin(note.upload, for: journaling.holder)
      return note
    } catch {
      return nil
    }
  }

  /// - Parameter problem: why it was not aborted, where it was not completed.
  func end(leaving problem: StorageError? = nil) async {
    if let problem, problem.kind != .outcomeUnrecorded {
      try? await journal.release(upload)
    } else {
      try? await journal.remove(upload)
    }
  }
}
