import Glibc
public import History
import S3
import Synchronization
public import SystemPackage

/// The journal, with what an entry tells of whoever asked for the transfer.
final class Journaling: Sendable {
  private struct Failure {
    var problem: StorageError?
    var isTold = false
  }

  let journal: TransferJournal
  /// This process.
  let holder: Author
  let endpoint: String
  let region: Region
  let profile: String?
  private let failure = Mutex(Failure())

  init(
    journal: TransferJournal, holder: Author, endpoint: String, region: Region, profile: String?
  ) {
    self.journal = journal
    self.holder = holder
    self.endpoint = endpoint
    self.region = region
    self.profile = profile
  }

  /// The same request, as the journal keeps it: paths are absolute, since the next process may run
  /// in another folder.
  func entry(for request: TransferRequest) -> JournalRequest {
    let ifExists = JournalRequest.ExistingDestination(request.ifExists)
    switch request.work {
    case .upload(let file, let location, let attributes):
      return JournalRequest(
        .upload, endpoint: endpoint, region: region.text, profile: profile,
        bucket: location.bucket, key: location.key, localPath: file.absolute.withoutDots,
        ifExists: ifExists, attributes: attributes)
    case .download(let object, _, let folder, let name):
      return JournalRequest(
        .download, endpoint: endpoint, region: region.text, profile: profile,
        bucket: object.bucket, key: object.key, versionID: object.versionID,
        localPath: folder.absolute.withoutDots, name: name, ifExists: ifExists)
    }
  }
}

extension Journaling {
  /// Why what is moved now cannot be kept to be resumed. nil as long as it can, and once it was told.
  func untoldProblem() -> StorageError? {
    failure.withLock { failure in
      guard !failure.isTold, let problem = failure.problem else { return nil }
      failure.isTold = true
      return problem
    }
  }

  func note(_ error: JournalError) {
    let problem = StorageError(error, about: "The journal of transfers")
    failure.withLock { $0.problem = problem }
  }

  /// Whether an earlier run has left anything. When the journal cannot be read it may have.
  func mayHaveLeftovers() async -> Bool {
    do {
      return try await journal.hasLeftovers(besidesThoseOf: holder)
    } catch {
      return true
    }
  }

  /// Whether an earlier run has left an entry for this transfer.
  func hasLeft(_ request: TransferRequest) async -> Bool {
    (try? await journal.hasLeft(entry(for: request), for: holder)) ?? false
  }

  func entries() async throws(StorageError) -> [JournalEntry] {
    do {
      return try await journal.entries()
    } catch {
      throw StorageError(error, about: "The journal of transfers")
    }
  }

  /// Whether another download of the journal goes to the same place: what has arrived there is of the one
  /// that was at it last, and goes when the last of them is given up.
  func isShared(_ entry: JournalEntry) async throws(StorageError) -> Bool {
    try await entries().contains {
      $0.id != entry.id && $0.request.direction == .download && $0.request.tree == nil
        && $0.request.localPath == entry.request.localPath && $0.request.name == entry.request.name
    }
  }

  /// Removes what has arrived of a download that is given up, unless it is another one's.
  func removeArrived(of entry: JournalEntry) async throws(StorageError) {
    guard let name = entry.request.name, try await !isShared(entry) else { return }
    do throws(LocalFileError) {
      // Under `rename` the entry has the name that was found free.
      let name = try RelativeName(name)
      guard access(entry.request.localPath.string, F_OK) == 0 else { return }
      try await DownloadFolder.open(entry.request.localPath).removeLeftover(name)
    } catch {
      throw StorageError(error)
    }
  }

  /// The entry that an earlier run has left for this transfer, under a lease; nil for none.
  ///
  /// - Throws: ``StorageError/Kind/inUse``.
  func takeLeft(_ request: TransferRequest) async throws(StorageError) -> JournalEntry? {
    do {
      return try await journal.takeIfThere(entry(for: request), for: holder)
    } catch {
      guard case .held = error else {
        note(error)
        return nil
      }
      throw StorageError(
        error, about: "s3://\(request.location.bucket)/\(request.location.key.text)")
    }
  }
}

extension TransferTools {
  /// Carries out a transfer that keeps nothing of its own in the journal. What an earlier run has
  /// left there to be asked for again goes when it has come to its end.
  func whole(
    _ request: TransferRequest, _ body: () async throws(StorageError) -> TransferResult
  ) async throws(StorageError) -> TransferResult {
    guard let journaling, mayHaveLeftovers, let left = try await journaling.takeLeft(request)
    else {
      return try await body()
    }
    do throws(StorageError) {
      var result = try await body()
      if let warning = await giveUp(left, journaling) { result.warning = result.warning ?? warning }
      if left.subject != nil {
        // What was being moved was larger: this is another file or object.
        let reason: Resumption.Reason =
          left.request.direction == .upload ? .sourceChanged : .objectChanged
        result.resumption = result.resumption ?? .startedOver(reason)
      }
      try? await journaling.journal.remove(left.id)
      return result
    } catch {
      guard error.isCancellation, !self.stop.isRaised else {
        try? await journaling.journal.release(left.id)
        self.stop.keep()
        throw error
      }
      let problem = await giveUp(left, journaling)
      if problem == nil {
        try? await journaling.journal.remove(left.id)
      } else {
        try? await journaling.journal.release(left.id)
      }
      throw error.noting(problem)
    }
  }
}

extension TransferTools {
  /// Parts on the server that nobody will make an object of, and ranges here that no file: it moves in
  /// one request now.
  private func giveUp(_ left: JournalEntry, _ journaling: Journaling) async -> StorageError? {
    guard left.request.direction == .upload else {
      do {
        try await journaling.removeArrived(of: left)
        return nil
      } catch {
        return error
      }
    }
    guard let id = left.subject?.uploadID else { return nil }
    let location = ObjectLocation(bucket: left.request.bucket, key: left.request.key)
    await recorder.settle(
      Change(
        .upload, bucket: location.bucket, key: location.key, localPath: left.request.localPath),
      .processDied)
    return await recorder.abort(id, of: location, client)
  }
}

extension TransferRequest {
  /// What an entry of the journal asks for that is no folder or prefix.
  public init(_ entry: JournalEntry) {
    self.init(entry.request)
    askedBefore = entry.createdAt
  }

  init(_ entry: JournalRequest) {
    let ifExists = ExistingDestination(entry.ifExists)
    let location = ObjectLocation(
      bucket: entry.bucket, key: entry.key, versionID: entry.versionID)
    switch entry.direction {
    case .upload:
      self = .upload(
        entry.localPath, to: location, attributes: entry.attributes, ifExists: ifExists)
    case .download:
      self = .download(location, into: entry.localPath, name: entry.name, ifExists: ifExists)
    }
  }
}

extension JournalRequest {
  /// The file at this end, for show: `DownloadFolder` decides where a download really goes.
  public var file: FilePath {
    guard let name else { return localPath }
    return (try? RelativeName(name))?.path(below: localPath) ?? localPath
  }
}

extension JournalRequest.ExistingDestination {
  init(_ ifExists: TransferRequest.ExistingDestination) {
    switch ifExists {
    case .overwrite: self = .overwrite
    case .skip: self = .skip
    case .rename: self = .rename
    case .fail: self = .fail
    }
  }
}

extension TransferRequest.ExistingDestination {
  init(_ ifExists: JournalRequest.ExistingDestination) {
    switch ifExists {
    case .overwrite: self = .overwrite
    case .skip: self = .skip
    case .rename: self = .rename
    case .fail: self = .fail
    }
  }
}

extension FilePath {
  /// The same path for `a` and `./a`. Two dots stay, since what they lead to depends on links.
  var withoutDots: FilePath {
    var path = self
    path.components.removeAll { $0.kind == .currentDirectory }
    return path
  }
}
