import History
import S3

/// Deletes pages of candidates, each object with a row of its own, and adds up what became of them.
struct Deleter: Sendable {
  /// Keys that go one by one are this many at once.
  private static let concurrentSingles = 8
  /// DeleteObjects under way at once: the rows of one are recorded while another is answered.
  private static let concurrentBatches = 3

  let bucket: BucketName
  let client: S3Client
  let recorder: Recorder
  /// nil to take all, however new. By this machine's clock.
  let confirmedAt: Timestamp?
  private(set) var report = DeletionReport()
  /// The outcomes of the batch before are recorded while the next one is under way.
  private var recording: Task<StorageError?, Never>?
  /// In the order in which they began.
  private var running: [Task<BatchEnd, Never>] = []

  init(bucket: BucketName, client: S3Client, recorder: Recorder, confirmedAt: Timestamp?) {
    self.bucket = bucket
    self.client = client
    self.recorder = recorder
    self.confirmedAt = confirmedAt
  }

  var progress: DeletionProgress {
    DeletionProgress(deleted: report.deleted, failed: report.failed)
  }

  /// Deletes everything that `walk` finds, and looks for more while batches are under way.
  ///
  /// - Returns: the targets that hold nothing, as far as they have to be looked through.
  @discardableResult
  mutating func run(
    _ walk: TargetWalk, while undertaking: Undertaking,
    progress: @Sendable (DeletionProgress) -> Void
  ) async throws(StorageError) -> Set<DeletionTarget> {
    do throws(StorageError) {
      let unmatched = try await deleteAll(walk, while: undertaking, progress: progress)
      await endRecording()
      return unmatched
    } catch {
      await endRecording()
      throw error
    }
  }

  private mutating func deleteAll(
    _ walk: TargetWalk, while undertaking: Undertaking,
    progress: @Sendable (DeletionProgress) -> Void
  ) async throws(StorageError) -> Set<DeletionTarget> {
    var walk = walk
    var failure: StorageError?
    do throws(StorageError) {
      while let page = try await walk.next(while: undertaking) {
        try await delete(page, progress: progress)
      }
    } catch {
      failure = error
    }
    // What has begun comes to its end, whatever it is: the report and the history tell of it.
    while !running.isEmpty {
      do throws(StorageError) {
        try await endFirstBatch(progress)
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return walk.unmatched
  }

  /// - Throws: when going on makes no sense; ``report`` has what was done.
  private mutating func delete(
    _ candidates: [DeletionCandidate], progress: @Sendable (DeletionProgress) -> Void
  ) async throws(StorageError) {
    // Asked now, since the answer that brought the candidates told the server's time.
    let plan = DeletionPlan(
      candidates, confirmedAt: confirmedAt.map { client.serverTime(at: $0) },
      deletesMany: client.deletesMany)
    report.leftNewer += plan.newer.count
    report.missing += plan.missing.count
    for batch in plan.batches {
      if running.count == Self.concurrentBatches { try await endFirstBatch(progress) }
      begin(batch)
    }
    var singles = plan.singles[...]
    while !singles.isEmpty {
      let group = Array(singles.prefix(Recorder.rowsPerCommit))
      singles = singles.dropFirst(Recorder.rowsPerCommit)
      let rows = try await recorder.begin(group.map(change), while: undertaking(of: group))
      try await deleteOneByOne(group, rows)
      progress(self.progress)
    }
  }

  private func location(of candidate: DeletionCandidate) -> ObjectLocation {
    ObjectLocation(bucket: bucket, key: candidate.key, versionID: candidate.versionID)
  }

  private func change(_ candidate: DeletionCandidate) -> Change {
    Change(
      .delete, bucket: bucket, key: candidate.key, versionID: candidate.versionID,
      size: candidate.size)
  }

  /// What is left alone where the history cannot take `candidates`.
  private func undertaking(of candidates: [DeletionCandidate]) -> Undertaking {
    guard candidates.count == 1 else { return .deleteMany(bucket) }
    return .delete(location(of: candidates[0]))
  }

  private enum BatchEnd: Sendable {
    /// It was not recorded, and nothing was sent.
    case notBegun(StorageError)
    case ended([DeletionCandidate], [ChangeID], Result<DeleteObjectsResult, S3Error>)
  }

  /// Starts to record a batch and then to delete it.
  private mutating func begin(_ batch: [DeletionCandidate]) {
    let changes = batch.map(change)
    let undertaking = undertaking(of: batch)
    running.append(
      Task { [client, bucket, recorder] in
        let rows: [ChangeID]
        do throws(StorageError) {
          rows = try await recorder.begin(changes, while: undertaking)
        } catch {
          return .notBegun(error)
        }
        do throws(S3Error) {
          let identifiers = batch.map(\.identifier)
          let answer = try await withGrace { () async throws(S3Error) in
            try await client.deleteObjects(bucket, identifiers)
          }
          return .ended(batch, rows, .success(answer))
        } catch {
          return .ended(batch, rows, .failure(error))
        }
      })
  }

  /// Waits for the batch that began first. Cancelling the task cancels all that are under way.
  private mutating func endFirstBatch(
    _ progress: @Sendable (DeletionProgress) -> Void
  ) async throws(StorageError) {
    let end = await withTaskCancellationHandler { [running] in
      await running[0].value
    } onCancel: { [running] in
      for batch in running { batch.cancel() }
    }
    running.removeFirst()
    defer { progress(self.progress) }
    let undertaking = Undertaking.deleteMany(bucket)
    let (batch, rows, outcome):
      ([DeletionCandidate], [ChangeID], Result<DeleteObjectsResult, S3Error>)
    switch end {
    case .notBegun(let error): throw error
    case .ended(let candidates, let ids, let result):
      (batch, rows, outcome) = (candidates, ids, result)
    }
    switch outcome {
    case .success(let answer):
      var endings: [(ChangeID, Ending)] = []
      for ((row, candidate), answer) in zip(zip(rows, batch), answer.answers) {
        switch answer {
        case .success(let deleted):
          succeed(candidate, deleted)
          endings.append((row, Ending(deleted)))
        case .failure(let failure):
          endings.append((row, fail(candidate, failure)))
        }
      }
      await record(endings, while: undertaking)
    case .failure(let error) where error.isNotImplemented:
      // Their rows are there, and nothing has been done yet.
      try await deleteOneByOne(batch, rows)
    case .failure(let error):
      let ending = Ending(of: error)
      let words = StorageError(error, ending: ending, while: undertaking)
      if words.isUnanswered { report.unknown += batch.count }
      // What was cancelled has not failed, and what is not known of a batch is said once.
      for candidate in batch where !error.isCancellation {
        fail(candidate, code: error.recordedCode, message: words.message)
      }
      await record(rows.map { ($0, ending) }, while: undertaking)
      throw words
    }
  }

  /// - Parameter rows: those of `group` in the history, in its order.
  private mutating func deleteOneByOne(
    _ group: [DeletionCandidate], _ rows: [ChangeID]
  ) async throws(StorageError) {
    let undertaking = Undertaking.deleteMany(bucket)
    typealias Answer = (Int, Result<DeletedObject, S3Error>)
    let results = await withTaskGroup(of: Answer.self) { [client, bucket] tasks in
      var results: [Result<DeletedObject, S3Error>?] = Array(repeating: nil, count: group.count)
      var next = 0
      var running = 0
      while true {
        // What was not sent when the task was cancelled stays unsent.
        while next < group.count, running < Self.concurrentSingles, !Task.isCancelled {
          let index = next
          let location = ObjectLocation(
            bucket: bucket, key: group[index].key, versionID: group[index].versionID)
          tasks.addTask {
            do throws(S3Error) {
              let answer = try await withGrace { () async throws(S3Error) in
                try await client.deleteObject(location)
              }
              return (index, .success(answer))
            } catch {
              return (index, .failure(error))
            }
          }
          next += 1
          running += 1
        }
        guard let (index, result) = await tasks.next() else { break }
        running -= 1
        results[index] = result
      }
      return results
    }
    var fatal: StorageError?
    var endings: [(ChangeID, Ending)] = []
    for (index, row) in rows.enumerated() {
      let candidate = group[index]
      switch results[index] {
      case .success(let deleted):
        succeed(candidate, deleted)
        endings.append((row, Ending(deleted)))
      case .failure(let error):
        let ending = Ending(of: error)
        let words = StorageError(
          error, ending: ending, while: .delete(location(of: candidate)))
        if !words.isCancellation {
          // What is fatal is told once more, with its recovery.
          fail(
            candidate, code: error.recordedCode, message: words.message,
            recovery: error.code == nil ? nil : words.recovery)
        }
        endings.append((row, ending))
        if error.code == nil { fatal = words }
      case nil:
        endings.append((row, .unsent))
      }
    }
    await record(endings, while: undertaking)
    if Task.isCancelled { throw .cancelled }
    if let fatal { throw fatal }
  }

  /// Begins to record how a batch ended, once the one before is recorded. Goes on when the deletion
  /// is cancelled.
  private mutating func record(
    _ endings: [(ChangeID, Ending)], while undertaking: Undertaking
  ) async {
    await endRecording()
    recording = Task { [recorder] in await recorder.finish(endings, while: undertaking) }
  }

  private mutating func endRecording() async {
    guard let recording else { return }
    self.recording = nil
    note(await recording.value)
  }

  private mutating func succeed(_ candidate: DeletionCandidate, _ deleted: DeletedObject) {
    report.deleted += 1
    report.bytes += candidate.size ?? .zero
    if candidate.versionID == nil, deleted.isDeleteMarker { report.isVersioned = true }
  }

  private mutating func fail(
    _ candidate: DeletionCandidate, code: String, message: String, recovery: String? = nil
  ) {
    report.failed += 1
    guard report.failures.count < DeletionReport.failuresKept else { return }
    report.failures.append(
      DeletionFailure(
        key: candidate.key, versionID: candidate.versionID, code: code, message: message,
        recovery: recovery))
  }

  /// - Returns: how its change ended.
  private mutating func fail(_ candidate: DeletionCandidate, _ failure: DeleteFailure) -> Ending {
    let words = Words(failure.refusal, while: .delete(location(of: candidate)))
    fail(
      candidate, code: failure.code.rawValue, message: failure.message, recovery: words.recovery)
    return Ending(
      outcome: failure.isInDoubt ? .interrupted : .failed, errorCode: failure.code.rawValue)
  }

  mutating func note(_ warning: StorageError?) {
    report.warning = report.warning ?? warning
  }

  /// What was done before `error` ended it.
  ///
  /// - Throws: `error`, when nothing was done.
  func report(stoppedBy error: StorageError) throws(StorageError) -> DeletionReport {
    let known = report.deleted + report.failed + report.missing + report.abortedUploads
    guard known + report.unknown > 0 else { throw error }
    var report = report
    // Several batches may have been under way.
    let isCancelled = error.isCancellation || error.isUnanswered
    report.stoppedBy =
      isCancelled && report.unknown > 0 ? .unknownDeletions(report.unknown, in: bucket) : error
    return report
  }

  mutating func countAbortedUpload(_ warning: StorageError?) {
    report.abortedUploads += 1
    note(warning)
  }
}
