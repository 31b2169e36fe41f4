import HTTP
import History
import S3
import SystemPackage

/// Carries out one download: a small object in one request, a larger one in ranges that arrive at
/// the same time, each written to its place, as ``DownloadCheck`` decides.
///
/// The file gets its name only when every byte is there and, where the server tells by what, is the
/// one that was stored. All ranges are of one object: each is asked for with the ETag of the first
/// answer, and with its version where there is one.
struct Downloader: Sendable {
  let object: ObjectLocation
  let summary: ObjectSummary?
  let folder: FilePath
  let name: ObjectKey
  let ifExists: TransferRequest.ExistingDestination
  let tools: TransferTools
  let progress: TransferProgress

  var client: S3Client { tools.client }

  func run() async throws(StorageError) -> TransferResult {
    do {
      return try await download()
    } catch  where error.kind == .alreadyExists && ifExists == .skip {
      await giveUpLeft()
      return TransferResult(
        location: object, localPath: progress.snapshot.localPath ?? folder,
        size: summary?.size ?? progress.snapshot.total, isSkipped: true)
    }
  }

  /// Removes what an earlier run has left of a file that is skipped now. What cannot be removed stays
  /// in the journal, where it can be given up.
  private func giveUpLeft() async {
    guard let journaling = tools.journaling, tools.mayHaveLeftovers,
      let left = try? await journaling.takeLeft(request)
    else { return }
    do {
      try await journaling.removeArrived(of: left)
      try await journaling.journal.remove(left.id)
    } catch {
      try? await journaling.journal.release(left.id)
    }
  }

  private var request: TransferRequest {
    TransferRequest(
      .download(object, summary: summary, folder: folder, name: name), ifExists: ifExists)
  }

  private func download() async throws(StorageError) -> TransferResult {
    let relativeName = try local { () throws(LocalFileError) in try RelativeName(name) }
    let path = relativeName.path(below: folder)
    progress.set(localPath: path)
    let destination: DownloadFolder
    do throws(LocalFileError) {
      destination =
        if let open = tools.folder { open } else { try await DownloadFolder.open(folder) }
      if let result = try await movedBefore(relativeName, below: destination) { return result }
      if ifExists == .skip || ifExists == .fail,
        let existing = try await destination.existing(relativeName)
      {
        throw LocalFileError(path, existing.isFolder ? .folder : .alreadyExists)
      }
    } catch {
      throw StorageError(error)
    }

    // The listing may be old, so it decides no more than whether one request will do.
    var pinned: ObjectMetadata?
    var hasETag = summary?.etag != nil
    if let size = summary?.size, size <= tools.settings.multipartThreshold {
      progress.set(total: size)
    } else {
      let metadata = try await read(path) { () async throws(S3Error) in
        try await client.headNamedObject(object)
      }
      tools.patience.succeeded()
      progress.set(total: metadata.size)
      hasETag = metadata.etag != nil
      // Without an ETag nothing holds ranges together.
      if metadata.size > tools.settings.multipartThreshold, metadata.etag != nil {
        pinned = metadata
      }
    }

    if let pinned, tools.journaling != nil {
      return try await resumably(relativeName, in: destination, pinned)
    }
    return try await tools.whole(request) { () async throws(StorageError) in
      if let result = try await small(relativeName, in: destination) { return result }
      let target = try await target(relativeName, in: destination, size: pinned?.size)
      return try await arrive(in: target) { () async throws(StorageError) in
        guard let pinned else { return try await fetchWhole(into: target, hasETag: hasETag) }
        return (pinned, try await fetchRanges(of: pinned, into: target, nil))
      }
    }
  }

  /// The file that an earlier run of the same tree has made, under its name or a numbered one.
  private func movedBefore(
    _ name: RelativeName, below destination: DownloadFolder
  ) async throws(LocalFileError) -> TransferResult? {
    guard let earlier = tools.earlierRun else { return nil }
    var candidate = name
    var number = 0
    while try await destination.existing(candidate) != nil {
      guard let summary = await listed() else { return nil }
      let result = try await earlier.download(
        of: summary, in: object.bucket, to: candidate, below: destination)
      if let result {
        progress.set(localPath: result.localPath)
        progress.set(total: summary.size)
        progress.keep(summary.size)
        return result
      }
      guard ifExists == .rename else { return nil }
      number += 1
      candidate = name.numbered(number)
    }
    return nil
  }

  /// As a listing has it, or would. What cannot be asked now fails when it is fetched.
  private func listed() async -> ObjectSummary? {
    if let summary { return summary }
    guard let metadata = try? await client.headObject(object) else { return nil }
    return ObjectSummary(
      key: object.key, size: metadata.size, lastModified: metadata.lastModified,
      etag: metadata.etag)
  }

  /// - Returns: nil for an object that is too large to be kept in memory, as far as is known.
  private func small(
    _ name: RelativeName, in folder: DownloadFolder
  ) async throws(StorageError) -> TransferResult? {
    guard let size = summary?.size, size <= SmallDownload.largestSize else { return nil }
    let result = try await SmallDownload(
      object: object, hasETag: summary?.etag != nil, name: name, folder: folder,
      existing: existing, tools: tools, progress: progress
    ).run()
    if result == nil { progress.startAgain() }
    return result
  }

  private func target(
    _ name: RelativeName, in folder: DownloadFolder, size: ByteCount?, reusing: Bool = false
  ) async throws(StorageError) -> DownloadTarget {
    let target: DownloadTarget
    do {
      target = try await folder.target(name, size: size, existing: existing, reusing: reusing)
    } catch {
      throw StorageError(error)
    }
    progress.set(localPath: target.path)
    return target
  }

  /// What has arrived outlives the program, and a later run goes on from there.
  private func resumably(
    _ name: RelativeName, in folder: DownloadFolder, _ metadata: ObjectMetadata
  ) async throws(StorageError) -> TransferResult {
    let target = try await target(name, in: folder, size: metadata.size, reusing: true)
    var request = request
    request.work = .download(
      object, summary: summary, folder: self.folder, name: target.relativeName.key)
    let log: RangeLog?
    do {
      log = try await RangeLog.take(request, insteadOf: self.request, into: target.file, tools)
    } catch {
      // Whoever holds it is about to open the file that is in our hands.
      if target.isLeftover { target.keep() }
      throw error
    }
    do throws(StorageError) {
      var result = try await arrive(in: target, keeping: log) { () async throws(StorageError) in
        (metadata, try await fetchRanges(of: metadata, into: target, log))
      }
      result.resumption = log?.resumption
      await log?.remove()
      return result
    } catch {
      guard let log, log.isKept else {
        await log?.remove()
        throw error
      }
      await log.release()
      tools.stop.keep()
      throw error.resumable
    }
  }

  private func arrive(
    in target: DownloadTarget, keeping log: RangeLog? = nil,
    _ fetch: () async throws(StorageError) -> (ObjectMetadata, Verification)
  ) async throws(StorageError) -> TransferResult {
    do throws(StorageError) {
      let (metadata, verification) = try await fetch()
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
        checksum: metadata.checksum, verification: verification)
    } catch {
      let isStopped = error.isCancellation && tools.stop.isRaised
      if isStopped { log?.keep() }
      if log?.isKept == true { target.keep() }
      await target.abandon()
      throw isStopped ? .stopped : error
    }
  }

  private var existing: DownloadFolder.Existing {
    switch ifExists {
    case .overwrite: .overwrite
    case .rename: .rename
    case .skip, .fail: .fail
    }
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

  func local<Answer>(
    _ work: () throws(LocalFileError) -> Answer
  ) throws(StorageError) -> Answer {
    do {
      return try work()
    } catch {
      throw StorageError(error)
    }
  }
}
