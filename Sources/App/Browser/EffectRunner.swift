import Browser
import S3
import Storage
import SystemPackage

/// Performs effects, each as a task of its own, and answers with actions.
///
/// Every request can be cancelled by its ``RequestID``, so that Esc stops a listing that hangs.
@MainActor
final class EffectRunner {
  private let service: S3Service
  /// Those of earlier sessions too; new ones are the service's.
  private let transfers: ProcessTransfers
  private let bookmarks: Bookmarks
  private let lastPlace: LastPlace
  /// Other Pails of the same user.
  private let others: OtherTransfers?
  private let send: @Sendable (Action) -> Void
  private var tasks: [RequestID: Task<Void, Never>] = [:]
  /// Those that change something, or find out what a transfer is to move.
  private var working: Set<RequestID> = []
  /// The last command to the transfer engine. Each waits for the one before it, so that nothing is
  /// cancelled before it was queued.
  private var lastTransferCommand: Task<Void, Never>?
  /// Writes where the next run begins: one after the other, since the newest counts.
  private var remembering: Task<Void, Never>?
  /// Finds out what became of changes whose processes died.
  private var settling: Task<Void, Never>?
  /// How many commands there were to the transfer engine.
  private(set) var transferCommands = 0

  init(
    service: S3Service, transfers: ProcessTransfers, bookmarks: Bookmarks, lastPlace: LastPlace,
    others: OtherTransfers?, send: @escaping @Sendable (Action) -> Void
  ) {
    self.service = service
    self.transfers = transfers
    self.bookmarks = bookmarks
    self.lastPlace = lastPlace
    self.others = others
    self.send = send
  }

  func perform(_ effect: Effect) {
    let (service, transfers) = (service, transfers)
    switch effect {
    case .cancel(let id): tasks[id]?.cancel()
    case .listBuckets(let id): answer(id) { .buckets(try await $0.buckets()) }
    case .listObjects(let place, let after, let id):
      answer(id) {
        .page(try await $0.page(bucket: place.bucket, prefix: place.prefix, after: after))
      }
    case .order(let rows, let ordering, let from, let id):
      answer(id) { _ in
        .order(
          rows.ordered(by: ordering, from: from) { Task.isCancelled }, covering: rows.count)
      }
    case .readDetails(let location, let id):
      answer(id) { .details(try await $0.details(location)) }
    case .readTags(let location, let id):
      answer(id) { .tags(try await $0.tags(of: location)) }
    case .readVersions(let location, let id):
      answer(id) {
        .versions(
          try await $0.versionPage(
            bucket: location.bucket, prefix: location.key, isRecursive: true))
      }
    case .readVersioning(let bucket, let id):
      answer(id) { .versioning(try await $0.versioning(bucket)) }
    case .readHistory(let query, let before, let limit, let id):
      answer(id) { .history(try await $0.history(query, before: before, limit: limit)) }
    case .presign(let method, let location, let expires, let fileName, let id):
      answer(id) {
        .presigned(
          try await $0.presign(method, location, expires: expires, fileName: fileName))
      }
    case .listFolder(let folder, let id): answer(id) { _ in try await Self.list(folder) }
    case .planUpload(let files, let place, let id):
      work(on: id) {
        .uploadPlan(try await UploadPlanner(service: $0, destination: place).plan(files))
      }
    case .planDownload(let wish, let id):
      work(on: id) { .downloadPlan(try await DownloadPlanner(service: $0).plan(wish)) }
    case .transfer(let requests): queue { await service.transfers.enqueue(requests) }
    case .transferTrees(let trees):
      queue { for tree in trees { await service.transfers.enqueue(tree) } }
    case .controlTransfer(.own(let id), let control):
      inOrder { await transfers.perform(control, on: id) }
    case .controlTransfer(.left, _): break
    case .controlTransfer(.other(let processID, let id), let control):
      inOrder { [others] in await others?.pass(.control(id, control), to: processID) }
    case .moveTransfer(let id, let places): inOrder { await transfers.move(id, by: places) }
    case .limitTransfers(let processID?, let bytesPerSecond):
      inOrder { [others] in
        await others?.pass(.limit(bytesPerSecond: bytesPerSecond), to: processID)
      }
    case .limitTransfers(nil, let bytesPerSecond):
      inOrder { await transfers.setLimit(bytesPerSecond: bytesPerSecond) }
    case .clearTransfers: inOrder { await transfers.clearFinished() }
    case .findLeftTransfers:
      inOrder { [send] in
        // Nobody waits for it: a journal that cannot be read is told by whoever uses it.
        if let left = try? await service.unfinishedTransfers() { send(.foundLeftTransfers(left)) }
      }
    case .resumeLeftTransfers(let entries):
      queue { for entry in entries { await service.transfers.resume(entry) } }
    case .abortLeftTransfer(let entry, let id):
      work(on: id) { .leftTransferAborted(warning: try await $0.abort(entry)) }
    case .readBookmarks(let id): answer(id) { [bookmarks] _ in .bookmarks(bookmarks.places) }
    case .addBookmark(let place):
      inOrder { [bookmarks, send] in
        send(.noticed(Self.words(place, "is bookmarked; b lists them", bookmarks.add(place))))
      }
    case .removeBookmark(let place):
      inOrder { [bookmarks, send] in
        send(.noticed(Self.words(place, "is no bookmark any more", bookmarks.remove(place))))
      }
    case .remember(let leaving): remember(leaving)
    case .createBucket, .removeBucket, .emptyAndRemoveBucket, .createPrefixMarker, .count,
      .countEveryVersion, .delete, .copyObjects:
      change(effect)
    case .copy, .suspend, .redraw, .quit, .quitInBackground, .switchSession:
      // The terminal's or the session's business, which the runtime does itself.
      break
    }
  }

  private nonisolated static func words(
    _ place: Place, _ done: String, _ isDone: Bool
  ) -> String {
    isDone ? "\(place.text) \(done)" : "The bookmarks could not be written: look at the disk"
  }

  /// What changes the store, and what counts before a change.
  private func change(_ effect: Effect) {
    let send = send
    switch effect {
    case .createBucket(let bucket, let region, let id):
      work(on: id) {
        .bucketCreated(warning: try await $0.createBucket(bucket, region: region))
      }
    case .removeBucket(let bucket, let owner, let id):
      work(on: id) {
        .bucketRemoved(warning: try await $0.removeBucket(bucket, expectedOwner: owner))
      }
    case .emptyAndRemoveBucket(let bucket, let owner, let id):
      work(on: id) {
        .deleted(
          try await $0.emptyAndRemoveBucket(bucket, expectedOwner: owner) {
            send(.answered(id, .deletionProgressed($0)))
          })
      }
    case .createPrefixMarker(let bucket, let key, let id):
      work(on: id) {
        .markerCreated(warning: try await $0.createPrefixMarker(bucket: bucket, key: key))
      }
    case .count(let targets, let bucket, let id):
      answer(id) {
        .counted(
          try await $0.count(targets, in: bucket) { send(.answered(id, .counted($0))) })
      }
    case .countEveryVersion(let bucket, let id):
      answer(id) {
        .counted(
          try await $0.countEveryVersion(in: bucket) { send(.answered(id, .counted($0))) })
      }
    case .copyObjects(let wish, let id):
      work(on: id) {
        .objectsCopied(
          await CopyWork(service: $0).run(wish) { send(.answered(id, .copyProgressed($0))) })
      }
    case .delete(let targets, let bucket, let id):
      let confirmedAt = Timestamp.now()
      work(on: id) {
        .deleted(
          try await $0.delete(targets, in: bucket, confirmedAt: confirmedAt) {
            send(.answered(id, .deletionProgressed($0)))
          })
      }
    default: break
    }
  }

  /// Gives changes of dead processes their outcomes, once, beside everything else and silently
  /// unless there were some.
  func settle() {
    guard settling == nil else { return }
    let (service, send) = (service, send)
    settling = Task(priority: .background) {
      // What cannot be settled now is settled by whoever comes next.
      guard let summary = try? await service.settle(.background), summary.settled > 0 else {
        return
      }
      send(.settled(summary))
    }
  }

  private func remember(_ leaving: BrowserState.Leaving) {
    let previous = remembering
    remembering = Task.detached { [lastPlace] in
      await previous?.value
      lastPlace.remember(leaving)
    }
  }

  private func inOrder(_ command: @escaping @Sendable () async -> Void) {
    transferCommands += 1
    let previous = lastTransferCommand
    lastTransferCommand = Task {
      await previous?.value
      await command()
    }
  }

  /// What starts transfers: they may take hours, and need little of the code that ran until then.
  private func queue(_ command: @escaping @Sendable () async -> Void) {
    inOrder {
      await command()
      ProgramPages.giveBack()
    }
  }

  /// Whether something is under way that is done to its end even when nobody looks on.
  var isWorking: Bool { !working.isEmpty }

  /// Whether no transfer waits or runs, once all that was asked for has reached the engine.
  func transfersAreOver(orPaused: Bool) async -> Bool {
    await lastTransferCommand?.value
    return await transfers.statuses().allSatisfy {
      $0.state.isOver || orPaused && $0.state == .paused
    }
  }

  private func work(
    on id: RequestID, _ work: @escaping @Sendable (S3Service) async throws -> Answer
  ) {
    working.insert(id)
    answer(id, work)
  }

  /// Works on an answer away from the main actor, with a service that tells what is sent again.
  private func answer(
    _ id: RequestID, _ work: @escaping @Sendable (S3Service) async throws -> Answer
  ) {
    let send = send
    let service = service.tellingRetries(to: Retries { send(.requestRetried(id, $0)) })
    tasks[id] = Task {
      let answer = await Self.result { try await work(service) }
      tasks[id] = nil
      working.remove(id)
      send(.answered(id, answer))
    }
  }

  private nonisolated static func result(
    of work: @Sendable () async throws -> Answer
  ) async -> Answer {
    do {
      return try await work()
    } catch let error as StorageError {
      return .failed(error)
    } catch {
      return .failed(StorageError(kind: .cancelled, message: "Stopped"))
    }
  }

  private nonisolated static func list(_ folder: FilePath) async throws(StorageError) -> Answer {
    do {
      return .folder(try await LocalListing.read(folder))
    } catch {
      throw StorageError(error)
    }
  }

  /// Cancels every request, and returns when all of them have ended and what was asked of the
  /// transfer engine has reached it.
  func cancelAll() async {
    let running = Array(tasks.values) + [settling].compactMap(\.self)
    for task in running { task.cancel() }
    await lastTransferCommand?.value
    for task in running { await task.value }
    await remembering?.value
  }
}

extension TransferEngine {
  /// What a person asks for, here or in another process.
  func perform(_ control: TransferControl, on id: TransferID) {
    switch control {
    case .pause: pause(id)
    case .resume: resume(id)
    case .cancel: cancel(id)
    case .retry: retry(id)
    }
  }
}
