import History
import S3
import SystemPackage

/// One transfer in the queue of ``TransferEngine``: what is asked for, and how far it has come.
struct QueuedTransfer {
  enum Work {
    case file(TransferRequest, TransferProgress)
    case tree(TransferTree, TreeProgress, TreeOutcomes?)
  }

  let work: Work
  /// As it was shown last; only that of a running transfer changes by itself.
  var status: TransferStatus
  var meter = RateMeter()
  /// What has moved in this run.
  private(set) var movedHere = ByteCount.zero
  private var stillness = Stillness()
  var pace = PartPace()
  /// Of a file, once it is known; nil for a tree, whose files differ.
  private(set) var partSize: ByteCount?
  var task: Task<Void, Never>?
  var stop = StopSign()
  /// Of a tree that is tried again: when it was tried first. What it has moved since stays moved.
  var firstTriedAt: Timestamp?
  /// Those who wait for its end.
  var waiters: [CheckedContinuation<Result<TransferResult, StorageError>, Never>] = []

  init(_ id: TransferID, _ request: TransferRequest) {
    work = .file(request, TransferProgress())
    status = TransferStatus(
      id: id, direction: request.direction, name: request.name, location: request.location,
      localPath: request.localPath, total: request.size)
  }

  init(_ id: TransferID, _ tree: TransferTree, _ outcomes: TreeOutcomes?) {
    work = .tree(tree, TreeProgress(), outcomes)
    status = TransferStatus(
      id: id, direction: tree.direction, name: tree.name, location: tree.location,
      localPath: tree.localPath, tree: TreeStatus())
  }

  /// The same once more, from the start; of a tree only what failed, where all of that is known and
  /// nothing can be resumed.
  var again: QueuedTransfer {
    switch work {
    case .file(let request, _): return QueuedTransfer(status.id, request)
    case .tree(let tree, let progress, _):
      var rest = tree
      var begunBefore = firstTriedAt ?? status.startedAt
      // What the journal keeps is found again, file by file, by what is there.
      if !stop.isKept, progress.status.isComplete, let requests = progress.failedRequests,
        !requests.isEmpty
      {
        rest.work = .list(requests)
        begunBefore = nil
      }
      var entry = QueuedTransfer(status.id, rest, nil)
      entry.status.name = status.name
      entry.status.location = status.location
      entry.status.localPath = status.localPath
      entry.firstTriedAt = begunBefore
      return entry
    }
  }

  /// What runs beside what: a thousand small files, a huge one and a folder all move.
  enum Lane: Hashable, CaseIterable {
    /// A file whose time is mostly that of the way to the server, so that many may run at once.
    case small
    case large
    case tree
  }

  var lane: Lane {
    guard case .file(let request, _) = work else { return .tree }
    guard let size = request.size else { return .large }
    return RequestPool.Kind(objectOf: size) == .small ? .small : .large
  }

  /// What the journal is to keep of it while it waits, and of a small one while it runs; nil when
  /// it keeps that itself.
  func waitingEntry(_ journaling: Journaling, _ settings: TransferSettings) -> JournalRequest? {
    guard !status.state.isOver else { return nil }
    let hasBegun = status.state != .waiting
    switch work {
    case .file(let request, _):
      return hasBegun && request.keepsItself(settings) ? nil : journaling.entry(for: request)
    case .tree(let tree, _, _):
      return hasBegun ? nil : journaling.entry(for: tree)
    }
  }

  func run(_ tools: TransferTools) async -> Result<TransferResult, StorageError> {
    switch work {
    case .file(let request, let progress):
      var tools = tools.serving(status.id, stoppedBy: stop).reporting(to: progress)
      tools.earlierRun = request.askedBefore.map {
        EarlierRun(begunAt: $0, tools.recorder)
      }
      return await request.result(tools, progress)
    case .tree(let tree, let progress, let outcomes):
      return await TreeRunner(
        tree: tree, tools: tools.serving(status.id, stoppedBy: stop).reporting(to: progress),
        progress: progress,
        outcomes: outcomes, firstTriedAt: firstTriedAt
      ).run()
    }
  }

  /// Takes over what the requests have counted.
  mutating func look(at time: Duration) {
    let retry: RetryStatus?
    let isUnderWay: Bool
    var kept = ByteCount.zero
    switch work {
    case .file(_, let progress):
      let seen = progress.snapshot
      retry = seen.retry.map { RetryStatus($0) }
      kept = seen.kept
      isUnderWay = seen.isUnderWay
      partSize = seen.partSize
      if let total = seen.total { status.total = total }
      status.moved = seen.moved
      if let location = seen.location { status.location = location }
      if let path = seen.localPath { status.localPath = path }
    case .tree(_, let progress, _):
      let seen = progress.snapshot
      retry = seen.current?.retry.map { RetryStatus($0) } ?? progress.questions.status
      kept = seen.kept
      isUnderWay = seen.isUnderWay
      status.tree = seen.status
      status.total = seen.status.isComplete ? seen.status.bytes : nil
      status.moved = seen.moved
    }
    // What was there already says nothing about the rate.
    movedHere = ByteCount(status.moved.bytes - kept.bytes)
    meter.add(moved: movedHere, at: time)
    // Who has sent all, or got it, waits for no byte.
    stillness.look(
      moved: status.moved,
      isUnderWay: isUnderWay && retry == nil && status.state != .paused
        && status.total.map { status.moved < $0 } ?? true, at: time)
    status.stalledFor = stillness.stalledFor
    switch status.state {
    case .running, .retrying:
      status.rate = meter.rate
      status.timeLeft = meter.timeLeft(total: status.total.map { ByteCount($0.bytes - kept.bytes) })
      status.state = retry.map { .retrying($0) } ?? .running
    case .waiting, .paused, .finished, .failed, .cancelling, .cancelled: break
    }
  }

  mutating func end(_ result: Result<TransferResult, StorageError>) {
    status.rate = 0
    status.timeLeft = nil
    status.stalledFor = nil
    task = nil
    switch result {
    case .success(let result):
      status.state = .finished(result)
      status.location = result.location
      status.localPath = result.localPath
      if status.tree == nil {
        status.total = result.size
        status.moved = result.isSkipped ? .zero : result.size ?? .zero
      }
      if case .file(let request, _) = work { status.otherName = request.otherName(in: result) }
    case .failure(let error):
      status.state = error.isCancellation ? .cancelled : .failed(error)
    }
  }
}

extension FilePath {
  /// What follows the last slash.
  var nameBytes: [UInt8] {
    bytes.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
  }
}

extension TransferRequest {
  /// The bytes of the file's name or of the key's last segment.
  fileprivate var name: [UInt8] {
    switch work {
    case .upload(let file, _, _):
      file.nameBytes
    case .download(let object, _, _, _): Array(object.key.lastSegment)
    }
  }

  /// Whether it has an entry of its own in the journal as soon as it runs.
  fileprivate func keepsItself(_ settings: TransferSettings) -> Bool {
    size.map { $0 > settings.multipartThreshold } ?? false
  }

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
