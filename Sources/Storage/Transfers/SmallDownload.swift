import HTTP
import S3
import SystemPackage

/// Carries out the download of a small object: its bytes arrive in memory, are compared with what
/// was stored, and become a file in one go, so that thousands of them cost little each.
struct SmallDownload: Sendable {
  /// Some hundreds of them are under way.
  static let largestSize = ByteCount.kibibytes(16)

  let object: ObjectLocation
  /// Whether the store has told an ETag of it.
  let hasETag: Bool
  let name: RelativeName
  let folder: DownloadFolder
  let existing: DownloadFolder.Existing
  let tools: TransferTools
  let progress: TransferProgress

  /// - Returns: nil when the object is none of the kind: larger by now, or stored in parts whose
  ///   sizes have to be found.
  func run() async throws(StorageError) -> TransferResult? {
    guard let arrived = try await fetch(ifMatch: nil) else { return nil }
    return try await finish(arrived)
  }

  /// Not inlined: the room for its locals would be taken while the request is under way.
  @inline(never)
  private func finish(
    _ first: FetchedObject
  ) async throws(StorageError) -> TransferResult? {
    var arrived = first
    let metadata = arrived.metadata
    progress.set(total: metadata.size)
    let etags = tools.client.etagMeaning
    var check = DownloadCheck(
      StoredDigest(metadata, etags: etags), objectSize: metadata.size, partSizes: nil,
      rangeSize: max(metadata.size, ByteCount(1)), etags: etags)
    var commands = check.start(
      atOnce: 1, present: metadata.size > .zero ? [0: crcs(of: arrived.bytes, check)] : [:])
    while let command = commands.first {
      commands.removeFirst()
      check.etags = tools.client.etagMeaning
      switch command {
      case .startAgain:
        progress.startAgain()
      case .locateDamage:
        // One range is all there is.
        commands += check.handle(.located(nil))
      case .fetch:
        guard let again = try await fetch(ifMatch: metadata.etag) else { return nil }
        arrived.bytes = again.bytes
        commands += check.handle(.arrived(0, crcs: crcs(of: arrived.bytes, check)))
      case .digest(let unit, _, isFirst: _, isLast: _):
        // All of it is one range, and so one stretch.
        let value = check.stored.algorithm?.digest(of: arrived.bytes)
        commands += check.handle(value.map { .digested(unit: unit, value: $0) } ?? .forbidden)
      case .seekProof:
        await tools.client.seekProofOfETags(beside: object)
        check.etags = tools.client.etagMeaning
        commands += check.handle(.soughtProof)
      case .tryPartSizes:
        return nil
      case .finish(let verification):
        if let isMD5 = check.lesson(of: verification) { tools.client.noteETag(isMD5: isMD5) }
        return try await store(arrived, verification)
      case .fail(let mismatch):
        throw .damaged(object, stored: mismatch.stored, arrived: mismatch.arrived)
      }
    }
    preconditionFailure("a check that has not finished has something under way")
  }

  private func crcs(of bytes: [UInt8], _ check: DownloadCheck) -> [CRC] {
    guard let wanted = check.wantedCRC else { return [] }
    var crc = CRC(wanted)
    bytes.withUnsafeBytes { crc.update($0) }
    return [crc]
  }

  /// - Returns: nil when it is too large to be kept in memory.
  private func fetch(ifMatch: ETag?) async throws(StorageError) -> FetchedObject? {
    var trouble = Patience.Trouble()
    while true {
      guard let turn = await tools.enter(.small) else { throw cancelled }
      let counter = progress.begin()
      do throws(S3Error) {
        let arrived = try await tools.client.getObject(
          object, ifMatch: ifMatch, hasETag: hasETag, limit: Int(Self.largestSize.bytes),
          progress: counter)
        tools.leave(turn)
        tools.patience.succeeded()
        progress.end(counter, isDone: true)
        return arrived
      } catch {
        tools.leave(turn, isAnswered: false)
        progress.end(counter, isDone: false)
        if case .transport(.bodyTooLarge) = error.cause { return nil }
        if await tools.patience.isLeft(after: error, &trouble) { continue }
        if error.isCancellation || Task.isCancelled { throw cancelled }
        throw StorageError(error, while: .download(object, to: name.path(below: folder.path)))
      }
    }
  }

  private func store(
    _ arrived: FetchedObject, _ verification: Verification
  ) async throws(StorageError) -> TransferResult {
    guard !Task.isCancelled else { throw cancelled }
    let metadata = arrived.metadata
    let path: FilePath
    do {
      path = try await folder.store(
        arrived.bytes, as: name, existing: existing, modified: metadata.lastModified,
        mayHaveLeftover: tools.mayHaveLeftovers || tools.earlierRun != nil)
    } catch {
      throw StorageError(error)
    }
    progress.set(localPath: path)
    return TransferResult(
      location: ObjectLocation(
        bucket: object.bucket, key: object.key, versionID: metadata.versionID ?? object.versionID),
      localPath: path, size: metadata.size, etag: metadata.etag,
      checksum: metadata.checksum, verification: verification)
  }

  private var cancelled: StorageError { tools.stop.isRaised ? .stopped : .cancelled }
}
