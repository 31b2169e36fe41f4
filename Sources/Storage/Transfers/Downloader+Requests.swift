import HTTP
import History
import S3
import SystemPackage

/// The requests of a download whose part file is open.
extension Downloader {
  /// The answer itself tells how its bytes are known, so that a small object takes one request.
  ///
  /// - Parameter hasETag: whether the store has told an ETag of the object.
  func fetchWhole(
    into target: DownloadTarget, hasETag: Bool
  ) async throws(StorageError) -> (ObjectMetadata, Verification) {
    let (metadata, crcs) = try await fetchPatiently(into: target, hasETag: hasETag)
    // A longer object may have begun to arrive before the one that came whole.
    try local { () throws(LocalFileError) in
      try target.truncate(to: metadata.size)
    }
    let size = max(metadata.size, ByteCount(1))
    let check = DownloadCheck(
      StoredDigest(metadata, etags: client.etagMeaning), objectSize: metadata.size,
      partSizes: nil, rangeSize: size, etags: client.etagMeaning)
    let verification = try await fetch(of: metadata, from: pinned(metadata), into: target)
      .run(check, present: metadata.size > .zero ? [0: crcs] : [:])
    return (metadata, verification)
  }

  private func fetchPatiently(
    into target: DownloadTarget, hasETag: Bool
  ) async throws(StorageError) -> (ObjectMetadata, [CRC]) {
    let kind = summary.map { RequestPool.Kind(objectOf: $0.size) } ?? .part
    var trouble = Patience.Trouble()
    while true {
      guard let turn = await tools.enter(kind) else { throw .cancelled }
      let counter = progress.begin()
      let crcs = ArrivingCRCs(.asAnswered)
      let (result, isGivenUp) = await tools.unlessPaused { () async throws(S3Error) in
        try await client.getObject(
          object, range: nil, ifMatch: nil, hasETag: hasETag,
          into: .file(target.file, offset: 0, limit: .max, digest: crcs), progress: counter)
      }
      guard case .success(let metadata) = result else {
        tools.leave(turn, isAnswered: false)
        progress.end(counter, isDone: false)
        // In nobody's way while it waits.
        if case .failure(let error) = result, !isGivenUp,
          await !tools.patience.isLeft(after: error, &trouble)
        {
          if Task.isCancelled { throw .cancelled }
          throw StorageError(error, while: .download(object, to: target.path))
        }
        continue
      }
      tools.leave(turn)
      tools.patience.succeeded()
      progress.set(total: metadata.size)
      progress.end(counter, isDone: true)
      return (metadata, crcs.values)
    }
  }

  /// The very version that an answer was about.
  private func pinned(_ metadata: ObjectMetadata) -> ObjectLocation {
    var source = object
    // `null` is the version of objects from before versioning, and is replaced like any object.
    if let version = metadata.versionID, version.text != "null" { source.versionID = version }
    return source
  }

  func fetchRanges(
    of metadata: ObjectMetadata, into target: DownloadTarget, _ log: RangeLog?
  ) async throws(StorageError) -> Verification {
    let stored = StoredDigest(metadata, etags: client.etagMeaning)
    var sizes: [Int64]?
    if let count = stored.partCount {
      sizes = await client.partSizes(of: object, count: count, objectSize: metadata.size.bytes)
    }
    // Cut as before, so that ranges of an earlier run are found again.
    let rangeSize = log?.entry.subject?.partSize ?? tools.settings.partSize
    progress.set(partSize: rangeSize)
    let check = DownloadCheck(
      stored, objectSize: metadata.size, partSizes: sizes, rangeSize: rangeSize,
      etags: client.etagMeaning)
    var present: [Int: [CRC]] = [:]
    if let log { present = try await left(log, check, metadata, rangeSize, in: target) }
    let source = pinned(metadata)
    do {
      return try await fetch(of: metadata, from: source, into: target, log)
        .run(check, present: present)
    } catch  where error.kind == .accessDenied && source != object {
      // Who may read objects need not be allowed to read versions; the ETag holds them together.
      progress.startAgain()
      return try await fetch(of: metadata, from: object, into: target, log).run(check)
    }
  }

  private func fetch(
    of metadata: ObjectMetadata, from source: ObjectLocation, into target: DownloadTarget,
    _ log: RangeLog? = nil
  ) -> CheckedFetch {
    CheckedFetch(
      object: object, source: source, metadata: metadata, target: target, log: log, tools: tools,
      progress: progress)
  }

  /// The ranges of an earlier run that are still in the file, when they are of this very object.
  private func left(
    _ log: RangeLog, _ check: DownloadCheck, _ metadata: ObjectMetadata, _ rangeSize: ByteCount,
    in target: DownloadTarget
  ) async throws(StorageError) -> [Int: [CRC]] {
    if let subject = log.entry.subject {
      let isSame =
        subject.size == metadata.size && subject.etag == metadata.etag
        && subject.versionID == metadata.versionID
      if isSame, target.isLeftover {
        let left = LeftRanges(
          log: log, ranges: check.ranges, wanted: check.wantedCRC, file: target.file)
        let present = await left.find()
        let kept = ByteCount(present.keys.reduce(0) { $0 + Int64(check.ranges[$1].count) })
        progress.keep(kept)
        log.resumption = .resumed(kept: kept)
        return present
      }
      log.resumption = .startedOver(isSame ? .partFileGone : .objectChanged)
    }
    if target.isLeftover {
      do {
        try await target.startOver()
      } catch {
        throw StorageError(error)
      }
    }
    await log.begin(metadata, rangeSize: rangeSize)
    return [:]
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
