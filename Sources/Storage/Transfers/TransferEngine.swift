import DequeModule
import OrderedCollections
import S3
import SystemPackage

/// The queue of uploads and downloads: some run, the others wait in turn.
///
/// A transfer ends whole or leaves nothing behind: cancelling aborts a multipart upload and removes
/// a partial file before the transfer shows as cancelled.
public actor TransferEngine {
  private struct Entry {
    let request: TransferRequest
    var state = TransferStatus.State.waiting
    var progress = TransferProgress()
    var meter = RateMeter()
    var startedAt: Timestamp?
    var task: Task<Void, Never>?
    /// Those who wait for its end.
    var waiters: [CheckedContinuation<Result<TransferResult, StorageError>, Never>] = []
  }

  private let tools: TransferTools
  private let settings: TransferSettings
  private var entries: OrderedDictionary<TransferID, Entry> = [:]
  private var waiting: Deque<TransferID> = []
  private var runningCount = 0
  private var lastID = 0

  private let clock = ContinuousClock()
  private let start = ContinuousClock.now
  private var listeners: [Int: AsyncStream<[TransferStatus]>.Continuation] = [:]
  private var nextListener = 0
  private var lastPublished: [TransferStatus] = []
  private var lastPublishedAt: ContinuousClock.Instant?
  /// Looks at the counters while something runs, and once more when something changed.
  private var ticker: Task<Void, Never>?
  private var hasChanged = false

  init(client: S3Client, recorder: Recorder, settings: TransferSettings) {
    tools = TransferTools(
      client: client, recorder: recorder, pool: RequestPool(limit: settings.concurrentRequests),
      settings: settings)
    self.settings = settings
  }

  // MARK: - Asking for transfers

  /// Puts transfers at the end of the queue; they start as soon as there is room.
  @discardableResult
  public func enqueue(_ requests: [TransferRequest]) -> [TransferID] {
    let ids = requests.map { request in
      lastID += 1
      let id = TransferID(lastID)
      entries[id] = Entry(request: request)
      waiting.append(id)
      return id
    }
    startWaiting()
    changed()
    return ids
  }

  /// Ends a transfer. One that runs shows as `cancelling` until nothing of it is left; one that
  /// is over stays as it is.
  public func cancel(_ id: TransferID) {
    guard let entry = entries[id] else { return }
    switch entry.state {
    case .waiting:
      waiting.removeAll { $0 == id }
      end(id, .failure(.cancelled))
    case .running, .retrying:
      entries[id]?.state = .cancelling
      entry.task?.cancel()
    case .cancelling, .cancelled, .finished, .failed:
      return
    }
    changed()
  }

  /// Cancels all that wait or run. Returns when nothing of them is left.
  public func cancelAll() async {
    for id in entries.keys { cancel(id) }
    for entry in entries.values { await entry.task?.value }
  }

  /// Puts a transfer that failed or was cancelled at the end of the queue again.
  public func retry(_ id: TransferID) {
    guard let entry = entries[id] else { return }
    switch entry.state {
    case .failed, .cancelled: break
    case .waiting, .running, .retrying, .cancelling, .finished: return
    }
    entries[id] = Entry(request: entry.request)
    waiting.append(id)
    startWaiting()
    changed()
  }

  /// Forgets the transfers that are over.
  public func clearFinished() {
    entries.removeAll { $0.value.state.isOver }
    changed()
  }

  /// Waits for the end of a transfer. Cancelling the task cancels the transfer.
  public func result(of id: TransferID) async throws(StorageError) -> TransferResult {
    let result: Result<TransferResult, StorageError> = await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        guard let entry = entries[id] else {
          return waiter.resume(returning: .failure(.cancelled))
        }
        switch entry.state {
        case .finished(let result): waiter.resume(returning: .success(result))
        case .failed(let error): waiter.resume(returning: .failure(error))
        case .cancelled: waiter.resume(returning: .failure(.cancelled))
        case .waiting, .running, .retrying, .cancelling: entries[id]?.waiters.append(waiter)
        }
      }
    } onCancel: {
      Task { await self.cancel(id) }
    }
    return try result.get()
  }

  // MARK: - Running them

  private func startWaiting() {
    while runningCount < max(settings.concurrentTransfers, 1), let id = waiting.popFirst() {
      guard let entry = entries[id] else { continue }
      runningCount += 1
      entries[id]?.state = .running
      entries[id]?.startedAt = .now()
      let tools = tools.reporting(to: entry.progress)
      entries[id]?.task = Task {
        let result = await Self.run(entry.request, tools, entry.progress)
        self.ran(id, result)
      }
    }
  }

  private static func run(
    _ request: TransferRequest, _ tools: TransferTools, _ progress: TransferProgress
  ) async -> Result<TransferResult, StorageError> {
    do throws(StorageError) {
      switch request.work {
      case .upload(let file, let location, let attributes):
        return .success(
          try await Uploader(
            file: file, location: location, attributes: attributes, ifExists: request.ifExists,
            tools: tools, progress: progress
          ).run())
      case .download(let object, let summary, let folder, let name):
        return .success(
          try await Downloader(
            object: object, summary: summary, folder: folder, name: name,
            ifExists: request.ifExists, tools: tools, progress: progress
          ).run())
      }
    } catch {
      return .failure(error)
    }
  }

  private func ran(_ id: TransferID, _ result: Result<TransferResult, StorageError>) {
    runningCount -= 1
    end(id, result)
    startWaiting()
    changed()
  }

  private func end(_ id: TransferID, _ result: Result<TransferResult, StorageError>) {
    switch result {
    case .success(let result): entries[id]?.state = .finished(result)
    case .failure(let error) where error.isCancellation: entries[id]?.state = .cancelled
    case .failure(let error): entries[id]?.state = .failed(error)
    }
    entries[id]?.task = nil
    let waiters = entries[id]?.waiters ?? []
    entries[id]?.waiters = []
    for waiter in waiters { waiter.resume(returning: result) }
  }

  // MARK: - Showing them

  /// All transfers, oldest first, at this moment.
  public func status() -> [TransferStatus] {
    let time = start.duration(to: clock.now)
    for (id, entry) in entries where !entry.state.isOver && entry.state != .waiting {
      entries[id]?.meter.add(moved: entry.progress.snapshot.moved, at: time)
    }
    return entries.map { id, entry in Self.status(id, entry) }
  }

  private static func status(_ id: TransferID, _ entry: Entry) -> TransferStatus {
    let seen = entry.progress.snapshot
    let location = seen.location ?? entry.request.location
    var status = TransferStatus(
      id: id, direction: entry.request.direction, name: [], location: location,
      localPath: seen.localPath ?? entry.request.localPath, total: seen.total,
      moved: seen.moved, state: entry.state, startedAt: entry.startedAt)
    status.name =
      switch entry.request.work {
      case .upload(let file, _, _): file.lastComponent.map { Array($0.string.utf8) } ?? []
      case .download(let object, _, _, _): Array(object.key.lastSegment)
      }
    switch entry.state {
    case .running:
      status.rate = entry.meter.rate
      status.timeLeft = entry.meter.timeLeft(total: seen.total)
      if let retry = seen.retry {
        status.state = .retrying(
          attempt: retry.attempt + 1, of: retry.maxAttempts, code: retry.recordedCode)
      }
    case .finished(let result):
      status.location = result.location
      status.localPath = result.localPath
      status.total = result.size
      status.moved = result.isSkipped ? .zero : result.size
    case .waiting, .retrying, .failed, .cancelling, .cancelled: break
    }
    return status
  }

  /// The newest status, whenever something changed, and at most ten times a second. Whoever is
  /// slow misses what was in between. Says nothing while nothing happens.
  public nonisolated func updates() -> AsyncStream<[TransferStatus]> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: [TransferStatus].self, bufferingPolicy: .bufferingNewest(1))
    Task { await self.listen(continuation) }
    return stream
  }

  private func listen(_ continuation: AsyncStream<[TransferStatus]>.Continuation) {
    nextListener += 1
    let listener = nextListener
    listeners[listener] = continuation
    continuation.onTermination = { _ in Task { await self.forget(listener) } }
    if !entries.isEmpty { continuation.yield(status()) }
  }

  private func forget(_ listener: Int) {
    listeners[listener] = nil
  }

  /// Something other than a counter changed.
  private func changed() {
    hasChanged = true
    guard ticker == nil else { return }
    let isDue =
      lastPublishedAt.map { $0.duration(to: clock.now) >= settings.updateInterval } ?? true
    if isDue { publish() }
    guard hasChanged || runningCount > 0 else { return }
    ticker = Task { await self.tick() }
  }

  private func tick() async {
    repeat {
      // Sleeping fails only when the task is cancelled, and nobody does that.
      try? await clock.sleep(for: settings.updateInterval)
      publish()
    } while runningCount > 0 || hasChanged
    ticker = nil
  }

  private func publish() {
    hasChanged = false
    let status = status()
    lastPublishedAt = clock.now
    guard status != lastPublished else { return }
    lastPublished = status
    for listener in listeners.values { listener.yield(status) }
  }
}

extension TransferRequest {
  /// The file at this end, as far as it is known before the transfer runs.
  var localPath: FilePath {
    switch work {
    case .upload(let file, _, _): file
    case .download(_, _, let folder, let name):
      // For show only: `DownloadFolder` decides where it really goes.
      (try? RelativeName(name))?.path(below: folder) ?? folder
    }
  }
}

extension RetryNotice {
  fileprivate var recordedCode: String {
    S3Error(operation: operation, cause: cause, attempts: attempt).recordedCode
  }
}
