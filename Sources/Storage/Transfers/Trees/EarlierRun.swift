import History
import S3
import SystemPackage

/// Finds out which files an earlier run of a tree has moved, so that they do not move again.
struct EarlierRun: Sendable {
  /// Servers tell whole seconds, and their clock is known to about one.
  private static let slack = Duration.seconds(2)

  /// By the clock of this machine.
  let begunAt: Timestamp
  private let rows: OpenRows

  init(begunAt: Timestamp, _ recorder: Recorder) {
    self.begunAt = begunAt
    rows = OpenRows(since: begunAt, recorder)
  }

  /// The object that it made of a file: written since, of the same size, and with a checksum, or the
  /// MD5 as its ETag, of the file, which is read once for it.
  func upload(
    of source: SourceFile, to location: ObjectLocation, _ tools: TransferTools
  ) async throws(StorageError) -> TransferResult? {
    let object: ObjectMetadata
    do {
      object = try await tools.client.headObject(location)
    } catch  where error.code == .noSuchKey || error.code == .accessDenied {
      return nil
    } catch {
      throw StorageError(error, while: .upload(source.path, to: location))
    }
    guard let written = object.lastModified,
      written.advanced(by: Self.slack) >= tools.client.serverTime(at: begunAt),
      object.size == source.size
    else { return nil }
    // What cannot be read now fails when it is sent.
    let proof = try? await source.proof(in: object, partSize: tools.settings.partSize)
    guard object.size == .zero || proof != nil, await !source.hasChanged() else { return nil }
    await settle(source, at: location, tools)
    return TransferResult(
      location: ObjectLocation(
        bucket: location.bucket, key: location.key, versionID: object.versionID),
      localPath: source.path, size: source.size, etag: object.etag, checksum: object.checksum,
      resumption: .resumed(kept: source.size))
  }

  /// Gives the row of its process, if that has died, the outcome that can be proven.
  private func settle(
    _ source: SourceFile, at location: ObjectLocation, _ tools: TransferTools
  ) async {
    let settler = Settler(
      client: tools.client, recorder: tools.recorder, partSize: tools.settings.partSize,
      limits: .all)
    for row in await rows.uploads(of: source.path, to: location) {
      let finding = await settler.finding(of: row)
      guard case .done = finding.verdict, let ending = finding.ending else { continue }
      // Somebody else may have settled it meanwhile; else it stays for who settles all.
      try? await tools.recorder.history.finish([
        ChangeOutcome(row.id, ending, finishedAt: .now())
      ])
    }
  }

  /// The file that it made of an object: it came to its place since, with the size and the time of
  /// the object, which a file gets only once it is whole and verified.
  func download(
    of object: ObjectSummary, in bucket: BucketName, to name: RelativeName,
    below folder: DownloadFolder
  ) async throws(LocalFileError) -> TransferResult? {
    guard let modified = object.lastModified, let file = try await folder.existing(name),
      file.isRegular, file.size == object.size, file.modified.seconds == modified.seconds,
      file.changed >= begunAt
    else { return nil }
    return TransferResult(
      location: ObjectLocation(bucket: bucket, key: object.key),
      localPath: name.path(below: folder.path), size: object.size, etag: object.etag,
      resumption: .resumed(kept: object.size))
  }
}

/// The rows of uploads that processes which have died since then left without an outcome; asked for
/// once, as a run leaves some hundreds at most and a tree may have many more files.
private actor OpenRows {
  private let since: Timestamp
  private let recorder: Recorder
  private var asked: Task<[ObjectLocation: [HistoryEntry]], Never>?

  init(since: Timestamp, _ recorder: Recorder) {
    self.since = since
    self.recorder = recorder
  }

  func uploads(of file: FilePath, to location: ObjectLocation) async -> [HistoryEntry] {
    let task = asked ?? Task { await all() }
    asked = task
    let path = file.absolute
    return await task.value[location, default: []].filter { $0.localPath == path }
  }

  private func all() async -> [ObjectLocation: [HistoryEntry]] {
    var rows: [ObjectLocation: [HistoryEntry]] = [:]
    var last: ChangeID?
    while let page = try? await recorder.history.abandoned(
      by: recorder.author, after: last, limit: HistoryStore.rowsPerCommit), let end = page.last
    {
      for row in page where row.action == .upload && row.endpoint == recorder.endpoint {
        guard let key = row.key, row.startedAt >= since else { continue }
        rows[ObjectLocation(bucket: row.bucket, key: key), default: []].append(row)
      }
      last = end.id
    }
    return rows
  }
}
