public import History
import OrderedCollections
import S3

/// What ``TransferEngine/stopResumably()`` has stopped.
public struct StoppedTransfers: Sendable, Hashable {
  /// Those that the journal keeps.
  public var kept: Int
  /// Those that it could not keep: they were given up as if they had been cancelled.
  public var lost: Int

  public init(kept: Int = 0, lost: Int = 0) {
    self.kept = kept
    self.lost = lost
  }
}

extension TransferEngine {
  /// Stops all that runs or waits, so that it can be resumed: by ``resume(_:)-(JournalEntry)``, also in another
  /// process, also after a reboot.
  ///
  /// Large transfers keep the parts and ranges that have arrived. The others, and those that wait,
  /// are kept as what was asked for. Without a journal all are cancelled.
  ///
  /// Returns when nothing is under way any more: in less than two seconds, unless a server is asked
  /// to make or to complete an upload and does not answer.
  /// Whoever calls it again waits for the same end. Nothing starts afterwards.
  @discardableResult
  public func stopResumably() async -> StoppedTransfers {
    if let stopping { return await stopping.value }
    let stopping = Task { await stopNow() }
    self.stopping = stopping
    return await stopping.value
  }

  /// Those that are not over, oldest first.
  private var unfinished: [TransferID] {
    entries.values.filter { !$0.status.state.isOver }.map(\.status.id)
  }

  /// What the journal may call those that are not over, in the order in which they run, and whether a
  /// person has them stand still. Empty without a journal.
  public func unfinishedRequests() -> [(requests: [JournalRequest], isPaused: Bool)] {
    guard let journaling = tools.journaling else { return [] }
    return unfinished.compactMap { entries[$0] }.map { entry in
      let requests: [JournalRequest]
      switch entry.work {
      case .file(let request, _):
        requests = [request, request.renamed(entry.status)].map { journaling.entry(for: $0) }
      case .tree(let tree, _, _): requests = [journaling.entry(for: tree)]
      }
      return (requests, entry.status.state == .paused)
    }
  }

  /// Ends all that wait or run, so that they can be resumed.
  ///
  /// - Returns: those that are still at it.
  private func stopAll() -> [Task<Void, Never>] {
    waiting.removeAll()
    for entry in entries.values where !running.contains(entry.status.id) {
      switch entry.status.state {
      case .waiting, .paused: end(entry.status.id, .failure(.stopped))
      default: break
      }
    }
    for id in running {
      guard entries[id]?.status.state != .cancelling else { continue }
      entries[id]?.stop.raise()
      entries[id]?.task?.cancel()
    }
    changed()
    return running.compactMap { entries[$0]?.task }
  }

  private enum Stopped {
    /// The journal has an entry of its own making.
    case kept
    /// Nobody but the queue knows of it; it is to be kept so.
    case forgotten(JournalRequest)
  }

  /// What is left of a transfer that ended because it was stopped; nil when it ended otherwise.
  private func stoppedRequest(of id: TransferID, _ journaling: Journaling) -> Stopped? {
    guard let entry = entries[id], case .failed(let error) = entry.status.state else { return nil }
    if entry.stop.isKept { return .kept }
    guard error.kind == .stopped else { return nil }
    switch entry.work {
    case .file(let request, _): return .forgotten(journaling.entry(for: request))
    case .tree(let tree, _, _): return .forgotten(journaling.entry(for: tree))
    }
  }

  private func stopNow() async -> StoppedTransfers {
    guard let journaling = tools.journaling else {
      let lost = unfinished.count
      await cancelAll()
      return StoppedTransfers(lost: lost)
    }
    let stopped = unfinished
    let running = stopAll()
    for task in running { await task.value }
    await queueLog?.flush()
    var report = StoppedTransfers()
    var requests: [JournalRequest] = []
    for id in stopped {
      switch stoppedRequest(of: id, journaling) {
      case .kept: report.kept += 1
      case .forgotten(let request): requests.append(request)
      case nil: continue
      }
    }
    do {
      try await journaling.journal.save(requests, for: journaling.holder)
      report.kept += requests.count
    } catch {
      report.lost = requests.count
    }
    return report
  }

  /// Has the journal keep folders, prefixes and lists that this process begins with later, so that
  /// they are not lost with it.
  ///
  /// - Returns: their entries, in this order; to be given to ``forget(_:)`` when that is not to be.
  public func reserve(_ trees: [TransferTree]) async -> [WaitingEntry?] {
    guard let journaling = tools.journaling, !trees.isEmpty else { return [] }
    return await queueLog?.reserve(trees.map { journaling.entry(for: $0) }) ?? []
  }

  /// Holds what earlier runs have left and this process begins with later, so that no other takes
  /// it for interrupted.
  ///
  /// - Returns: as ``reserve(_:)-([TransferTree])``.
  public func reserve(_ left: [JournalEntry]) async -> [WaitingEntry?] {
    await queueLog?.reserve(left.map(\.request)) ?? []
  }

  /// Lets go of what was reserved and is not begun with; what an earlier run had left stays.
  public func forget(_ reserved: some Sequence<WaitingEntry?> & Sendable) async {
    guard let journaling = tools.journaling else { return }
    let entries = reserved.compactMap(\.self)
    guard !entries.isEmpty else { return }
    // What is left over then goes on with pail transfers resume, or is given up there.
    _ = try? await journaling.journal.queue(
      [], for: journaling.holder, removing: entries.filter { !$0.wasLeft }.map(\.id),
      releasing: entries.filter(\.wasLeft).map(\.id))
  }

  /// Keeps transfers for later that have not been begun with.
  ///
  /// - Returns: how many of them can be resumed.
  public func keep(_ trees: [TransferTree], files: [TransferRequest]) async -> Int {
    guard let journaling = tools.journaling else { return 0 }
    let entries =
      files.map { journaling.entry(for: $0) } + trees.map { journaling.entry(for: $0) }
    do {
      try await journaling.journal.save(entries, for: journaling.holder)
      return entries.count
    } catch {
      return 0
    }
  }
}

extension TransferRequest {
  /// As it is once a free name was found for it.
  fileprivate func renamed(_ status: TransferStatus) -> TransferRequest {
    var renamed = self
    switch work {
    case .upload(let file, _, let attributes):
      renamed.work = .upload(file: file, to: status.location, attributes: attributes)
    case .download(let object, let summary, let folder, let name):
      let fileName = name.parentPrefix + ObjectKey(bytes: status.localPath.nameBytes)
      renamed.work = .download(object, summary: summary, folder: folder, name: fileName)
    }
    return renamed
  }
}
