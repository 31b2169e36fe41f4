import ArgumentParser
import Browser
import Glibc
import History
import S3
import Storage
import SystemPackage
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
      buckets on the server that nobody here will finish. An upload of standard input and a copy \
      in parts stand there while they run and after they were interrupted; they cannot be resumed.

      Examples:
        pail transfers
        pail transfers list --bucket reports
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
      usage: "pail transfers list [<options>]",
      discussion: """
        Examples:
          pail transfers list
          pail transfers list --bucket reports --json
        """)

    @Option(
      help: ArgumentHelp("Also the unfinished uploads of this bucket.", valueName: "name"),
      transform: BucketName.named)
    var bucket: [BucketName] = []

    @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

    func run(_ context: CommandContext) async throws {
      let found = try await UnfinishedTransfers.find(
        context, buckets: bucket)
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
          pail transfers resume --dead-host build-07
        """)

    @Argument(help: ArgumentHelp("As pail transfers shows them.", valueName: "number"))
    var ids: [Int64] = []

    @Option(
      help: ArgumentHelp(
        "A host where no Pail runs any more: what it left is taken over.", valueName: "host"),
      transform: TextArgument.filled)
    var deadHost: [String] = []

    @Flag(help: ArgumentHelp("Leave the terminal and go on without it.", visibility: .hidden))
    var detached = false

    @Option(
      help: ArgumentHelp(
        "How many files a program that this one starts may have open.", visibility: .hidden))
    var openFiles: Int?

    @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

    var outlivesTerminal: Bool { true }

    func run(_ context: CommandContext) async throws {
      if let openFiles { OpenFileLimit.ofOthers = max(openFiles, 0) }
      if detached {
        // Fails only for one who leads a session already, which is just as well.
        setsid()
        StandardStreams.releaseTerminal()
      }
      let session = try await context.openSession()
      try await session.service.releaseTransfers(ofDead: Set(deadHost))
      let entries = try await session.service.unfinishedTransfers()
      let chosen = try choose(entries, session, context).filter { entry in
        guard let file = entry.goneFile else { return true }
        context.fail(
          file.bytes,
          CommandFailure(
            "\(file.shown) is not there any more",
            recovery: "pail transfers abort \(entry.id) gives its upload up."))
        return false
      }
      if ids.isEmpty,
        try await session.service.unresumableUploads().contains(where: { $0.holder == nil })
      {
        context.console.notice(
          "pail: interrupted streams and copies cannot be resumed: pail transfers shows them")
      }
      guard !chosen.isEmpty else {
        context.console.notice("pail: nothing to resume")
        return
      }
      // Before others see that this process is there: what waits for its turn is not interrupted.
      let reserved = await session.service.transfers.reserve(chosen)
      do {
        try await resume(chosen, session, context)
      } catch {
        await session.service.transfers.forget(reserved[...])
        throw error
      }
    }

    private func resume(
      _ chosen: [JournalEntry], _ session: Session, _ context: CommandContext
    ) async throws {
      var files = chosen.filter { $0.request.tree == nil }.map { TransferRequest($0) }[...]
      let trees = chosen.compactMap { TransferTree($0.request) }
      let runner = TransferRunner(session, context, total: trees.isEmpty ? files.count : nil)
      var lists: [TransferTree] = []
      while !files.isEmpty {
        let list = files.prefix(TransferTree.mostShownSingly)
        lists.append(TransferTree(.list(Array(list))))
        files.removeFirst(list.count)
      }
      try await runner.run(lists + trees)
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
        Takes the numbers of transfers, and the upload IDs of those that have none. What is under \
        way is left alone. \
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

    @Option(
      help: ArgumentHelp(
        "A host where no Pail runs any more: what it left is taken over.", valueName: "host"),
      transform: TextArgument.filled)
    var deadHost: [String] = []

    @Option(
      help: ArgumentHelp("Where the upload IDs are.", valueName: "name"),
      transform: BucketName.named)
    var bucket: [BucketName] = []

    @Flag(name: .shortAndLong, help: "Say what would be given up, and change nothing.")
    var dryRun = false

    @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

    func validate() throws {
      guard ids.isEmpty == all else {
        throw ValidationError("abort needs the numbers of transfers, or --all")
      }
    }

    func run(_ context: CommandContext) async throws {
      context.tellReadOnly(isDryRun: dryRun)
      let session = try await context.openSession()
      try await session.service.releaseTransfers(ofDead: Set(deadHost))
      let found = try await UnfinishedTransfers.find(
        context, buckets: bucket, in: session)
      if all {
        let endpoint = session.endpoint.description
        let idle = found.entries.filter { !$0.isRunning && $0.request.endpoint == endpoint }
        let uploads = found.uploads.filter {
          $0.isInterrupted && $0.known?.endpoint == endpoint
        }
        tellLeft(found, at: endpoint, context)
        if idle.isEmpty, uploads.isEmpty { context.console.notice("pail: nothing to give up") }
        for entry in idle { await abort(entry, session, context) }
        for upload in uploads { await abort(upload, session, context) }
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

    private func tellLeft(
      _ found: UnfinishedTransfers, at endpoint: String, _ context: CommandContext
    ) {
      let elsewhere =
        found.entries.map(\.request.endpoint) + found.uploads.compactMap(\.known?.endpoint)
      for other in Set(elsewhere).subtracting([endpoint]).sorted() {
        context.console.notice(
          "pail: others are left for pail transfers abort --all --endpoint-url \(other)")
      }
      let running = found.entries.filter { $0.isRunning && $0.request.endpoint == endpoint }.count
      if running > 0 {
        context.console.notice(
          "pail: \(Count(running, "transfer")) under way \(running == 1 ? "is" : "are") left alone")
      }
    }

    private func abort(
      _ entry: JournalEntry, _ session: Session, _ context: CommandContext
    ) async {
      do throws(StorageError) {
        if dryRun {
          if let lease = entry.holder {
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
        if dryRun {
          try await session.service.refuseRunning(upload)
        } else {
          context.warn(try await session.service.abort(upload))
        }
        tell(context, place: place, uploadID: upload.uploadID, id: nil)
      } catch {
        context.fail(place.bytes, error)
      }
    }

    private func tell(
      _ context: CommandContext, place: S3URI, uploadID: UploadID?, id: JournalID?
    ) {
      guard context.isJSON else {
        let name = context.console.name(place.bytes)
        return dryRun
          ? context.console.result(Array("would give up ".utf8) + name)
          : context.console.confirmation(Array("Gave up ".utf8) + name)
      }
      var line = JSONLine()
      // As in other dry runs, nothing says that anything was done.
      if !dryRun { line.add("action", "abort") }
      line.add("id", id?.value)
      line.add("bucket", place.bucket.text)
      line.add("key", bytes: place.key.bytes)
      line.add("uploadID", uploadID?.text)
      context.console.result(line.bytes)
    }
  }
}

extension JournalEntry {
  /// What it is to upload, where that is not there any more.
  fileprivate var goneFile: FilePath? {
    guard request.direction == .upload else { return nil }
    do {
      _ = try request.localPath.stat()
      return nil
    } catch {
      return error == .noSuchFileOrDirectory ? request.localPath : nil
    }
  }
}
