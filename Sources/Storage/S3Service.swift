public import HTTP
public import History
public import S3

/// Everything a front end can do with object storage.
///
/// No record, no change: a request that uploads, deletes or alters something is sent only once the
/// history has a row for it on the disk, so that a crash leaves a row marked `started` and never a
/// gap. When the history cannot be written, the change is refused. When only the outcome cannot be
/// written, the change stands and the answer carries a warning.
///
/// A row ends `done`; `failed` when the server surely did not do it; `cancelled` when that was a
/// person's wish; `interrupted` when nobody knows, as after a lost answer.
///
/// Where things live in this module:
/// - `S3Service+….swift`   browsing, buckets, deleting, sharing, transfers of commands
/// - `Listing/`            everything under a prefix, by several requests at once
/// - `Copying/`            copies and moves inside the store
/// - `Verifying/`          by what a download is known to be what was stored
/// - `Deleting/`           what targets hold, and the requests that delete it
/// - `Transfers/`          ``TransferEngine``: the queue, parts, ranges, progress
/// - `Streaming/`          uploads of and downloads to what is no file, such as a pipe
/// - `Selecting/`          patterns, filters, and the keys they choose
/// - `Recording/`          the row before each change and the outcome after it
/// - `LocalFiles/`         folders to upload, files to write, content types
/// - `Words/`              every sentence about an error
public actor S3Service {
  /// For listings and dialogs, so that no body holds them up.
  let client: S3Client
  /// For bodies, which have threads and connections of their own.
  let bodies: S3Client
  let recorder: Recorder
  let journaling: Journaling?
  let transferSettings: TransferSettings
  /// That of streams and copies.
  let patience: Patience
  /// Uploads and downloads of the browser, which go on while one browses.
  public nonisolated let transfers: TransferEngine
  /// Whether changes are refused.
  public nonisolated let isReadOnly: Bool

  /// - Parameters:
  ///   - interactive: for listings and dialogs.
  ///   - transfers: for bodies; on a connection pool and a thread of its own.
  ///   - author: who makes the changes.
  ///   - journal: where unfinished transfers are kept, so that they can be resumed; nil when they
  ///     are not to be.
  ///   - profile: where the keys come from, which the journal tells whoever resumes.
  ///   - isReadOnly: refuses every change before anything is recorded or sent.
  ///   - rateLimit: that of the transport of `transfers`; nil when it has none.
  public init(
    interactive: S3Client, transfers: S3Client, history: HistoryStore, author: Author,
    journal: TransferJournal? = nil, profile: String? = nil, isReadOnly: Bool = false,
    settings: TransferSettings = TransferSettings(), rateLimit: RateLimit? = nil
  ) {
    client = interactive
    var transfers = transfers
    transfers.retryPolicy.persistence = settings.patience
    bodies = transfers
    self.isReadOnly = isReadOnly
    recorder = Recorder(
      history: history, author: author, accessKeyID: { await interactive.accessKeyID() },
      endpoint: interactive.endpoint.description, isReadOnly: isReadOnly)
    let endpoint = recorder.endpoint
    journaling = journal.map {
      Journaling(
        journal: $0, holder: author, endpoint: endpoint, region: interactive.region,
        profile: profile)
    }
    self.transfers = TransferEngine(
      client: transfers, recorder: recorder, settings: settings, journaling: journaling,
      rateLimit: rateLimit)
    transferSettings = settings
    patience = Patience(settings.patience)
  }

  private init(_ other: S3Service, retries: Retries) {
    var (client, bodies) = (other.client, other.bodies)
    client.retryObserver = { retries.note($0) }
    bodies.retryObserver = { retries.note($0) }
    self.client = client
    self.bodies = bodies
    recorder = other.recorder
    journaling = other.journaling
    transferSettings = other.transferSettings
    patience = other.patience
    transfers = other.transfers
    isReadOnly = other.isReadOnly
  }

  /// The same, with `retries` told of the requests that are sent again. Those of ``transfers`` show
  /// in their own states.
  public nonisolated func tellingRetries(to retries: Retries) -> S3Service {
    S3Service(self, retries: retries)
  }

  /// Sends a request that changes nothing.
  func read<Answer: Sendable>(
    _ undertaking: Undertaking, _ request: () async throws(S3Error) -> Answer
  ) async throws(StorageError) -> Answer {
    do {
      return try await request()
    } catch {
      throw StorageError(error, while: undertaking)
    }
  }
}
