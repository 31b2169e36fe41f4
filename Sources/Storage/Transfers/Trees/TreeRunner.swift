import HTTP
import History
import S3
import SystemPackage

/// Moves what is in a tree: finds a little ahead, and keeps as many files under way as there is
/// room for their requests.
struct TreeRunner: Sendable {
  typealias Ended = TreeWindow.Ended

  let tree: TransferTree
  let tools: TransferTools
  let progress: TreeProgress
  let outcomes: TreeOutcomes?
  /// Of a tree that is tried again.
  var firstTriedAt: Timestamp?

  private enum Step: Sendable {
    case ended(Ended)
    case begun(UploadGroup.Begun)
  }

  func run() async -> Result<TransferResult, StorageError> {
    defer { outcomes?.end() }
    let source = TreeSource(tree, client: tools.client, patience: tools.patience)
    // The first page comes while the journal notes the tree.
    await source.begin()
    do throws(StorageError) {
      let log = try await TreeLog.take(tree, tools)
      var tools = self.tools
      tools.tree = log?.entry.id
      tools.earlierRun = (log?.entry.begunAt ?? firstTriedAt).map {
        EarlierRun(begunAt: $0, tools.recorder)
      }
      let (result, isKept) = await run(source, tools)
      if isKept, let log {
        await log.release()
        tools.stop.keep()
        return result.mapError { $0.resumable }
      }
      await log?.remove()
      return result
    } catch {
      return .failure(error)
    }
  }

  private typealias Finished = (result: Result<TransferResult, StorageError>, isKept: Bool)

  private func run(_ source: TreeSource, _ tools: TransferTools) async -> Finished {
    // Raised for the files under way alone, when they are to be kept though the tree goes on.
    let rest = StopSign(partOf: tools.stop)
    var fileTools = tools
    fileTools.stop = rest
    // On a thread of the transport, where the files end: few of them have to wake another for it.
    let window = await withTaskExecutorPreference(tools.client.taskExecutor) { [fileTools] in
      await moveAll(source, fileTools)
    }
    // Who reached nothing at all has most likely asked the wrong server.
    let hasMoved = progress.status.done > 0 || rest.isKept || tools.earlierRun != nil
    let isKept = tools.stop.isRaised || window.hasLostSome && hasMoved
    return (result(window.stop ?? window.findingFailure), isKept)
  }

  private func moveAll(_ source: TreeSource, _ tools: TransferTools) async -> TreeWindow {
    var source = source
    return await withTaskGroup(of: Step.self) { tasks in
      var window = TreeWindow(
        tree.direction, pool: tools.pool, files: tools.files, settings: tools.settings)
      // With the folder, once there is something to begin.
      var opened: TransferTools?
      while true {
        while !Task.isCancelled, !window.holdsPlaces || outcomes?.hasRoom ?? true,
          let (item, weight) = await next(&window, &source)
        {
          do throws(StorageError) {
            let tools = if let opened { opened } else { try await prepared(tools) }
            opened = tools
            await start(item, weight, tools, &window, &tasks)
          } catch {
            window.couldNotBegin(error)
          }
        }
        if !Task.isCancelled, let opened {
          if let group = window.takeGroup() { start(group, opened, &tasks) }
          if let file = window.takeAlone() {
            let item = TreeItem.file(file.request, size: file.size, isRenamed: false)
            start(item, .small, opened, &tasks)
          }
        }
        switch await tasks.next() {
        case nil:
          window.close()
          return window
        case .begun(let group):
          for file in group.files { start(file, &tasks) }
          window.groupHasBegun(without: group.others)
        case .ended(let ended):
          window.ended(ended, in: opened?.folder)
          switch window.rest {
          case .goesOn: break
          case .isKept:
            tools.stop.raise()
            tasks.cancelAll()
          case .isGivenUp: tasks.cancelAll()
          }
        }
      }
    }
  }

  /// - Returns: nil when there is nothing to begin now.
  private func next(
    _ window: inout TreeWindow, _ source: inout TreeSource
  ) async -> (item: TreeItem, weight: TreeWindow.Weight)? {
    while true {
      if let next = window.take() { return next }
      guard window.mayFind else { return nil }
      do throws(StorageError) {
        guard let item = try await source.next() else {
          window.foundAll()
          progress.foundAll()
          return nil
        }
        progress.found(item.size ?? .zero)
        window.found(item)
      } catch {
        window.foundAll(error)
        return nil
      }
    }
  }

  /// The folder that a download goes to is opened once for all its files, and not made for none.
  private func prepared(_ tools: TransferTools) async throws(StorageError) -> TransferTools {
    var tools = tools
    tools.mayHaveLeftovers = await tools.journaling?.mayHaveLeftovers() ?? false
    guard let folder = tree.downloadFolder else { return tools }
    do {
      tools.folder = try await DownloadFolder.open(folder)
    } catch {
      throw StorageError(error)
    }
    return tools
  }

  private func result(_ stop: StorageError?) -> Result<TransferResult, StorageError> {
    let seen = progress.snapshot
    if let stop { return .failure(stop) }
    guard !Task.isCancelled else { return .failure(.cancelled) }
    guard seen.status.failed == 0 else {
      return .failure(.treeFailed(seen.status, progress.failures, tree.direction))
    }
    return .success(
      TransferResult(location: tree.location, localPath: tree.localPath, size: seen.moved))
  }

  // MARK: - One file

  private func start(
    _ item: TreeItem, _ weight: TreeWindow.Weight, _ tools: TransferTools,
    _ window: inout TreeWindow, _ tasks: inout TaskGroup<Step>
  ) async {
    await outcomes?.expect()
    if case .unusable(let outcome) = item {
      report(outcome, nil, nil, size: .zero)
    } else if let file = UploadGroup.File(item, tools) {
      window.gather(file)
      if let group = window.takeFullGroup() { start(group, tools, &tasks) }
    } else if let download = PlainDownload(item, tools) {
      start(download, tools, &tasks)
    } else {
      start(item, weight, tools, &tasks)
    }
  }

  private func start(
    _ group: UploadGroup, _ tools: TransferTools, _ tasks: inout TaskGroup<Step>
  ) {
    tasks.addTask(executorPreference: globalConcurrentExecutor) {
      .begun(await group.begin(tools, progress))
    }
  }

  private func start(_ begun: UploadGroup.BegunFile, _ tasks: inout TaskGroup<Step>) {
    tasks.addTask(executorPreference: begun.upload.executor) {
      let isLastAttempt = tools.patience.isExhausted
      let outcome = await begun.outcome()
      let file = begun.file
      return finish(
        begun.progressID, outcome, file.request, size: file.size, .small, isLastAttempt)
    }
  }

  private func start(
    _ download: PlainDownload, _ tools: TransferTools, _ tasks: inout TaskGroup<Step>
  ) {
    tasks.addTask(executorPreference: tools.client.taskExecutor) {
      let isLastAttempt = tools.patience.isExhausted
      let (id, progress) = self.progress.begin()
      let outcome = await download.outcome(tools.reporting(to: progress), progress)
      return finish(id, outcome, download.request, size: download.size, .small, isLastAttempt)
    }
  }

  private func start(
    _ item: TreeItem, _ weight: TreeWindow.Weight, _ tools: TransferTools,
    _ tasks: inout TaskGroup<Step>
  ) {
    let executor = weight == .small ? tools.client.taskExecutor : globalConcurrentExecutor
    tasks.addTask(executorPreference: executor) {
      let isLastAttempt = tools.patience.isExhausted
      let (id, progress) = self.progress.begin()
      let tools = tools.reporting(to: progress)
      let outcome: TreeOutcome
      var request: TransferRequest?
      switch item {
      case .file(let file, _, let isRenamed):
        request = file
        outcome = await file.outcome(tools, progress, isRenamed: isRenamed)
      case .marker(let location, let folder, let attributes):
        outcome = await FolderMarker(
          location: location, folder: folder, attributes: attributes, ifExists: tree.ifExists,
          tools: tools
        ).outcome()
      case .localFolder(let name, let location, let isRenamed):
        outcome = await Self.make(name, location, tools, isRenamed: isRenamed)
      case .unusable(let known): outcome = known
      }
      return finish(id, outcome, request, size: item.size ?? .zero, weight, isLastAttempt)
    }
  }

  /// Not inlined: the room for its locals would be taken while the request is under way.
  @inline(never)
  private func finish(
    _ id: Int, _ outcome: TreeOutcome, _ request: TransferRequest?, size: ByteCount,
    _ weight: TreeWindow.Weight, _ wasLastAttempt: Bool
  ) -> Step {
    report(outcome, id, request, size: size)
    guard case .failed(let error) = outcome.end else { return .ended(Ended(weight: weight)) }
    return .ended(Ended(weight: weight, error: error, wasLastAttempt: wasLastAttempt))
  }

  private func report(
    _ outcome: TreeOutcome, _ id: Int?, _ request: TransferRequest?, size: ByteCount
  ) {
    progress.end(id, outcome, request, size: size)
    if case .failed(let error) = outcome.end, error.isOnPurpose {
      outcomes?.forget()
    } else {
      outcomes?.add(outcome, wasExpected: true)
    }
  }

  private static func make(
    _ name: RelativeName, _ location: ObjectLocation, _ tools: TransferTools, isRenamed: Bool
  ) async -> TreeOutcome {
    var end: TreeOutcome.End
    var path: FilePath?
    do throws(LocalFileError) {
      path = tools.folder.map { name.path(below: $0.path) }
      try await tools.folder?.makeFolder(name)
      end = .finished(
        TransferResult(location: location, localPath: path ?? FilePath(), size: .zero))
    } catch {
      end = .failed(StorageError(error))
    }
    return TreeOutcome(
      direction: .download, location: location, localPath: path, end: end, isRenamed: isRenamed)
  }
}
