import History
import S3
import SystemPackage

extension Ending {
  static let done = Ending(outcome: .done)
  /// Recorded, and not sent after all.
  static let unsent = Ending(outcome: .cancelled, errorCode: "NotSent")
  /// Its process died before it was done, and another one went on.
  static let processDied = Ending(outcome: .interrupted, errorCode: "ProcessDied")

  init(_ receipt: WriteReceipt, size: ByteCount? = nil) {
    self.init(
      outcome: .done, etag: receipt.etag, versionID: receipt.versionID,
      checksum: receipt.checksum, size: size)
  }

  init(_ deleted: DeletedObject) {
    self.init(outcome: .done, versionID: deleted.deleteMarkerVersionID ?? deleted.versionID)
  }
}

/// An answer, and what could not be recorded about it.
struct Recorded<Answer: Sendable>: Sendable {
  var answer: Answer
  /// Set when the change was made and only its outcome is missing in the history.
  var warning: StorageError?
}

/// The one way by which a change reaches a server: the row, then the request, then its outcome.
///
/// No record, no change. ``begin(_:while:)`` returns once the rows are on the disk, and refuses in
/// read-only mode; nothing else in this module may send a request that changes something.
final class Recorder: Sendable {
  /// A commit holds at most this many changes and this many outcomes, so that no other process waits
  /// long for its turn.
  static let rowsPerCommit = HistoryStore.rowsPerCommit

  let history: HistoryStore
  let author: Author
  /// Asked for each commit: temporary credentials have another one every hour. nil when there are
  /// no credentials.
  let accessKeyID: @Sendable () async -> String?
  /// Scheme, host and port.
  let endpoint: String
  let isReadOnly: Bool

  init(
    history: HistoryStore, author: Author, accessKeyID: @escaping @Sendable () async -> String?,
    endpoint: String, isReadOnly: Bool
  ) {
    self.history = history
    self.author = author
    self.accessKeyID = accessKeyID
    self.endpoint = endpoint
    self.isReadOnly = isReadOnly
  }

  /// For what is recorded and changes nothing: a presigned URL for reading.
  var allowingReadOnly: Recorder {
    Recorder(
      history: history, author: author, accessKeyID: accessKeyID, endpoint: endpoint,
      isReadOnly: false)
  }

  /// Records changes that are about to be made; one row each, in commits of
  /// ``rowsPerCommit``. Returns when all of them are durable.
  ///
  /// When only some could be recorded, those end as not sent, and nothing may be sent.
  func begin(
    _ changes: [Change], while undertaking: Undertaking
  ) async throws(StorageError) -> [ChangeID] {
    guard !isReadOnly else { throw .readOnly(undertaking) }
    var ids: [ChangeID] = []
    ids.reserveCapacity(changes.count)
    var rest = changes[...]
    while !rest.isEmpty {
      let accessKeyID = await self.accessKeyID()
      let startedAt = Timestamp.now()
      let drafts = rest.prefix(Self.rowsPerCommit).map { change in
        var change = change
        change.localPath = change.localPath?.absolute
        return ChangeDraft(
          change, author: author, accessKeyID: accessKeyID, endpoint: endpoint,
          startedAt: startedAt)
      }
      rest = rest.dropFirst(Self.rowsPerCommit)
      do {
        ids += try await history.begin(drafts)
      } catch {
        _ = await finish(ids.map { ($0, .unsent) }, while: undertaking)
        throw error == .cancelled
          ? .cancelled : StorageError(refusedBy: error, while: undertaking)
      }
    }
    guard !Task.isCancelled else {
      _ = await finish(ids.map { ($0, .unsent) }, while: undertaking)
      throw .cancelled
    }
    return ids
  }

  func begin(_ change: Change, while undertaking: Undertaking) async throws(StorageError)
    -> ChangeID
  {
    let ids = try await begin([change], while: undertaking)
    guard let id = ids.first else {
      throw StorageError(refusedBy: .corrupt("no row was made"), while: undertaking)
    }
    return id
  }

  /// Records how changes ended.
  ///
  /// - Returns: What to tell the person when it could not be recorded; the changes stay as they are.
  func finish(
    _ endings: [(ChangeID, Ending)], while undertaking: Undertaking
  ) async -> StorageError? {
    var warning: StorageError?
    var rest = endings[...]
    while !rest.isEmpty {
      let finishedAt = Timestamp.now()
      let outcomes = rest.prefix(Self.rowsPerCommit).map { change, ending in
        ChangeOutcome(change, ending, finishedAt: finishedAt)
      }
      rest = rest.dropFirst(Self.rowsPerCommit)
      do {
        try await history.finish(outcomes)
      } catch {
        warning = StorageError(outcomeUnrecorded: error, while: undertaking)
      }
    }
    return warning
  }

  /// Gives the rows that dead processes left for a change an outcome: the newest this one, those
  /// before it were taken over by the next and ended `interrupted`.
  ///
  /// Does its best: what is not settled here is settled like the rows of any dead process.
  ///
  /// - Returns: whether there was such a row.
  @discardableResult
  func settle(_ change: Change, _ ending: Ending) async -> Bool {
    var left: [ChangeID] = []
    var last: ChangeID?
    while let page = try? await history.abandoned(by: author, after: last, limit: 500) {
      left += page.filter { entry in
        entry.action == change.action && entry.endpoint == endpoint
          && entry.bucket == change.bucket && entry.key == change.key
          && entry.localPath == change.localPath?.absolute
      }.map(\.id)
      guard page.count == 500 else { break }
      last = page.last?.id
    }
    for id in left.sorted() {
      let ending = id == left.max() ? ending : .processDied
      try? await history.finish([ChangeOutcome(id, ending, finishedAt: .now())])
    }
    return !left.isEmpty
  }

  /// Records that an earlier run made `change`, as was found out since: in its row where that is still
  /// open, else in another one, since an outcome stays what it is.
  ///
  /// - Returns: what to tell the person when it could not be recorded.
  func foundDone(
    _ change: Change, _ ending: Ending, while undertaking: Undertaking
  ) async -> StorageError? {
    guard await !settle(change, ending) else { return nil }
    let query = HistoryQuery(bucket: change.bucket, prefix: change.key, action: change.action)
    let last = try? await history.page(query, limit: Self.rowsPerCommit).first { entry in
      entry.key == change.key && entry.endpoint == endpoint
    }
    // It was recorded, and what came after that was lost.
    if let last, last.outcome == .done, last.etag == ending.etag,
      last.versionID == ending.versionID
    {
      return nil
    }
    do {
      let row = try await begin(change, while: undertaking)
      return await finish([(row, ending)], while: undertaking)
    } catch {
      return error.isCancellation
        ? nil : StorageError(outcomeUnrecordedBy: error, while: undertaking)
    }
  }

  /// Records `change`, sends `request`, and records how it ended.
  ///
  /// - Parameter ending: What to record of a success.
  func recorded<Answer: Sendable>(
    _ change: Change, while undertaking: Undertaking,
    ending: (Answer) -> Ending = { _ in .done },
    _ request: @escaping @Sendable () async throws(S3Error) -> Answer
  ) async throws(StorageError) -> Recorded<Answer> {
    let id = try await begin(change, while: undertaking)
    do {
      let answer = try await withGrace(request)
      let warning = await finish([(id, ending(answer))], while: undertaking)
      return Recorded(answer: answer, warning: warning)
    } catch {
      let ending = Ending(of: error)
      let warning = await finish([(id, ending)], while: undertaking)
      throw StorageError(error, ending: ending, while: undertaking).noting(warning)
    }
  }
}
