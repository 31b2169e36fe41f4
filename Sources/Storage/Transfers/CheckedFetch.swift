import HTTP
import History
import S3
import SystemPackage

/// Carries out a ``DownloadCheck``: fetches ranges into their places in the part file, and has what
/// has arrived digested.
struct CheckedFetch: Sendable {
  /// As it was asked for.
  let object: ObjectLocation
  /// What ranges are asked of: the very version, where that may be read.
  let source: ObjectLocation
  /// Of the first answer; its ETag holds the ranges together.
  let metadata: ObjectMetadata
  let target: DownloadTarget
  let log: RangeLog?
  let tools: TransferTools
  let progress: TransferProgress

  private var client: S3Client { tools.client }
  private var arrived: ArrivedBytes {
    ArrivedBytes(file: target.file, source: source, size: metadata.size.bytes, client: client)
  }

  private enum Step: Sendable {
    case event(DownloadCheck.Event)
    case reserved
    case failed(StorageError)
  }

  /// - Parameter present: ranges that are in the file already, with their CRCs.
  func run(
    _ check: DownloadCheck, present: [Int: [CRC]] = [:]
  ) async throws(StorageError) -> Verification {
    let ranges = check.ranges
    var wanted = check.wantedCRC.map { [$0] } ?? []
    if log != nil, check.wantedCRC != .crc64nvme { wanted.append(.crc64nvme) }
    let crcs = wanted
    let result: Result<Verification, StorageError> = await withTaskGroup(of: Step.self) { tasks in
      // What sets room aside has nothing left to do once all is there.
      defer { tasks.cancelAll() }
      var check = check
      var digests: [Int: FileDigest] = [:]
      var commands = check.start(atOnce: tools.partsAtOnce, present: present)
      tasks.addTask { await reserve() }
      while true {
        for command in commands {
          switch command {
          case .fetch(let index):
            tasks.addTask { await fetch(index, ranges[index], crcs) }
          case .digest(let unit, let bytes, let isFirst, let isLast):
            if isFirst { digests[unit] = check.stored.algorithm.flatMap { FileDigest($0) } }
            let digest = digests[unit]
            if isLast { digests[unit] = nil }
            tasks.addTask {
              guard let digest else { return .event(.forbidden) }
              return await reading { () async throws(Errno) in
                try await arrived.add(bytes, to: digest)
                return .digested(unit: unit, value: isLast ? digest.finish() : nil)
              }
            }
          case .tryPartSizes(let stored):
            tasks.addTask {
              await reading { () async throws(Errno) in try await arrived.tryPartSizes(stored) }
            }
          case .seekProof:
            tasks.addTask {
              await client.seekProofOfETags(beside: object)
              return .event(.soughtProof)
            }
          case .locateDamage:
            tasks.addTask { [check] in
              await reading { () async throws(Errno) in
                .located(try await arrived.intactRanges(check))
              }
            }
          case .startAgain(let kept):
            await startAgain(ranges, keeping: kept)
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
        case .reserved:
          commands = []
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

  private func reserve() async -> Step {
    do {
      try await target.reserveRest()
      return .reserved
    } catch {
      // A disk that is full by now says nothing against what has arrived.
      log?.keep()
      return .failed(StorageError(error))
    }
  }

  private func startAgain(_ ranges: RangePlan, keeping kept: Set<Int>) async {
    guard !kept.isEmpty else {
      progress.startAgain()
      await log?.beginAgain(metadata)
      return
    }
    let damaged = ranges.indices.filter { !kept.contains($0) }.map { ranges[$0] }
    progress.lose(ByteCount(damaged.reduce(0) { $0 + Int64($1.count) }))
    await log?.lost(damaged)
  }

  private func fetch(
    _ index: Int, _ range: Range<Int64>, _ algorithms: [DigestAlgorithm]
  ) async -> Step {
    var trouble = Patience.Trouble()
    while true {
      do throws(S3Error) {
        let crcs = try await fetchOnce(range, algorithms)
        tools.patience.succeeded()
        log?.arrived(range, crcs)
        return .event(.arrived(index, crcs: crcs))
      } catch {
        // In nobody's way while it waits.
        if await tools.patience.isLeft(after: error, &trouble) { continue }
        let failure = StorageError(error, while: .download(object, to: target.path))
        // None of these says anything against the ranges before it: an answer that breaks the rules,
        // rights that were taken away, a disk that is full by now.
        let isElsewhere = [
          .credentials, .connection, .malformedAnswer, .accessDenied, .localFile,
        ].contains(failure.kind)
        if error.isTransient || isElsewhere { log?.keep() }
        return .failed(failure)
      }
    }
  }

  private func fetchOnce(
    _ range: Range<Int64>, _ algorithms: [DigestAlgorithm]
  ) async throws(S3Error) -> [CRC] {
    try await tools.pausable(.getObject, progress) { (counter) async throws(S3Error) in
      let crcs = ArrivingCRCs(.these(algorithms))
      _ = try await client.getObject(
        source, range: range, of: metadata.size, ifMatch: metadata.etag,
        into: .file(
          target.file, offset: range.lowerBound, limit: Int64(range.count), digest: crcs),
        progress: counter)
      return crcs.values
    }
  }

  /// Something that reads what has arrived back.
  private func reading(
    _ work: () async throws(Errno) -> DownloadCheck.Event
  ) async -> Step {
    do {
      return .event(try await work())
    } catch {
      return .failed(
        error == .canceled ? .cancelled : StorageError(LocalFileError(target.path, .system(error))))
    }
  }
}
