import HTTP
import History
import S3
import SystemPackage

/// Carries out one download: a small object in one request, a larger one in ranges that arrive at
/// the same time, each written to its place.
///
/// The file gets its name only when every byte is there. All ranges are of one object: each is asked
/// for with the ETag of the first answer, and with its version where there is one.
struct Downloader: Sendable {
  let object: ObjectLocation
  let summary: ObjectSummary?
  let folder: FilePath
  let name: ObjectKey
  let ifExists: TransferRequest.ExistingDestination
  let tools: TransferTools
  let progress: TransferProgress

  private var client: S3Client { tools.client }

  func run() async throws(StorageError) -> TransferResult {
    do {
      return try await download()
    } catch  where error.kind == .alreadyExists && ifExists == .skip {
      return TransferResult(
        location: object, localPath: progress.snapshot.localPath ?? folder,
        size: progress.snapshot.total ?? .zero, isSkipped: true)
    }
  }

  private func download() async throws(StorageError) -> TransferResult {
    let relativeName = try local { () throws(LocalFileError) in try RelativeName(name) }
    let path = relativeName.path(below: folder)
    progress.set(localPath: path)
    let destination: DownloadFolder
    do throws(LocalFileError) {
      destination =
        if let open = tools.folder { open } else { try await DownloadFolder.open(folder) }
      if ifExists == .skip || ifExists == .fail,
        try await destination.existing(relativeName) != nil
      {
        throw LocalFileError(path, .alreadyExists)
      }
    } catch {
      throw StorageError(error)
    }

    // The listing may be old, so it decides no more than whether one request will do.
    var pinned: ObjectMetadata?
    if let size = summary?.size, size <= tools.settings.multipartThreshold {
      progress.set(total: size)
    } else {
      let metadata = try await read(path) { () async throws(S3Error) in
        try await client.headObject(object)
      }
      progress.set(total: metadata.size)
      // Without an ETag nothing holds ranges together.
      if metadata.size > tools.settings.multipartThreshold, metadata.etag != nil {
        pinned = metadata
      }
    }

    let target: DownloadTarget
    do {
      target = try await destination.target(
        relativeName, size: pinned?.size, existing: existing)
    } catch {
      throw StorageError(error)
    }
    progress.set(localPath: target.path)
    do throws(StorageError) {
      let metadata: ObjectMetadata
      if let pinned {
        try await fetchRanges(of: pinned, into: target)
        metadata = pinned
      } else {
        metadata = try await fetchWhole(into: target)
      }
      do {
        try await target.finish(modified: metadata.lastModified)
      } catch {
        throw StorageError(error)
      }
      return TransferResult(
        location: ObjectLocation(
          bucket: object.bucket, key: object.key,
          versionID: metadata.versionID ?? object.versionID),
        localPath: target.path, size: metadata.size, etag: metadata.etag,
        checksum: metadata.checksum)
    } catch {
      await target.abandon()
      throw error
    }
  }

  private var existing: DownloadFolder.Existing {
    switch ifExists {
    case .overwrite: .overwrite
    case .rename: .rename
    case .skip, .fail: .fail
    }
  }

  // MARK: - Requests

  private func fetchWhole(
    into target: DownloadTarget
  ) async throws(StorageError) -> ObjectMetadata {
    let kind = summary.map { RequestPool.Kind(objectOf: $0.size) } ?? .part
    guard let turn = await tools.enter(kind) else { throw .cancelled }
    let counter = progress.begin()
    let result: Result<ObjectMetadata, S3Error>
    do throws(S3Error) {
      result = .success(
        try await client.getObject(
          object, range: nil, ifMatch: nil, into: .file(target.file, offset: 0, limit: .max),
          progress: counter))
    } catch {
      result = .failure(error)
    }
    tools.leave(turn)
    switch result {
    case .failure(let error):
      progress.end(counter, isDone: false)
      throw StorageError(error, while: .download(object, to: target.path))
    case .success(let metadata):
      progress.set(total: metadata.size)
      progress.end(counter, isDone: true)
      // A longer object may have begun to arrive before the one that came whole.
      try local { () throws(LocalFileError) in
        try target.truncate(to: metadata.size)
      }
      return metadata
    }
  }

  private func fetchRanges(
    of metadata: ObjectMetadata, into target: DownloadTarget
  ) async throws(StorageError) {
    var source = object
    // `null` is the version of objects from before versioning, and is replaced like any object.
    if let version = metadata.versionID, version.text != "null" { source.versionID = version }
    do {
      try await fetchRanges(of: metadata, from: source, into: target)
    } catch  where error.kind == .accessDenied && source != object {
      // Who may read objects need not be allowed to read versions; the ETag holds them together.
      progress.startAgain()
      try await fetchRanges(of: metadata, from: object, into: target)
    }
  }

  private func fetchRanges(
    of metadata: ObjectMetadata, from source: ObjectLocation, into target: DownloadTarget
  ) async throws(StorageError) {
    let ranges = RangePlan(objectSize: metadata.size, rangeSize: tools.settings.partSize)
    let failure: S3Error? = await withTaskGroup(of: S3Error?.self) { tasks in
      var next = 0
      var failure: S3Error?
      func start() {
        guard failure == nil, next < ranges.count else { return }
        let range = ranges[next]
        next += 1
        tasks.addTask { await fetch(range, of: metadata, from: source, into: target) }
      }
      for _ in 0..<tools.partsAtOnce { start() }
      while let ended = await tasks.next() {
        if let error = ended, failure == nil {
          failure = error
          tasks.cancelAll()
        }
        start()
      }
      return failure
    }
    if let failure { throw StorageError(failure, while: .download(object, to: target.path)) }
  }

  private func fetch(
    _ range: Range<Int64>, of metadata: ObjectMetadata, from source: ObjectLocation,
    into target: DownloadTarget
  ) async -> S3Error? {
    guard let turn = await tools.enter(.part) else {
      return S3Error(operation: .getObject, cause: .transport(.cancelled), attempts: 0)
    }
    let counter = progress.begin()
    var failure: S3Error?
    do {
      _ = try await client.getObject(
        source, range: range, ifMatch: metadata.etag,
        into: .file(target.file, offset: range.lowerBound, limit: Int64(range.count)),
        progress: counter)
    } catch {
      failure = error
    }
    progress.end(counter, isDone: failure == nil)
    tools.leave(turn)
    return failure
  }

  // MARK: - Errors

  private func read<Answer>(
    _ path: FilePath, _ request: () async throws(S3Error) -> Answer
  ) async throws(StorageError) -> Answer {
    do {
      return try await request()
    } catch {
      throw StorageError(error, while: .download(object, to: path))
    }
  }

  private func local<Answer>(
    _ work: () throws(LocalFileError) -> Answer
  ) throws(StorageError) -> Answer {
    do {
      return try work()
    } catch {
      throw StorageError(error)
    }
  }
}

extension DownloadTarget {
  /// Cuts off what lies beyond `size`.
  fileprivate func truncate(to size: ByteCount) throws(LocalFileError) {
    do {
      guard try file.descriptor.seek(offset: 0, from: .end) > size.bytes else { return }
      try file.descriptor.resize(to: size.bytes)
    } catch {
      throw LocalFileError(path, .system(error as? Errno ?? .ioError))
    }
  }
}
