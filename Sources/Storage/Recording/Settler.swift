import HTTP
import History
import S3
import SystemPackage

/// Finds out what became of one change whose process died.
///
/// `done` needs a proof, and these are all there are:
/// - an upload: the object was written after the change began, by no other change of the history,
///   and has the size and a checksum, or the MD5 as its ETag, of the local file, which has the
///   size it had and was not modified since. An empty object needs no file for that.
/// - the deletion of a version: the version is gone, and no other row says that it removed it.
/// - the abortion of an upload: the key has no upload that is as old as the change.
///
/// All else ends `interrupted`, with what is known: an object or bucket that is gone, a delete
/// marker or a bucket that is there may be anybody's work.
struct Settler: Sendable {
  /// Servers tell whole seconds, and their clock is known to about one.
  private static let slack = Duration.seconds(2)
  private static let mostRivals = 200
  private static let mostVersionPages = 10

  let client: S3Client
  let recorder: Recorder
  /// How files are cut that go up in parts.
  let partSize: ByteCount
  let limits: SettlingLimits

  /// A verdict, and what the history gets to know beyond it.
  struct Finding: Sendable {
    var verdict: SettledChange.Verdict
    var object: ObjectMetadata?

    init(_ verdict: SettledChange.Verdict, _ object: ObjectMetadata? = nil) {
      self.verdict = verdict
      self.object = object
    }

    static func interrupted(_ doubt: SettledChange.Doubt) -> Finding {
      Finding(.interrupted(doubt))
    }

    /// Whether it makes no sense to ask the server for anything else.
    var isUnreachable: Bool {
      guard case .open(let error) = verdict else { return false }
      return error.kind == .connection || error.kind == .credentials
    }

    /// nil when there is nothing to record.
    var ending: Ending? {
      switch verdict {
      case .done:
        Ending(
          outcome: .done, etag: object?.etag, versionID: object?.versionID,
          checksum: object?.checksum, size: object?.size)
      case .interrupted(let doubt): Ending(outcome: .interrupted, errorCode: doubt.rawValue)
      case .open, .settledMeanwhile: nil
      }
    }
  }

  func finding(of entry: HistoryEntry) async -> Finding {
    do {
      return try await look(into: entry)
    } catch {
      return Finding(.open(error))
    }
  }

  private func look(into entry: HistoryEntry) async throws(StorageError) -> Finding {
    guard let key = entry.key else { return try await lookIntoBucket(entry) }
    let location = ObjectLocation(bucket: entry.bucket, key: key)
    switch entry.action {
    case .upload: return try await lookIntoUpload(entry, location)
    case .delete: return try await lookIntoDeletion(entry, location)
    case .abortUpload: return try await lookIntoAbortion(entry, location)
    case .copy: return .interrupted(try await head(location) == nil ? .absent : .notProvable)
    case .createBucket, .deleteBucket, .setTags, .setVersioning, .restore, .presign:
      return .interrupted(.notProvable)
    }
  }

  // MARK: - Uploads

  private func lookIntoUpload(
    _ entry: HistoryEntry, _ location: ObjectLocation
  ) async throws(StorageError) -> Finding {
    guard let object = try await head(location) else { return .interrupted(.absent) }
    let startedAt = client.serverTime(at: entry.startedAt)
    guard let modified = object.lastModified else { return .interrupted(.notProvable) }
    guard modified.advanced(by: Self.slack) >= startedAt else { return .interrupted(.unchanged) }
    guard object.size == entry.size else { return .interrupted(.otherContent) }
    // Compared before the rivals are asked for, so that none that came meanwhile is missed.
    let finding = try await compare(entry, with: object)
    guard case .done = finding.verdict else { return finding }
    let rivals = try await rivals(of: entry)
    let isOurs =
      rivals.count < Self.mostRivals
      && !rivals.contains { canHaveMade(object, modified: modified, $0) }
    return isOurs ? finding : .interrupted(.otherWriter)
  }

  private func compare(
    _ entry: HistoryEntry, with object: ObjectMetadata
  ) async throws(StorageError) -> Finding {
    // No bytes are like no bytes.
    if object.size == .zero { return Finding(.done(.checksum), object) }
    guard let path = entry.localPath, path.isAbsolute else { return .interrupted(.notProvable) }
    guard object.size.bytes <= limits.largestFile else {
      return Finding(.open(.leftForCommand(path)), nil)
    }
    guard let source = try? await SourceFile.open(path), source.size == entry.size,
      source.modified <= entry.startedAt
    else { return .interrupted(.sourceChanged) }
    let proof: SettledChange.Proof?
    do {
      proof = try await source.proof(in: object, partSize: partSize)
    } catch .canceled {
      throw .cancelled
    } catch {
      return .interrupted(.sourceChanged)
    }
    guard await !source.hasChanged() else { return .interrupted(.sourceChanged) }
    return proof.map { Finding(.done($0), object) } ?? .interrupted(.otherContent)
  }

  /// Whether another row may be that of what is there.
  private func canHaveMade(
    _ object: ObjectMetadata, modified: Timestamp, _ rival: HistoryEntry
  ) -> Bool {
    guard rival.action == .upload || rival.action == .copy || rival.action == .restore,
      client.serverTime(at: rival.startedAt) <= modified.advanced(by: Self.slack)
    else { return false }
    guard rival.outcome == .done else { return true }
    if let version = rival.versionID, let found = object.versionID, version != found {
      return false
    }
    if let etag = rival.etag, let found = object.etag, etag != found { return false }
    guard let finishedAt = rival.finishedAt else { return true }
    return client.serverTime(at: finishedAt).advanced(by: Self.slack) >= modified
  }

  // MARK: - Deletions and abortions

  private func lookIntoDeletion(
    _ entry: HistoryEntry, _ location: ObjectLocation
  ) async throws(StorageError) -> Finding {
    // Every object has a version `null` where versions are not kept, one after the other.
    guard let version = entry.versionID, version.text != "null" else {
      return try await head(location) == nil
        ? .interrupted(.notProvable) : .interrupted(.unchanged)
    }
    guard try await !isStored(version, of: location) else { return .interrupted(.unchanged) }
    let isClaimed = try await rivals(of: entry).contains { rival in
      rival.action == .delete && rival.outcome == .done && rival.versionID == version
    }
    guard !isClaimed else { return .interrupted(.otherWriter) }
    var object = ObjectMetadata(size: entry.size ?? .zero)
    object.versionID = version
    return Finding(.done(.version), object)
  }

  /// Asked of the listing: some servers answer a HEAD of a delete marker as if it were gone.
  private func isStored(
    _ version: VersionID, of location: ObjectLocation
  ) async throws(StorageError) -> Bool {
    var marker: VersionMarker?
    for _ in 1...Self.mostVersionPages {
      let page: VersionPage
      do {
        page = try await client.listObjectVersions(
          bucket: location.bucket, prefix: location.key, delimiter: nil, after: marker)
      } catch {
        throw StorageError(error, while: .listVersions(location.bucket))
      }
      if page.versions.contains(where: { $0.key == location.key && $0.versionID == version }) {
        return true
      }
      // Keys come in order, and those that only begin alike after the one itself.
      guard let next = page.next, page.versions.last.map({ $0.key == location.key }) ?? true else {
        return false
      }
      marker = next
    }
    return true
  }

  private func lookIntoAbortion(
    _ entry: HistoryEntry, _ location: ObjectLocation
  ) async throws(StorageError) -> Finding {
    let uploads: [MultipartUploadSummary]
    do {
      uploads = try await client.listMultipartUploads(
        bucket: location.bucket, prefix: location.key)
    } catch {
      throw StorageError(error, while: .abortUpload(location))
    }
    let startedAt = client.serverTime(at: entry.startedAt).advanced(by: Self.slack)
    let isLeft = uploads.contains { upload in
      upload.places(in: location.bucket).contains { $0.key == location.key }
        && (upload.initiated.map { $0 <= startedAt } ?? true)
    }
    return isLeft ? .interrupted(.unchanged) : Finding(.done(.uploadID))
  }

  // MARK: - Buckets

  private func lookIntoBucket(_ entry: HistoryEntry) async throws(StorageError) -> Finding {
    let isThere: Bool
    do throws(S3Error) {
      _ = try await client.headBucket(entry.bucket)
      isThere = true
    } catch {
      guard error.code == .noSuchBucket || error.code == .noSuchKey else {
        throw StorageError(error, while: .list(entry.bucket, prefix: .empty))
      }
      isThere = false
    }
    return switch entry.action {
    case .createBucket: .interrupted(isThere ? .notProvable : .absent)
    case .deleteBucket: .interrupted(isThere ? .unchanged : .notProvable)
    default: .interrupted(.notProvable)
    }
  }

  // MARK: - Asking

  private func head(_ location: ObjectLocation) async throws(StorageError) -> ObjectMetadata? {
    do {
      return try await client.headObject(location)
    } catch  where error.code == .noSuchKey || error.code == .noSuchBucket {
      return nil
    } catch {
      throw StorageError(error, while: .readDetails(location))
    }
  }

  private func rivals(of entry: HistoryEntry) async throws(StorageError) -> [HistoryEntry] {
    do {
      return try await recorder.history.rivals(of: entry, limit: Self.mostRivals)
    } catch {
      throw StorageError(unreadableHistory: error)
    }
  }
}
