import History
import S3
import Storage

/// What ``TransfersCommand`` is about.
struct UnfinishedTransfers: Sendable {
  var entries: [JournalEntry]
  /// Of the buckets concerned, on the server and in no entry; and those of streams and copies that
  /// the journal knows.
  var uploads: [UnfinishedUpload] = []

  /// - Parameter buckets: those asked for; the ones of this machine's uploads are looked at as well.
  static func find(
    _ context: CommandContext, buckets: [BucketName], in session: Session? = nil
  ) async throws -> UnfinishedTransfers {
    let journal = TransferJournal.ofUser(context.settings)
    var found = UnfinishedTransfers(entries: [])
    do {
      found.entries = try await journal?.entries().filter { $0.parent == nil } ?? []
      found.uploads = try await journal?.uploads().map { UnfinishedUpload($0) } ?? []
    } catch {
      throw StorageError(error, about: "The journal of transfers")
    }
    let endpoint = context.settings.endpoint?.description
    let concerned =
      found.entries.filter {
        $0.request.direction == .upload && $0.request.endpoint == endpoint
      }.map(\.request.bucket)
      + found.uploads.filter { $0.known?.endpoint == endpoint }.map(\.location.bucket)
    guard !(buckets + concerned).isEmpty else { return found }
    let session = if let session { session } else { try await context.openSession() }
    for bucket in Set(buckets + concerned).sorted(by: { $0.text < $1.text }) {
      let answer = await uploads(in: bucket, session)
      switch answer {
      case .success(let uploads): found.replaceUploads(of: bucket, at: endpoint, by: uploads)
      case .failure(let error):
        if buckets.contains(bucket) { throw error }
        if error.kind == .noSuchBucket { found.replaceUploads(of: bucket, at: endpoint, by: []) }
        // Nobody asked for this one, and the transfers here are to be seen without a server too.
        context.console.notice(
          "pail: the uploads on the server are not shown: \(error.message)")
      }
    }
    return found
  }

  /// The server knows better what there is.
  private mutating func replaceUploads(
    of bucket: BucketName, at endpoint: String?, by there: [UnfinishedUpload]
  ) {
    uploads.removeAll { $0.location.bucket == bucket && $0.known?.endpoint == endpoint }
    uploads += there
  }

  private static func uploads(
    in bucket: BucketName, _ session: Session
  ) async -> Result<[UnfinishedUpload], StorageError> {
    do throws(StorageError) {
      return .success(try await session.service.unfinishedUploads(in: bucket))
    } catch {
      return .failure(error)
    }
  }
}

extension JournalRequest {
  var place: S3URI { S3URI(bucket: bucket, key: key) }

  /// The options that lead back to where it was asked for.
  var origin: String {
    "--endpoint-url \(endpoint)" + (profile.map { " --profile \($0)" } ?? "")
  }

  var originWords: String { Self.originWords(endpoint, profile) }

  static func originWords(_ endpoint: String, _ profile: String?) -> String {
    "at \(endpoint) with keys of \(profile.map { "profile \($0)" } ?? "no profile")"
  }
}

extension TransferJournal {
  /// nil when there is no home folder to keep it in.
  static func ofUser(_ settings: Settings) -> TransferJournal? {
    settings.journalPath.map { TransferJournal(openingAtFirstUse: $0) }
  }
}
