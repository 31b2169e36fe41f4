import ArgumentParser
import Browser
import Glibc
import History
import S3
import Storage
import TextUI

struct TransfersCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfers",
    abstract: "Show, resume or abort unfinished transfers, here and on the server.",
    usage: """
      pail transfers [<options>]
      pail transfers resume|abort ...
      """,
    discussion: """
      A large upload or download that was interrupted, by a signal, a crash or a lost line, keeps \
      what has moved. The list has those of this machine, and the multipart uploads of their \
      buckets on the server that nobody here will finish.

      Examples:
        pail transfers
        pail transfers --bucket reports
        pail transfers resume
        pail transfers abort 3
      """,
    subcommands: [List.self, Resume.self, Abort.self], defaultSubcommand: List.self)

  // Only its subcommands are run; the default one is given the options.
  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func run(_ context: CommandContext) async throws {}

  struct List: PailCommand {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "Show unfinished transfers and uploads.",
      discussion: """
        Examples:
          pail transfers list
          pail transfers list --bucket reports --json
        """)

    @Option(
      help: ArgumentHelp("Also the unfinished uploads of this bucket.", valueName: "name"))
    var bucket: [String] = []

    @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

    func run(_ context: CommandContext) async throws {
      let found = try await UnfinishedTransfers.find(
        context, buckets: bucket.map { BucketName($0) })
      let output = TransfersOutput(console: context.console, isJSON: context.isJSON)
      output.show(found)
    }
  }

  struct Resume: PailCommand {
    static let configuration = CommandConfiguration(
      commandName: "resume",
      abstract: "Go on with unfinished transfers.",
      discussion: """
        Without numbers all are resumed that were asked for at this endpoint with keys from the \
        same profile. What the server or the disk has already \
        is checked and kept. A file or an object that has changed meanwhile is said, and its \
        transfer starts over. A folder or prefix is walked again, and what is there and known to \
        be equal does not move again.

        Examples:
          pail transfers resume
          pail transfers resume 3 4
        """)

    @Argument(help: ArgumentHelp("As pail transfers shows them.", valueName: "number"))
    var ids: [Int64] = []

    @Flag(help: ArgumentHelp("Leave the terminal and go on without it.", visibility: .hidden))
    var detached = false

    @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

    var outlivesTerminal: Bool { true }

    func run(_ context: CommandContext) async throws {
      if detached {
        // Fails only for one who leads a session already, which is just as well.
        setsid()
        StandardStreams.releaseTerminal()
      }
      let session = try await context.openSession()
      let entries = try await session.service.unfinishedTransfers()
      let chosen = try choose(entries, session, context)
      guard !chosen.isEmpty else {
        context.console.notice("pail: nothing to resume")
        return
      }
      let files = chosen.filter { $0.request.tree == nil }
      let trees = chosen.compactMap { TransferTree($0.request) }
      let runner = TransferRunner(session, context, total: trees.isEmpty ? files.count : nil)
      do {
        try await runner.run(files.map { TransferRequest($0) })
      } catch let cancellation as CancellationError {
        await runner.tellKept([])
        throw cancellation
      }
      try await runner.run(trees)
    }

    private func choose(
      _ entries: [JournalEntry], _ session: Session, _ context: CommandContext
    ) throws -> [JournalEntry] {
      let (endpoint, profile) = (session.endpoint.description, session.settings.profile)
      guard ids.isEmpty else {
        return try ids.map { id in
          guard let entry = entries.first(where: { $0.id.value == id }) else {
            throw CommandFailure(
              "There is no unfinished transfer \(id)",
              recovery: "pail transfers shows which there are.")
          }
          guard entry.request.isOf(endpoint: endpoint, profile: profile) else {
            throw CommandFailure(
              "Transfer \(id) was asked for \(entry.request.originWords), and this is "
                + JournalRequest.originWords(endpoint, profile),
              recovery: "Add \(entry.request.origin).")
          }
          return entry
        }
      }
      let idle = entries.filter { !$0.isRunning }
      func isHere(_ entry: JournalEntry) -> Bool {
        entry.request.isOf(endpoint: endpoint, profile: profile)
      }
      let elsewhere = Set(
        idle.filter { !isHere($0) }.map {
          "\($0.request.origin): asked for \($0.request.originWords)"
        })
      for origin in elsewhere.sorted() {
        context.console.notice("pail: others are left for pail transfers resume \(origin)")
      }
      return idle.filter(isHere)
    }
  }

  struct Abort: PailCommand {
    static let configuration = CommandConfiguration(
      commandName: "abort",
      abstract: "Give up unfinished transfers, and what has moved of them.",
      discussion: """
        Takes the numbers of transfers, and the upload IDs of those that only the server knows. \
        Parts on the server and files half downloaded are removed for ever; what is aborted on the \
        server is recorded in the history.

        Examples:
          pail transfers abort 3
          pail transfers abort --all --dry-run
          pail transfers abort --bucket reports 2~VmVyc2lvbg
          pail transfers abort --all
        """)

    @Argument(
      help: ArgumentHelp("As pail transfers shows them.", valueName: "number or upload ID"))
    var ids: [String] = []

    @Flag(help: "All transfers of this endpoint that are not under way.")
    var all = false

    @Option(help: ArgumentHelp("Where the upload IDs are.", valueName: "name"))
    var bucket: [String] = []

    @Flag(name: .shortAndLong, help: "Say what would be given up, and change nothing.")
    var dryRun = false

    @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

    func validate() throws {
      guard ids.isEmpty == all else {
        throw ValidationError("abort needs the numbers of transfers, or --all")
      }
    }

    func run(_ context: CommandContext) async throws {
      let session = try await context.openSession()
      let found = try await UnfinishedTransfers.find(
        context, buckets: bucket.map { BucketName($0) }, in: session)
      if all {
        let endpoint = session.endpoint.description
        let idle = found.entries.filter { !$0.isRunning && $0.request.endpoint == endpoint }
        if idle.isEmpty { context.console.notice("pail: nothing to give up") }
        for entry in idle { await abort(entry, session, context) }
        return
      }
      for id in ids {
        if let entry = found.entries.first(where: { "\($0.id)" == id }) {
          await abort(entry, session, context)
        } else if let upload = found.uploads.first(where: { $0.uploadID.text == id }) {
          await abort(upload, session, context)
        } else {
          context.fail(
            Array(id.utf8),
            CommandFailure(
              "There is no such unfinished transfer",
              recovery: "pail transfers shows which there are; name the bucket of an upload with "
                + "--bucket."))
        }
      }
    }

    private func abort(
      _ entry: JournalEntry, _ session: Session, _ context: CommandContext
    ) async {
      do throws(StorageError) {
        if dryRun {
          if case .running(let lease) = entry.state {
            throw StorageError(.held(by: lease), about: Visible.text(entry.request.place.bytes))
          }
        } else {
          context.warn(try await session.service.abort(entry))
        }
        tell(
          context, place: entry.request.place, uploadID: entry.subject?.uploadID, id: entry.id)
      } catch {
        context.fail(entry.request.place.bytes, error)
      }
    }

    private func abort(
      _ upload: UnfinishedUpload, _ session: Session, _ context: CommandContext
    ) async {
      let place = S3URI(bucket: upload.location.bucket, key: upload.location.key)
      do throws(StorageError) {
        if !dryRun { context.warn(try await session.service.abort(upload)) }
        tell(context, place: place, uploadID: upload.uploadID, id: nil)
      } catch {
        context.fail(place.bytes, error)
      }
    }

    private func tell(
      _ context: CommandContext, place: S3URI, uploadID: UploadID?, id: JournalID?
    ) {
      if context.isJSON {
        var line = JSONLine()
        line.add("action", "abort")
        line.add("id", id?.value)
        line.add("bucket", place.bucket.text)
        line.add("key", bytes: place.key.bytes)
        line.add("uploadID", uploadID?.text)
        context.console.result(line.bytes)
      } else {
        context.console.confirmation(
          Array((dryRun ? "would give up " : "Gave up ").utf8) + context.console.name(place.bytes))
      }
    }
  }
}

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

/// How unfinished transfers are written.
struct TransfersOutput {
  var console: Console
  var isJSON: Bool

  func show(_ found: UnfinishedTransfers) {
    if isJSON {
      for entry in found.entries { console.result(json(entry).bytes) }
      for upload in found.uploads { console.result(json(upload).bytes) }
      return
    }
    guard !(found.entries.isEmpty && found.uploads.isEmpty) else {
      console.notice("pail: no transfer is unfinished")
      return
    }
    if console.isOutputTerminal {
      console.result(columns("number", "what", "state", "moved", "since") + "from and to")
    }
    for entry in found.entries { console.result(row(entry)) }
    for upload in found.uploads { console.result(row(upload)) }
  }

  private func row(_ entry: JournalEntry) -> [UInt8] {
    let start = columns(
      "\(entry.id)", entry.request.direction.rawValue, entry.stateWord, entry.movedWords,
      LocalTime.minutes(entry.createdAt))
    let here = console.name(entry.request.file.bytes)
    let there = console.name(entry.request.place.bytes)
    let (from, to) = entry.request.direction == .upload ? (here, there) : (there, here)
    return Array(start.utf8) + from + Array(" to ".utf8) + to
  }

  private func row(_ upload: UnfinishedUpload) -> [UInt8] {
    let start = columns(
      "-", "upload", "on the server", upload.size.map { ByteFormat.iec($0.bytes) } ?? "-",
      upload.initiated.map { LocalTime.minutes($0) } ?? "-")
    let place = S3URI(bucket: upload.location.bucket, key: upload.location.key)
    return Array(start.utf8) + console.name(place.bytes)
      + Array("  (\(Visible.text(Array(upload.uploadID.text.utf8))))".utf8)
  }

  private func columns(
    _ id: String, _ what: String, _ state: String, _ moved: String, _ since: String
  ) -> String {
    let cells = [
      Columns.right(id, 6), Columns.left(what, 8), Columns.left(state, 13),
      Columns.right(moved, 17), Columns.left(since, 16),
    ]
    return cells.map { $0 + "  " }.joined()
  }

  private func json(_ entry: JournalEntry) -> JSONLine {
    var line = JSONLine()
    line.add("id", entry.id.value)
    line.add("action", entry.request.direction.rawValue)
    line.add("state", entry.stateWord)
    line.add("endpoint", entry.request.endpoint)
    line.add("profile", entry.request.profile)
    line.add("bucket", entry.request.bucket.text)
    line.add("key", bytes: entry.request.key.bytes)
    line.add("versionID", entry.request.versionID?.text)
    line.add("localPath", bytes: entry.request.file.bytes)
    line.add("recursive", entry.request.tree != nil)
    line.add("size", entry.subject?.size.bytes)
    line.add("kept", entry.kept.bytes)
    line.add("uploadID", entry.subject?.uploadID?.text)
    line.add("createdAt", entry.createdAt)
    line.add("updatedAt", entry.updatedAt)
    if case .running(let lease) = entry.state { line.add("processID", Int64(lease.processID)) }
    return line
  }

  private func json(_ upload: UnfinishedUpload) -> JSONLine {
    var line = JSONLine()
    line.add("action", "upload")
    line.add("state", "onServer")
    line.add("bucket", upload.location.bucket.text)
    line.add("key", bytes: upload.location.key.bytes)
    line.add("uploadID", upload.uploadID.text)
    line.add("kept", upload.size?.bytes)
    line.add("parts", upload.parts.map { Int64($0) })
    line.add("createdAt", upload.initiated)
    line.add("storageClass", upload.storageClass?.text)
    return line
  }
}

extension JournalRequest {
  fileprivate var place: S3URI { S3URI(bucket: bucket, key: key) }

  /// The options that lead back to where it was asked for.
  fileprivate var origin: String {
    "--endpoint-url \(endpoint)" + (profile.map { " --profile \($0)" } ?? "")
  }

  fileprivate var originWords: String { Self.originWords(endpoint, profile) }

  fileprivate static func originWords(_ endpoint: String, _ profile: String?) -> String {
    "at \(endpoint) with keys of \(profile.map { "profile \($0)" } ?? "no profile")"
  }
}

extension TransferJournal {
  /// nil when there is no home folder to keep it in.
  static func ofUser(_ settings: Settings) -> TransferJournal? {
    settings.journalPath.map { TransferJournal(openingAtFirstUse: $0) }
  }
}
