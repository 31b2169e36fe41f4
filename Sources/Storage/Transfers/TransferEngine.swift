import DequeModule
import HTTP
public import History
import OrderedCollections
import S3
internal import Synchronization
import SystemPackage

/// The queue of uploads and downloads: some run, the others wait in turn.
///
/// A transfer ends whole or leaves nothing behind: cancelling aborts a multipart upload and removes
/// a partial file before the transfer shows as cancelled.
public actor TransferEngine {
  let tools: TransferTools
  private let settings: TransferSettings
  var entries: OrderedDictionary<TransferID, QueuedTransfer> = [:]
  /// Those that wait, and some that have been cancelled or paused since. None waits for one in
  /// another lane.
  var waiting: [QueuedTransfer.Lane: Deque<TransferID>] = [:]
  var running: Set<TransferID> = []
  /// How many of `running` are in each lane.
  private var runningCounts: [QueuedTransfer.Lane: Int] = [:]
  /// Those of `running` that stand still on a person's wish; others run in their place.
  var held: Set<TransferID> = []
  /// Of all together: those of many small ones would each be over before they have a rate.
  var meter = RateMeter()
  /// By those that are over.
  private var movedByOthers = ByteCount.zero
  let rateLimit: RateLimit?
  /// Of all engines of the process, so that a number names one transfer.
  private static let lastID = Atomic(0)
  /// What an earlier run has left, by the transfers that go on with it.
  private var resumed: [TransferID: JournalID] = [:]
  let queueLog: QueueLog?
  /// Set once all is being stopped: nothing starts any more.
  var stopping: Task<StoppedTransfers, Never>?

  private let clock = ContinuousClock()
  private let start = ContinuousClock.now
  private var listeners: [Int: AsyncStream<[TransferStatus]>.Continuation] = [:]
  private var nextListener = 0
  private var lastPublishedAt: ContinuousClock.Instant?
  /// Looks at the counters while something runs, and once more when something changed.
  private var ticker: Task<Void, Never>?
  private var hasChanged = false

  init(
    client: S3Client, recorder: Recorder, settings: TransferSettings, journaling: Journaling?,
    rateLimit: RateLimit? = nil
  ) {
    self.rateLimit = rateLimit
    let cores = ProcessorCount.current
    tools = TransferTools(
      client: client, recorder: recorder,
      pool: settings.pool(cores: cores), files: OpenFiles(most: settings.openFiles.files),
      settings: settings, journaling: journaling, patience: Patience(settings.patience))
    self.settings = settings
    queueLog = journaling.map { QueueLog($0) }
  }

  /// Why what is moved now cannot be kept to be resumed; told once.
  public nonisolated func untoldJournalProblem() -> StorageError? {
    tools.journaling?.untoldProblem()
  }

  // MARK: - Asking for transfers

  /// Puts transfers at the end of the queue; they start as soon as there is room.
  @discardableResult
  public func enqueue(_ requests: [TransferRequest]) -> [TransferID] {
    let ids = requests.map { request in
      let id = Self.nextID()
      queue(QueuedTransfer(id, request))
      return id
    }
    startWaiting()
    keepWaiting(ids)
    changed()
    return ids
  }

  /// Puts a folder or prefix at the end of the queue, as one transfer.
  ///
  /// - Parameter outcomes: told what became of each file; has to be read, or else the tree stands
  ///   still when it is full.
  @discardableResult
  public func enqueue(
    _ tree: TransferTree, reporting outcomes: TreeOutcomes? = nil
  ) -> TransferID {
    let id = Self.nextID()
    queue(QueuedTransfer(id, tree, outcomes))
    startWaiting()
    keepWaiting([id])
    changed()
    return id
  }

  /// Waits for the end of a tree.
  ///
  /// - Returns: how far it came, and what ended it before all in it was tried; nil for a tree of
  ///   which no more than single files failed. Cancelling the task does not cancel the tree.
  public func treeEnd(
    of id: TransferID
  ) async -> (status: TreeStatus, stoppedBy: StorageError?) {
    guard case .tree(_, let progress, _) = entries[id]?.work else { return (TreeStatus(), nil) }
    await entries[id]?.task?.value
    let status = progress.snapshot.status
    switch entries[id]?.status.state {
    case .cancelled: return (status, .cancelled)
    case .failed(let error) where error.kind != .incomplete: return (status, error)
    default: return (status, nil)
    }
  }

  /// Whether the journal keeps what it takes to go on with a transfer that is over.
  public func isKept(_ id: TransferID) -> Bool { entries[id]?.stop.isKept ?? false }

  /// The first failures of a tree, oldest first; its status counts all of them.
  public func failures(of id: TransferID) -> [TreeOutcome] {
    guard case .tree(_, let progress, _) = entries[id]?.work else { return [] }
    return progress.failures
  }

  private static func nextID() -> TransferID {
    TransferID(lastID.wrappingAdd(1, ordering: .relaxed).newValue)
  }

  func queue(_ entry: QueuedTransfer) {
    entries[entry.status.id] = entry
    if stopping != nil {
      end(entry.status.id, .failure(.stopped))
    } else {
      waiting[entry.lane, default: []].append(entry.status.id)
    }
  }

  /// Has the journal keep those that would be lost with this process.
  func keepWaiting(_ ids: [TransferID]) {
    guard let queueLog, let journaling = tools.journaling else { return }
    queueLog.add(
      ids.compactMap { id in
        entries[id]?.waitingEntry(journaling, settings).map { (id, $0) }
      })
  }

  // MARK: - Resuming and waiting

  /// Puts a transfer of the journal at the end of the queue.
  ///
  /// It fails with ``StorageError/Kind/inUse`` when another process works on it by then.
  @discardableResult
  public func resume(_ entry: JournalEntry) -> TransferID? {
    let id =
      if let tree = TransferTree(entry.request) {
        TransferID?.some(enqueue(tree))
      } else {
        enqueue([TransferRequest(entry)]).first
      }
    if let id { resumed[id] = entry.id }
    return id
  }

  /// Those of the journal that ``resume(_:)-(JournalEntry)`` was asked for, and that are not over.
  public var resuming: Set<JournalID> {
    Set(resumed.filter { entries[$0.key]?.status.state.isOver == false }.values)
  }

  /// Waits for the end of a transfer. Cancelling the task cancels the transfer.
  public func result(of id: TransferID) async throws(StorageError) -> TransferResult {
    let result = await withTaskCancellationHandler {
      await outcome(of: id)
    } onCancel: {
      Task { await self.cancel(id) }
    }
    return try result.get()
  }

  /// Waits for the end of a transfer, which cancelling the task does not bring about.
  public func outcome(of id: TransferID) async -> Result<TransferResult, StorageError> {
    await withCheckedContinuation { waiter in
      guard let entry = entries[id] else {
        return waiter.resume(returning: .failure(.cancelled))
      }
      switch entry.status.state {
      case .finished(let result): waiter.resume(returning: .success(result))
      case .failed(let error): waiter.resume(returning: .failure(error))
      case .cancelled: waiter.resume(returning: .failure(.cancelled))
      case .waiting, .running, .retrying, .paused, .cancelling:
        entries[id]?.waiters.append(waiter)
      }
    }
  }

  // MARK: - Running them

  func startWaiting() {
    for lane in QueuedTransfer.Lane.allCases {
      let most = most(in: lane)
      while hasRoom(in: lane, of: most), let id = waiting[lane]?.popFirst() { start(id) }
    }
  }

  private func hasRoom(in lane: QueuedTransfer.Lane, of most: Int) -> Bool {
    let count = runningCounts[lane, default: 0]
    // A tree asks by itself, for each of its files.
    return count < most && (lane == .tree || tools.files.hasRoom(ofKind: count, own: count))
  }

  /// How many transfers may run in a lane now.
  private func most(in lane: QueuedTransfer.Lane) -> Int {
    let most =
      switch lane {
      case .large, .tree: max(settings.concurrentTransfers, 1)
      // Some of them are being opened or recorded while the requests of others are under way.
      case .small: 2 * tools.pool.limit(of: .small)
      }
    return held.isEmpty ? most : most + held.count { entries[$0]?.lane == lane }
  }

  private func start(_ id: TransferID) {
    // It may have been cancelled since it was put there.
    guard let entry = entries[id], entry.status.state == .waiting, !running.contains(id) else {
      return
    }
    running.insert(id)
    runningCounts[entry.lane, default: 0] += 1
    if entry.lane != .tree { tools.files.begin() }
    entries[id]?.status.state = .running
    entries[id]?.status.startedAt = .now()
    let tools = tools
    entries[id]?.task = Task {
      let result = await entry.run(tools)
      await self.queueLog?.end(id, as: self.end(of: id, result))?.value
      self.ran(id, result)
    }
  }

  private func end(
    of id: TransferID, _ result: Result<TransferResult, StorageError>
  ) -> QueueLog.End {
    guard case .failure(let error) = result, let stop = entries[id]?.stop else { return .over }
    if stop.isKept || stop.isRaised && error.isCancellation || error.kind == .stopped {
      return .kept
    }
    return error.isCancellation ? .over : .failed
  }

  private func ran(_ id: TransferID, _ result: Result<TransferResult, StorageError>) {
    running.remove(id)
    if held.remove(id) != nil { tools.pool.release(id) }
    if entries[id]?.pace.limit != nil {
      tools.pool.limitParts(of: id, to: nil, sparing: .zero)
    }
    if let lane = entries[id]?.lane {
      runningCounts[lane, default: 0] -= 1
      if lane != .tree { tools.files.end() }
    }
    entries[id]?.look(at: start.duration(to: clock.now))
    movedByOthers += entries[id]?.movedHere ?? .zero
    if case .failure(let error) = result, error.isCancellation, entries[id]?.stop.isRaised == true {
      end(id, .failure(.stopped))
    } else {
      end(id, result)
    }
    startWaiting()
    changed()
  }

  func end(_ id: TransferID, _ result: Result<TransferResult, StorageError>) {
    entries[id]?.end(result)
    // One that never ran has nobody else to say so.
    if case .tree(_, _, let outcomes) = entries[id]?.work { outcomes?.end() }
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

  /// Bytes a second that all transfers move together, as a moving average.
  public var rate: Double { running.isEmpty ? 0 : meter.rate }

  private func lookAtRunning() {
    let time = start.duration(to: clock.now)
    var moved = movedByOthers
    defer { if !running.isEmpty { meter.add(moved: moved, at: time) } }
    for id in running {
      guard let before = entries[id]?.status else { continue }
      entries[id]?.look(at: time)
      moved += entries[id]?.movedHere ?? .zero
      if entries[id]?.status != before { hasChanged = true }
    }
    for id in running { keepPace(id, movedByAll: moved, at: time) }
  }

  private func keepPace(_ id: TransferID, movedByAll: ByteCount, at time: Duration) {
    guard let entry = entries[id] else { return }
    let sight = PartPace.Sight(
      moved: entry.movedHere, movedByAll: movedByAll, underWay: tools.pool.partCount(of: id),
      partSize: entry.partSize ?? settings.partSize, time: time)
    guard entries[id]?.pace.look(sight) == true else { return }
    // Half of it is too much to be moved again.
    tools.pool.limitParts(
      of: id, to: entries[id]?.pace.limit, sparing: ByteCount(sight.partSize.bytes / 2))
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
  func changed() {
    tools.patience.note(isStill: !running.isEmpty && held.count == running.count)
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
