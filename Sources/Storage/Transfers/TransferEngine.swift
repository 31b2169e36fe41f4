import DequeModule
import OrderedCollections
import S3
import SystemPackage

/// The queue of uploads and downloads: some run, the others wait in turn.
///
/// A transfer ends whole or leaves nothing behind: cancelling aborts a multipart upload and removes
/// a partial file before the transfer shows as cancelled.
public actor TransferEngine {
  let tools: TransferTools
  private let settings: TransferSettings
  private var entries: OrderedDictionary<TransferID, QueuedTransfer> = [:]
  private var waiting: Deque<TransferID> = []
  private var running: Set<TransferID> = []
  private var lastID = 0

  private let clock = ContinuousClock()
  private let start = ContinuousClock.now
  private var listeners: [Int: AsyncStream<[TransferStatus]>.Continuation] = [:]
  private var nextListener = 0
  private var lastPublishedAt: ContinuousClock.Instant?
  /// Looks at the counters while something runs, and once more when something changed.
  private var ticker: Task<Void, Never>?
  private var hasChanged = false

  init(
    client: S3Client, recorder: Recorder, settings: TransferSettings, journaling: Journaling?
  ) {
    tools = TransferTools(
      client: client, recorder: recorder, pool: RequestPool(limit: settings.concurrentRequests),
      settings: settings, journaling: journaling)
    self.settings = settings
  }

  // MARK: - Asking for transfers

  /// Puts transfers at the end of the queue; they start as soon as there is room.
  @discardableResult
  public func enqueue(_ requests: [TransferRequest]) -> [TransferID] {
    let ids = requests.map { request in
      lastID += 1
      let id = TransferID(lastID)
      entries[id] = QueuedTransfer(id, request)
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
    switch entry.status.state {
    case .waiting:
      waiting.removeAll { $0 == id }
      end(id, .failure(.cancelled))
    case .running, .retrying:
      entries[id]?.status.state = .cancelling
      entry.task?.cancel()
    case .cancelling, .cancelled, .finished, .failed:
      return
    }
    changed()
  }

  /// Cancels all that wait or run. Returns when nothing of them is left.
  public func cancelAll() async {
    // Before any of them is looked for in the queue: looking is slow when many wait, and none may
    // start in the place of one that ends.
    waiting.removeAll()
    for id in entries.keys { cancel(id) }
    for entry in entries.values { await entry.task?.value }
  }

  /// Those that are not over, oldest first.
  var unfinished: [TransferID] {
    entries.values.filter { !$0.status.state.isOver }.map(\.status.id)
  }

  /// Ends all that wait or run, so that they can be resumed.
  ///
  /// - Returns: those that are still at it.
  func stopAll() -> [Task<Void, Never>] {
    let queued = waiting
    waiting.removeAll()
    for id in queued { end(id, .failure(.stopped)) }
    for id in running {
      guard entries[id]?.status.state != .cancelling else { continue }
      entries[id]?.stop.raise()
      entries[id]?.task?.cancel()
    }
    changed()
    return running.compactMap { entries[$0]?.task }
  }

  /// What was asked for, of a transfer that ended because it was stopped.
  func stoppedRequest(of id: TransferID) -> TransferRequest? {
    guard let entry = entries[id], case .failed(let error) = entry.status.state,
      error.kind == .stopped
    else { return nil }
    return entry.request
  }

  /// Puts a transfer that failed or was cancelled at the end of the queue again.
  public func retry(_ id: TransferID) {
    guard let entry = entries[id] else { return }
    switch entry.status.state {
    case .failed, .cancelled: break
    case .waiting, .running, .retrying, .cancelling, .finished: return
    }
    entries[id] = QueuedTransfer(id, entry.request)
    waiting.append(id)
    startWaiting()
    changed()
  }

  /// Forgets the transfers that are over.
  public func clearFinished() {
    entries.removeAll { $0.value.status.state.isOver }
    changed()
  }

  /// Waits for the end of a transfer. Cancelling the task cancels the transfer.
  public func result(of id: TransferID) async throws(StorageError) -> TransferResult {
    let result: Result<TransferResult, StorageError> = await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        guard let entry = entries[id] else {
          return waiter.resume(returning: .failure(.cancelled))
        }
        switch entry.status.state {
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
    while running.count < max(settings.concurrentTransfers, 1), let id = waiting.popFirst() {
      guard let entry = entries[id] else { continue }
      running.insert(id)
      entries[id]?.status.state = .running
      entries[id]?.status.startedAt = .now()
      let tools = tools.reporting(to: entry.progress, stoppedBy: entry.stop)
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
    running.remove(id)
    entries[id]?.look(at: start.duration(to: clock.now))
    if case .failure(let error) = result, error.isCancellation, entries[id]?.stop.isRaised == true {
      end(id, .failure(.stopped))
    } else {
      end(id, result)
    }
    startWaiting()
    changed()
  }

  private func end(_ id: TransferID, _ result: Result<TransferResult, StorageError>) {
    entries[id]?.end(result)
    let waiters = entries[id]?.waiters ?? []
    entries[id]?.waiters = []
    for waiter in waiters { waiter.resume(returning: result) }
  }

  // MARK: - Showing them

  /// All transfers, oldest first, at this moment.
  public func status() -> [TransferStatus] {
    lookAtRunning()
    return entries.values.map(\.status)
  }

  private func lookAtRunning() {
    let time = start.duration(to: clock.now)
    for id in running {
      guard let before = entries[id]?.status else { continue }
      entries[id]?.look(at: time)
      if entries[id]?.status != before { hasChanged = true }
    }
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
    guard hasChanged || !running.isEmpty else { return }
    ticker = Task { await self.tick() }
  }

  private func tick() async {
    repeat {
      // Sleeping fails only when the task is cancelled, and nobody does that.
      try? await clock.sleep(for: settings.updateInterval)
      publish()
    } while !running.isEmpty || hasChanged
    ticker = nil
  }

  private func publish() {
    lookAtRunning()
    lastPublishedAt = clock.now
    guard hasChanged else { return }
    hasChanged = false
    guard !listeners.isEmpty else { return }
    let status = entries.values.map(\.status)
    for listener in listeners.values { listener.yield(status) }
  }
}
