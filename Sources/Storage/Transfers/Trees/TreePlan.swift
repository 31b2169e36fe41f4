internal import Glibc
public import S3
public import SystemPackage

/// What would become of one file of a tree.
public struct PlannedTransfer: Sendable {
  public enum End: Sendable {
    /// Nothing is at its destination.
    case creates
    case replaces
    /// Something is there, and is to stay.
    case skips
    /// It moves, or is skipped where something is there, which these credentials may not see.
    case unseen
    case fails(StorageError)
  }

  public var location: ObjectLocation?
  public var localPath: FilePath?
  /// nil where nobody has asked.
  public var size: ByteCount?
  public var end: End
}

extension S3Service {
  /// What ``TransferEngine`` would do with a tree now.
  public nonisolated func plan(of tree: TransferTree) -> TreePlan {
    TreePlan(tree, client: client)
  }

  /// What an upload of standard input would do now.
  public nonisolated func planOfStandardInput(
    to location: ObjectLocation, ifExists: TransferRequest.ExistingDestination
  ) async -> PlannedTransfer {
    PlannedTransfer(
      location: location, localPath: StreamUpload.name,
      end: await UploadQuestion(client: client, ifExists: ifExists)
        .end(of: StreamUpload.name, at: location))
  }
}

/// What a tree would do, in the order in which its files are found, under the names that they would
/// get. Nothing is changed, neither here nor at the server.
public struct TreePlan {
  /// Few enough for one page of a listing to tell of their destinations.
  private static let largestBatch = 128

  private var source: TreeSource
  private var planner: Planner
  /// What ended the search for more, once those found before it are told.
  private var failure: StorageError?

  init(_ tree: TransferTree, client: S3Client) {
    source = TreeSource(tree, client: client)
    planner = Planner(
      tree: tree, client: client,
      question: UploadQuestion(client: client, ifExists: tree.ifExists))
  }

  /// The next ones; nil at the end.
  ///
  /// - Throws: when what is left cannot be found out, and when the task is cancelled.
  public mutating func next() async throws(StorageError) -> [PlannedTransfer]? {
    if let failure { throw failure }
    var items: [TreeItem] = []
    do throws(StorageError) {
      while items.count < Self.largestBatch, let item = try await source.next() {
        items.append(item)
      }
    } catch {
      guard !items.isEmpty else { throw error }
      failure = error
    }
    guard !items.isEmpty else { return nil }
    try await planner.prepare(for: items)
    let plans = await planner.plans(of: items)
    guard !Task.isCancelled else { throw .cancelled }
    if plans.contains(where: { if case .unseen = $0.end { true } else { false } }) {
      planner.question.isRefused = true
    }
    return plans
  }
}

/// Plans some files of a tree at a time.
private struct Planner: Sendable {
  private static let atOnce = 16

  let tree: TransferTree
  let client: S3Client
  var question: UploadQuestion
  /// The one that a download goes to; nil while it is not there.
  private var folder: DownloadFolder?
  /// Why nothing can come into some of the folders that files of now go to.
  private var refusals: [FilePath: LocalFileError] = [:]

  init(tree: TransferTree, client: S3Client, question: UploadQuestion) {
    self.tree = tree
    self.client = client
    self.question = question
  }

  /// Asks at once what holds for all of them.
  mutating func prepare(for items: [TreeItem]) async throws(StorageError) {
    if folder == nil, let path = tree.downloadFolder {
      folder = try await open(path)
      // No file of it can come to be.
      if folder == nil, let refusal = Self.refusal(of: path) { throw StorageError(refusal) }
    }
    refusals = Self.refusals(of: Set(items.compactMap(\.downloadFolder)))
    let locations = items.compactMap(\.uploadLocation)
    question.taken =
      locations.count > Self.atOnce ? await client.taken(among: locations) : nil
  }

  /// nil where there is none: a plan makes none.
  private func open(_ path: FilePath) async throws(StorageError) -> DownloadFolder? {
    guard path.withPlatformString({ access($0, F_OK) }) == 0 else { return nil }
    do {
      return try await DownloadFolder.open(path)
    } catch {
      throw StorageError(error)
    }
  }

  private static func refusals(of folders: Set<FilePath>) -> [FilePath: LocalFileError] {
    folders.reduce(into: [:]) { $0[$1] = refusal(of: $1) }
  }

  /// Why no file can be made in a folder, or in the one that it is to be made in; nil where nothing
  /// speaks against it.
  private static func refusal(of folder: FilePath) -> LocalFileError? {
    var missing: FilePath?
    var place = folder
    while true {
      let found = place.isEmpty ? "." : place
      guard found.withPlatformString({ access($0, W_OK | X_OK) }) != 0 else { return nil }
      let refusal = Errno(rawValue: errno)
      guard refusal == .noSuchFileOrDirectory, !place.isEmpty else {
        // What else is wrong is noticed elsewhere, in better words.
        return [.permissionDenied, .readOnlyFileSystem].contains(refusal)
          ? LocalFileError(missing ?? found, .system(refusal)) : nil
      }
      missing = place
      place.removeLastComponent()
    }
  }

  /// In the order of the items, some of which are asked about at the same time.
  func plans(of items: [TreeItem]) async -> [PlannedTransfer] {
    await withTaskGroup(of: (Int, PlannedTransfer).self) { tasks in
      var plans: [(index: Int, plan: PlannedTransfer)] = []
      for (index, item) in items.enumerated() {
        if index >= Self.atOnce, let plan = await tasks.next() { plans.append(plan) }
        tasks.addTask { (index, await plan(of: item)) }
      }
      for await plan in tasks { plans.append(plan) }
      return plans.sorted { $0.index < $1.index }.map(\.plan)
    }
  }

  private func plan(of item: TreeItem) async -> PlannedTransfer {
    switch item {
    case .unusable(let outcome):
      let end: PlannedTransfer.End =
        if case .failed(let error) = outcome.end { .fails(error) } else { .skips }
      return PlannedTransfer(location: outcome.location, localPath: outcome.localPath, end: end)
    case .marker(let location, let path, _):
      return PlannedTransfer(
        location: location, localPath: path, size: .zero,
        end: await question.end(of: path, at: location))
    case .localFolder(let name, let location, _):
      var plan = PlannedTransfer(location: location, size: .zero, end: .creates)
      plan.end = await madeFolder(name, &plan.localPath)
      return plan
    case .file(let request, _, _):
      switch request.work {
      case .upload(let path, let location, _): return await upload(path, location)
      case .download(let object, let summary, let folder, let name):
        return await download(object, summary?.size, name, below: folder)
      }
    }
  }

  private func upload(_ path: FilePath, _ location: ObjectLocation) async -> PlannedTransfer {
    var plan = PlannedTransfer(location: location, localPath: path, end: .creates)
    do throws(LocalFileError) {
      plan.size = try await SourceFile.open(path).size
      plan.end = await question.end(of: path, at: location)
    } catch {
      plan.end = .fails(StorageError(error))
    }
    return plan
  }

  private func download(
    _ object: ObjectLocation, _ size: ByteCount?, _ name: ObjectKey, below path: FilePath
  ) async -> PlannedTransfer {
    var plan = PlannedTransfer(location: object, size: size, end: .creates)
    do throws(LocalFileError) {
      let name = try RelativeName(name)
      let file = name.path(below: path)
      plan.localPath = file
      if let found = try await folder?.existing(name) {
        if found.isFolder, tree.ifExists != .rename { throw LocalFileError(file, .folder) }
        switch tree.ifExists {
        case .skip:
          plan.end = .skips
          return plan
        case .fail: throw LocalFileError(file, .alreadyExists)
        case .overwrite:
          if found.isSpecial { throw LocalFileError(file, .notARegularFile) }
          plan.end = .replaces
        case .rename: break
        }
      }
      if let refusal = refusals[file.removingLastComponent()] { throw refusal }
    } catch {
      plan.end = .fails(StorageError(error))
      return plan
    }
    guard size == nil else { return plan }
    do throws(S3Error) {
      plan.size = try await client.headNamedObject(object).size
    } catch {
      plan.end = .fails(StorageError(error, while: .readDetails(object)))
    }
    return plan
  }

  private func madeFolder(
    _ name: RelativeName, _ path: inout FilePath?
  ) async -> PlannedTransfer.End {
    guard case .download(_, _, _, let below) = tree.work else { return .creates }
    let place = name.path(below: below)
    path = place
    do throws(LocalFileError) {
      guard let found = try await folder?.existing(name) else {
        if let refusal = Self.refusal(of: place.removingLastComponent()) { throw refusal }
        return .creates
      }
      guard !found.isFolder else { return .creates }
      throw LocalFileError(place, .notAFolder)
    } catch {
      return .fails(StorageError(error))
    }
  }
}

/// Whether there is an object where an upload would put one.
private struct UploadQuestion: Sendable {
  let client: S3Client
  let ifExists: TransferRequest.ExistingDestination
  /// The keys that are there among those that are asked about; nil where each is to be asked for.
  var taken: Set<ObjectKey>?
  /// Whether the server lets us see neither objects nor listings, which it need not say again.
  var isRefused = false

  func end(of path: FilePath, at location: ObjectLocation) async -> PlannedTransfer.End {
    let isTaken: Bool?
    do throws(S3Error) {
      isTaken = if let taken { taken.contains(location.key) } else { try await look(at: location) }
    } catch {
      return .fails(StorageError(error, while: .upload(path, to: location)))
    }
    return switch (isTaken, ifExists) {
    case (nil, _): .unseen
    case (false?, _), (true?, .rename): .creates
    case (true?, .overwrite): .replaces
    case (true?, .skip): .skips
    case (true?, .fail): .fails(.exists(Undertaking.readDetails(location).subject))
    }
  }

  /// - Returns: nil where the server does not say: who may write need not be allowed to read.
  private func look(at location: ObjectLocation) async throws(S3Error) -> Bool? {
    do throws(S3Error) {
      _ = try await client.headNamedObject(location)
      return true
    } catch  where error.code == .noSuchKey {
      return false
    } catch  where error.code == .accessDenied {
      // HEAD has no words for it: only a listing tells whether the keys themselves are refused.
      guard !isRefused else { return nil }
      do throws(S3Error) {
        let page = try await client.listObjectsV2(
          bucket: location.bucket, prefix: location.key, delimiter: nil, after: nil)
        return page.objects.contains { $0.key == location.key }
      } catch  where error.code == .accessDenied {
        return nil
      }
    }
  }
}

extension TreeItem {
  /// Where an upload would put it.
  fileprivate var uploadLocation: ObjectLocation? {
    switch self {
    case .file(let request, _, _): request.direction == .upload ? request.location : nil
    case .marker(let location, _, _): location
    case .localFolder, .unusable: nil
    }
  }
}

extension TreeItem {
  /// Where the file of a download is made.
  fileprivate var downloadFolder: FilePath? {
    guard case .file(let request, _, _) = self,
      case .download(_, _, let folder, let key) = request.work,
      let name = try? RelativeName(key)
    else { return nil }
    return name.path(below: folder).removingLastComponent()
  }
}
