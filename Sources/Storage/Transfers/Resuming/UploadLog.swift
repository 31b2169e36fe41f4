import HTTP
import History
import S3
import Synchronization

/// What the journal keeps of one upload in parts, held under its lease.
///
/// An upload goes on when the journal cannot be written any more; it then cannot be resumed.
final class UploadLog: Sendable {
  /// As it was left by an earlier run.
  let entry: JournalEntry
  private let journal: TransferJournal
  private let request: JournalRequest
  private let isWorking = Atomic(true)
  private let begins = Atomic(false)

  /// nil when there is no journal, or none that can be used.
  ///
  /// - Parameter waiting: the same under the name that was asked for.
  /// - Throws: ``StorageError/Kind/inUse`` when somebody else works on the same.
  static func take(
    _ request: TransferRequest, insteadOf waiting: TransferRequest, _ tools: TransferTools
  ) async throws(StorageError) -> UploadLog? {
    guard let journaling = tools.journaling else { return nil }
    let request = journaling.entry(for: request)
    do {
      let entry = try await journaling.journal.take(
        request, for: journaling.holder, partOf: tools.tree,
        insteadOf: journaling.entry(for: waiting))
      return UploadLog(journaling.journal, request, entry)
    } catch {
      guard case .held = error else {
        journaling.note(error)
        return nil
      }
      throw StorageError(error, about: "s3://\(request.bucket)/\(request.key.text)")
    }
  }

  /// As ``take(_:insteadOf:_:)``, of an upload that an earlier run has left only.
  static func takeLeft(
    _ request: TransferRequest, _ tools: TransferTools
  ) async throws(StorageError) -> UploadLog? {
    guard let journaling = tools.journaling,
      let entry = try await journaling.takeLeft(request)
    else { return nil }
    return UploadLog(journaling.journal, journaling.entry(for: request), entry)
  }

  private init(_ journal: TransferJournal, _ request: JournalRequest, _ entry: JournalEntry) {
    self.journal = journal
    self.request = request
    self.entry = entry
  }

  /// Whether the upload could be resumed.
  var canResume: Bool { isWorking.load(ordering: .relaxed) }

  /// Whether the journal has another upload in place of what it was left with.
  var hasBegun: Bool { begins.load(ordering: .relaxed) }

  /// Returns once it is on the disk.
  func began(_ id: UploadID, of source: SourceFile, _ plan: PartPlan) async {
    let subject = JournalSubject(
      size: source.size, modified: source.modified, partSize: plan.partSize, uploadID: id)
    do {
      try await journal.begin(entry.id, as: request, subject)
      begins.store(true, ordering: .relaxed)
    } catch {
      isWorking.store(false, ordering: .relaxed)
    }
  }

  func sent(_ receipt: PartReceipt) async {
    await journal.note(
      [
        JournalPiece(
          place: Int64(receipt.number.value), size: receipt.size, crc64nvme: receipt.crc64nvme,
          crc32c: receipt.crc32c, etag: receipt.etag)
      ], of: entry.id)
  }

  /// By their numbers.
  func receipts() async -> [PartNumber: PartReceipt] {
    let pieces = (try? await journal.pieces(of: entry.id)) ?? []
    return pieces.reduce(into: [:]) { receipts, piece in
      let number = PartNumber(Int(piece.place))
      receipts[number] = PartReceipt(
        number: number, etag: piece.etag, crc64nvme: piece.crc64nvme, crc32c: piece.crc32c,
        size: piece.size)
    }
  }

  /// Leaves it to be resumed.
  func release() async {
    try? await journal.release(entry.id)
  }

  /// It has come to its end.
  func remove() async {
    try? await journal.remove(entry.id)
  }
}
