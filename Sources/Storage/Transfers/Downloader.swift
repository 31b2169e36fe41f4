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
        try await client.headNamedObject(object)
      }
      tools.patience.succeeded()
      progress.set(total: metadata.size)
      // Without an ETag nothing holds ranges together.
      if metadata.size > tools.settings.multipartThreshold, metadata.etag != nil {
        pinned = metadata
      }
    }

    if let pinned, pinned.size >= tools.settings.journalThreshold, tools.journaling != nil {
      return try await resumably(relativeName, in: destination, pinned)
    }
    return try await tools.whole(request) { () async throws(StorageError) in
      if let result = try await small(relativeName, in: destination) { return result }
      let target = try await target(relativeName, in: destination, size: pinned?.size)
      return try await arrive(in: target) { () async throws(StorageError) in
        guard let pinned else { return try await fetchWhole(into: target) }
        return (pinned, try await fetchRanges(of: pinned, into: target, nil))
      }
    }
  }

  /// The file that an earlier run of the same tree has made, under its name or a numbered one.
  private func movedBefore(
    _ name: RelativeName, below destination: DownloadFolder
  ) async throws(LocalFileError) -> TransferResult? {
    guard let earlier = tools.earlierRun, let summary else { return nil }
    var candidate = name
    var number = 0
    while try await destination.existing(candidate) != nil {
      let result = try await earlier.download(
        of: summary, in: object.bucket, to: candidate, below: destination)
      if let result {
        progress.set(localPath: result.localPath)
        progress.set(total: result.size)
        progress.keep(result.size)
        return result
      }
      guard ifExists == .rename else { return nil }
      number += 1
      candidate = name.numbered(number)
    }
    return nil
  }

  /// - Returns: nil for an object that is too large to be kept in memory, as far as is known.
  private func small(
    _ name: RelativeName, in folder: DownloadFolder
  ) async throws(StorageError) -> TransferResult? {
    guard let size = summary?.size, size <= SmallDownload.largestSize else { return nil }
    let result = try await SmallDownload(
      object: object, name: name, folder: folder, existing: existing, tools: tools,
      progress: progress
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
      log = try await RangeLog.take(request, into: target.file, tools)
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

  // MARK: - Requests

  /// The answer itself tells how its bytes are known, so that a small object takes one request.
  private func fetchWhole(
    into target: DownloadTarget
  ) async throws(StorageError) -> (ObjectMetadata, Verification) {
    let kind = summary.map { RequestPool.Kind(objectOf: $0.size) } ?? .part
    guard let turn = await tools.enter(kind) else { throw .cancelled }
    let counter = progress.begin()
    let crcs = ArrivingCRCs(.asAnswered)
    let result: Result<ObjectMetadata, S3Error>
    do throws(S3Error) {
      result = .success(
        try await client.getObject(
          object, range: nil, ifMatch: nil,
          into: .file(target.file, offset: 0, limit: .max, digest: crcs), progress: counter))
    } catch {
      result = .failure(error)
    }
    var isAnswered = false
    if case .success = result { isAnswered = true }
    tools.leave(turn, isAnswered: isAnswered)
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
      let size = max(metadata.size, ByteCount(1))
      let check = DownloadCheck(
        StoredDigest(metadata, etags: client.etagMeaning), objectSize: metadata.size,
        partSizes: nil, rangeSize: size, etags: client.etagMeaning)
      let verification = try await carryOut(
        check, present: metadata.size > .zero ? [0: crcs.values] : [:], of: metadata,
        from: pinned(metadata), into: target)
      return (metadata, verification)
    }
  }

  /// The very version that an answer was about.
  private func pinned(_ metadata: ObjectMetadata) -> ObjectLocation {
    var source = object
    // `null` is the version of objects from before versioning, and is replaced like any object.
    if let version = metadata.versionID, version.text != "null" { source.versionID = version }
    return source
  }

  private func fetchRanges(
    of metadata: ObjectMetadata, into target: DownloadTarget, _ log: RangeLog?
  ) async throws(StorageError) -> Verification {
    let stored = StoredDigest(metadata, etags: client.etagMeaning)
    var sizes: [Int64]?
    if let count = stored.partCount {
      sizes = await client.partSizes(of: object, count: count, objectSize: metadata.size.bytes)
    }
    // Cut as before, so that ranges of an earlier run are found again.
    let rangeSize = log?.entry.subject?.partSize ?? tools.settings.partSize
    let check = DownloadCheck(
      stored, objectSize: metadata.size, partSizes: sizes, rangeSize: rangeSize,
      etags: client.etagMeaning)
    var present: [Int: [CRC]] = [:]
    if let log { present = try await left(log, check, metadata, rangeSize, in: target) }
    let source = pinned(metadata)
    do {
      return try await carryOut(
        check, present: present, of: metadata, from: source, into: target, log)
    } catch  where error.kind == .accessDenied && source != object {
      // Who may read objects need not be allowed to read versions; the ETag holds them together.
      progress.startAgain()
      return try await carryOut(check, of: metadata, from: object, into: target, log)
    }
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
        try await target.startOver(size: metadata.size)
      } catch {
        throw StorageError(error)
      }
    }
    await log.begin(metadata, rangeSize: rangeSize)
    return [:]
  }

  // MARK: - Fetching and checking

  private enum Step: Sendable {
    case event(DownloadCheck.Event)
    case failed(StorageError)
  }

  /// - Parameter present: ranges that are in the file already, with their CRCs.
  private func carryOut(
    _ check: DownloadCheck, present: [Int: [CRC]] = [:], of metadata: ObjectMetadata,
    from source: ObjectLocation, into target: DownloadTarget, _ log: RangeLog? = nil
  ) async throws(StorageError) -> Verification {
    let ranges = check.ranges
    var wanted = check.wantedCRC.map { [$0] } ?? []
    if log != nil, check.wantedCRC != .crc64nvme { wanted.append(.crc64nvme) }
    let crcs = wanted
    let result: Result<Verification, StorageError> = await withTaskGroup(of: Step.self) { tasks in
      var check = check
      var digests: [Int: FileDigest] = [:]
      var commands = check.start(
        atOnce: tools.partsAtOnce, present: present)
      while true {
        for command in commands {
          switch command {
          case .fetch(let index):
            tasks.addTask {
              await fetch(
                index, ranges[index], crcs, of: metadata, from: source, into: target, log)
            }
          case .digest(let unit, let bytes, let isFirst, let isLast):
            if isFirst { digests[unit] = check.stored.algorithm.flatMap { FileDigest($0) } }
            let digest = digests[unit]
            if isLast { digests[unit] = nil }
            tasks.addTask { await read(bytes, of: target, into: digest, unit, isLast: isLast) }
          case .tryPartSizes(let stored):
            tasks.addTask { await tryPartSizes(stored, of: metadata, from: source, in: target) }
          case .seekProof:
            tasks.addTask {
              await client.seekProofOfETags(beside: object)
              return .event(.soughtProof)
            }
          case .startAgain:
            progress.startAgain()
            await log?.beginAgain(metadata)
          case .finish(let verification):
            if let isMD5 = check.lesson(of: verification) { client.noteETag(isMD5: isMD5) }
            return .success(verification)
          case .fail(let mismatch):
            return .failure(
              .damaged(object, stored: mismatch.stored, arrived: mismatch.arrived))
          }
        }
        switch await tasks.next() {
        case .event(let event):
          check.etags = client.etagMeaning
          commands = check.handle(event)
        case .failed(let error):
          // The first failure is the cause of the others.
          tasks.cancelAll()
          await tasks.waitForAll()
          return .failure(error)
        case nil: preconditionFailure("a check that has not finished has something under way")
        }
      }
    }
    return try result.get()
  }

  private func fetch(
    _ index: Int, _ range: Range<Int64>, _ algorithms: [DigestAlgorithm],
    of metadata: ObjectMetadata, from source: ObjectLocation, into target: DownloadTarget,
    _ log: RangeLog?
  ) async -> Step {
    while true {
      let result = await fetchOnce(range, algorithms, of: metadata, from: source, into: target)
      switch result {
      case .success(let crcs):
        tools.patience.succeeded()
        log?.arrived(range, crcs)
        return .event(.arrived(index, crcs: crcs))
      case .failure(let error):
        // In nobody's way while it waits.
        if await tools.patience.isLeft(after: error) { continue }
        let failure = StorageError(error, while: .download(object, to: target.path))
        if error.isTransient || [.credentials, .connection].contains(failure.kind) { log?.keep() }
        return .failed(failure)
      }
    }
  }

  private func fetchOnce(
    _ range: Range<Int64>, _ algorithms: [DigestAlgorithm], of metadata: ObjectMetadata,
    from source: ObjectLocation, into target: DownloadTarget
  ) async -> Result<[CRC], S3Error> {
    do {
      let arrived = try await tools.pausable(.getObject) { () async throws(S3Error) in
        let counter = progress.begin()
        let crcs = ArrivingCRCs(.these(algorithms))
        do throws(S3Error) {
          _ = try await client.getObject(
            source, range: range, ifMatch: metadata.etag,
            into: .file(
              target.file, offset: range.lowerBound, limit: Int64(range.count), digest: crcs),
            progress: counter)
        } catch {
          progress.end(counter, isDone: false)
          throw error
        }
        progress.end(counter, isDone: true)
        return crcs.values
      }
      return .success(arrived)
    } catch {
      return .failure(error)
    }
  }

  private func read(
    _ bytes: Range<Int64>, of target: DownloadTarget, into digest: FileDigest?, _ unit: Int,
    isLast: Bool
  ) async -> Step {
    guard let digest else { return .event(.forbidden) }
    do throws(Errno) {
      try await digest.add(
        FileSlice(file: target.file, offset: bytes.lowerBound, count: Int64(bytes.count)))
    } catch {
      return .failed(unreadable(error, target))
    }
    return .event(.digested(unit: unit, value: isLast ? digest.finish() : nil))
  }

  /// First the sizes in use, which cost no request, then what the server tells.
  private func tryPartSizes(
    _ stored: StoredDigest, of metadata: ObjectMetadata, from source: ObjectLocation,
    in target: DownloadTarget
  ) async -> Step {
    let size = metadata.size.bytes
    guard let count = stored.partCount else { return .event(.forbidden) }
    let candidates = PartSizes.candidates(
      objectSize: size, count: count, limit: PartSizes.worthwhile(objectSize: size))
    do throws(Errno) {
      for candidate in candidates {
        let found = try await digest(
          stored, of: target, partSizes: PartSizes.even(candidate, objectSize: size))
        guard let found else { return .event(.forbidden) }
        if found == stored { return .event(.tried(fits: true, areKnown: false, found: found)) }
      }
      guard
        let sizes = await client.partSizes(of: source, count: count, objectSize: size),
        let found = try await digest(stored, of: target, partSizes: sizes)
      else { return .event(.tried(fits: false, areKnown: false, found: nil)) }
      return .event(.tried(fits: found == stored, areKnown: true, found: found))
    } catch {
      return .failed(unreadable(error, target))
    }
  }

  /// The digest of the file as it is made from parts; nil where this system forbids the algorithm.
  private func digest(
    _ stored: StoredDigest, of target: DownloadTarget, partSizes: [Int64]
  ) async throws(Errno) -> StoredDigest? {
    var values: [[UInt8]] = []
    var offset: Int64 = 0
    for size in partSizes {
      guard let digest = stored.algorithm.flatMap({ FileDigest($0) }) else { return nil }
      try await digest.add(FileSlice(file: target.file, offset: offset, count: size))
      values.append(digest.finish())
      offset += size
    }
    return stored.found(values)
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

  /// What has arrived cannot be read back.
  private func unreadable(_ error: Errno, _ target: DownloadTarget) -> StorageError {
    error == .canceled ? .cancelled : StorageError(LocalFileError(target.path, .system(error)))
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
