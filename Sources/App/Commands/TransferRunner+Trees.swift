import S3
import Storage

extension TransferRunner {
  /// The others are begun with when one of these is over, so that a server that is away is not tried for
  /// the patience of each.
  private static let treesAtOnce = 4

  /// Runs folders, prefixes and lists of files to their end, several at once; each file is told as
  /// it is over.
  ///
  /// A place to download from that cannot be listed is told, and so is a tree that another Pail
  /// cancelled; the others go on. Any other end of a tree before all in it was tried has nothing more
  /// begun; those under way go on.
  ///
  /// - Parameter inTurn: whether each is to begin only when the one before it is over, since the
  ///   files of one may be in the way of another's.
  /// - Throws: what else ended a tree before all in it was tried, and `CancellationError` when the
  ///   task was cancelled. Nothing is under way any more in either case.
  /// - Returns: what was found in each; nil for those that were told.
  @discardableResult
  func run(_ trees: [TransferTree], inTurn: Bool = false) async throws -> [TreeStatus?] {
    // Those that are not begun with would be lost if this process died meanwhile.
    let isReserved = trees.map { trees.count > 1 && !Self.isShownSingly($0) }
    let reserved = await engine.reserve(zip(trees, isReserved).filter(\.1).map(\.0))
    progress.expect(trees.count)
    var ends = Ends(found: Array(repeating: nil, count: trees.count))
    let begun = await withProgress {
      let begun = await run(trees, atOnce: inTurn ? 1 : Self.treesAtOnce, &ends)
      if !Task.isCancelled { await waitForRetries() }
      await engine.clearFinished()
      return begun
    }
    let rest = trees[begun...]
    if Task.isCancelled {
      await tellKept(rest)
      throw CancellationError()
    }
    guard let stop = ends.stop else { return ends.found }
    if stop.isOfTheMoment {
      // What has moved is kept, and so are the others.
      _ = await keep(rest)
    } else {
      await engine.forget(reserved.suffix(isReserved[begun...].count(where: \.self)))
    }
    throw stop
  }

  private struct Ends {
    var found: [TreeStatus?]
    /// What ended one of them first.
    var stop: StorageError?
  }

  /// - Returns: how many were begun with.
  private func run(_ trees: [TransferTree], atOnce most: Int, _ ends: inout Ends) async -> Int {
    await withTaskGroup(of: (Int, Result<TreeStatus, StorageError>?).self) { group in
      var begun = 0
      var running = 0
      while true {
        while begun < trees.count, running < most, ends.stop == nil, !Task.isCancelled {
          group.addTask { [index = begun] in (index, await end(of: trees[index])) }
          begun += 1
          running += 1
        }
        guard let (index, end) = await group.next() else { return begun }
        running -= 1
        switch end {
        case .success(let status): ends.found[index] = status
        case nil: break
        case .failure(let error)
        where error.kind == .stopped || error.isCancellation && Task.isCancelled: break
        // Cancelled alone, by another Pail.
        case .failure(let error) where error.isCancellation:
          context.fail(subject(of: trees[index]), error)
        case .failure(let error)
        where trees[index].direction == .download
          && [.noSuchBucket, .accessDenied].contains(error.kind):
          context.fail(nil, error)
        case .failure(let error):
          // The same of several is told once.
          if ends.stop == nil {
            ends.stop = error
          } else if ends.stop?.message != error.message {
            context.fail(nil, error)
          }
        }
      }
    }
  }

  /// Whether it is files so few that they are transfers of their own.
  private static func isShownSingly(_ tree: TransferTree) -> Bool {
    guard case .list(let requests) = tree.work else { return false }
    return requests.count <= TransferTree.mostShownSingly
  }

  /// - Returns: nil when the task was cancelled.
  private func end(of tree: TransferTree) async -> Result<TreeStatus, StorageError>? {
    if case .list(let requests) = tree.work, Self.isShownSingly(tree) {
      await run(requests)
      return .success(TreeStatus(found: requests.count, isComplete: true))
    }
    let outcomes = TreeOutcomes()
    let id = await engine.enqueue(tree, reporting: outcomes)
    progress.began()
    // What ends the tree is an error of each file under way as well, or cancels it, and is told once.
    var unreported: [TreeOutcome] = []
    for await outcome in outcomes {
      if let error = outcome.error,
        error.isUnanswered || [.noSuchBucket, .credentials, .readOnly].contains(error.kind)
      {
        unreported.append(outcome)
      } else {
        report(outcome)
      }
    }
    guard !Task.isCancelled else {
      for outcome in unreported { report(outcome) }
      await engine.stopResumably()
      return nil
    }
    let (status, stop) = await engine.treeEnd(of: id)
    progress.finished(status.bytes, count: status.over)
    for outcome in unreported where outcome.error?.message != stop?.message {
      // A bucket that is not there keeps nothing of what may have reached it.
      let isSettled = outcome.error?.isUnanswered == true && stop?.kind == .noSuchBucket
      if !isSettled { report(outcome) }
    }
    if let stop { return .failure(stop) }
    if await engine.isKept(id) {
      context.console.message(
        "pail: what is missing is kept: pail transfers resume goes on with it")
    }
    return .success(status)
  }

  // MARK: - Keeping what is left

  /// Says, when all was stopped, what can be resumed.
  ///
  /// - Parameter rest: those that were not begun with; they are kept as well.
  private func tellKept(_ rest: ArraySlice<TransferTree>) async {
    let count = await engine.stopResumably().kept + keep(rest)
    guard count > 0 else { return }
    let what = count == 1 ? "1 unfinished transfer is" : "\(count) unfinished transfers are"
    context.console.message("pail: \(what) kept: pail transfers resume goes on from there")
  }

  private func keep(_ rest: ArraySlice<TransferTree>) async -> Int {
    var trees: [TransferTree] = []
    var files: [TransferRequest] = []
    for tree in rest {
      if case .list(let requests) = tree.work, Self.isShownSingly(tree) {
        files += requests
      } else {
        trees.append(tree)
      }
    }
    return await engine.keep(trees, files: files)
  }

  // MARK: - Telling

  private func report(_ outcome: TreeOutcome) {
    switch outcome.end {
    case .finished(let result):
      context.warn(result.warning)
      if outcome.isRenamed, let subject = subject(of: outcome) {
        context.console.notice(
          "pail: \(Visible.text(subject)): its name cannot be taken as it is, so the file is "
            + result.localPath.shown)
      }
      context.reportTransfer(outcome.direction, result)
    case .failed(let error): context.fail(subject(of: outcome), error)
    }
  }

  private func subject(of tree: TransferTree) -> [UInt8] {
    switch tree.work {
    case .upload(let folder, _, _, _): folder.bytes
    case .download(let bucket, let selection, _, _):
      S3URI(bucket: bucket, key: selection.prefix).bytes
    case .list(let requests): Array("\(requests.count) files".utf8)
    }
  }

  /// What a person would call it: the file of an upload, the object of a download.
  private func subject(of outcome: TreeOutcome) -> [UInt8]? {
    let object = outcome.location.map { S3URI(bucket: $0.bucket, key: $0.key).bytes }
    return switch outcome.direction {
    case .upload: outcome.localPath?.bytes ?? object
    case .download: object ?? outcome.localPath?.bytes
    }
  }
}

extension TreeOutcome {
  fileprivate var error: StorageError? {
    if case .failed(let error) = end { error } else { nil }
  }
}
