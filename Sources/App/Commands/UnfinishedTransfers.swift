import History
import S3
import Storage

/// What ``TransfersCommand`` is about.
struct UnfinishedTransfers: Sendable {
  var entries: [JournalEntry]
  /// On the server, of the buckets concerned, and in no entry.
  var uploads: [UnfinishedUpload] = []

  /// - Parameter buckets: those asked for; the ones of the entries are looked at as well.
  static func find(
    _ context: CommandContext, buckets: [BucketName], in session: Session? = nil
  ) async throws -> UnfinishedTransfers {
    let journal = TransferJournal.ofUser(context.settings)
    var found = UnfinishedTransfers(entries: [])
    do {
      found.entries = try await journal?.entries().filter { $0.parent == nil } ?? []
    } catch {
      throw StorageError(error, about: "The journal of transfers")
    }
    let endpoint = context.settings.endpoint?.description
    let concerned = found.entries.filter {
      $0.request.direction == .upload && $0.request.endpoint == endpoint
    }.map(\.request.bucket)
    guard !(buckets + concerned).isEmpty else { return found }
    let session = if let session { session } else { try await context.openSession() }
    for bucket in Set(buckets + concerned).sorted(by: { $0.text < $1.text }) {
      let uploads = await uploads(in: bucket, session)
      switch uploads {
      case .success(let uploads): found.uploads += uploads
      case .failure(let error):
        if buckets.contains(bucket) { throw error }
        // Nobody asked for this one, and the transfers here are to be seen without a server too.
        context.console.notice(
          "pail: the uploads on the server are not shown: \(error.message)")
      }
    }
    return found
  }

  private static func uploads(
    in bucket: BucketName, _ session: Session
  ) async -> Result<[UnfinishedUpload], StorageError> {
    do throws(StorageError) {
      return .success(try await session.service.abandonedUploads(in: bucket))
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
