import S3
import Storage

extension TransferRunner {
  /// Runs folders, prefixes and lists of files to their end; each file is told as it is over.
  ///
  /// A place to download from that cannot be listed is told, and the others go on.
  ///
  /// - Throws: what else ended a tree before all in it was tried, and `CancellationError` when the
  ///   task was cancelled. Nothing is under way any more in either case.
  /// - Returns: what was found in each; nil for those that could not be listed.
  @discardableResult
  func run(_ trees: [TransferTree]) async throws -> [TreeStatus?] {
    var found: [TreeStatus?] = []
    // Those that are not begun with would be lost if this process died meanwhile.
    let reserved =
      trees.count > 1 ? await engine.reserve(trees.drop(while: Self.isShownSingly)) : []
    for (index, tree) in trees.enumerated() {
      do {
        if case .list(let requests) = tree.work, Self.isShownSingly(tree) {
          try await run(requests)
          found.append(TreeStatus(found: requests.count, isComplete: true))
        } else {
          found.append(try await run(tree))
          await engine.clearFinished()
        }
      } catch let cancellation as CancellationError {
        await tellKept(trees[(index + 1)...])
        throw cancellation
      } catch let error as StorageError where error.isOfTheMoment {
        // What has moved of this one is kept, and so are the others.
        _ = await engine.keep(trees[(index + 1)...])
        throw error
      } catch let error as StorageError
        where tree.direction == .download && [.noSuchBucket, .accessDenied].contains(error.kind)
      {
        context.fail(nil, error)
        found.append(nil)
        await engine.clearFinished()
      } catch {
        await engine.forget(reserved.suffix(trees.count - index - 1))
        throw error
      }
    }
    return found
  }

  /// Whether it is files so few that they are transfers of their own, each with its size and time
  /// left.
  private static func isShownSingly(_ tree: TransferTree) -> Bool {
    guard case .list(let requests) = tree.work else { return false }
    return requests.count <= 64
  }

  private func run(_ tree: TransferTree) async throws -> TreeStatus {
    let (engine, progress) = (engine, progress)
    let watch = Task {
      for await statuses in engine.updates() { progress.show(statuses) }
    }
    defer {
      watch.cancel()
      context.console.clearProgress()
      tellJournalProblem()
    }
    let outcomes = TreeOutcomes()
    let id = await engine.enqueue(tree, reporting: outcomes)
    for await outcome in outcomes { report(outcome) }
    guard !Task.isCancelled else {
      await engine.stopResumably()
      throw CancellationError()
    }
    let (status, stop) = await engine.treeEnd(of: id)
    progress.finished(status.bytes, count: status.over)
    if let stop { throw stop }
    if await engine.isKept(id) {
      context.console.message(
        "pail: what is missing is kept: pail transfers resume goes on with it")
    }
    return status
  }

  private func report(_ outcome: TreeOutcome) {
    switch outcome.end {
    case .finished(let result):
      context.warn(result.warning)
      if outcome.isRenamed, let subject = subject(of: outcome) {
        context.console.notice(
          "pail: \(Visible.text(subject)): no file can have this name, so it is "
            + result.localPath.shown)
      }
      context.reportTransfer(outcome.direction, result)
    case .failed(let error): context.fail(subject(of: outcome), error)
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
