import ArgumentParser
import History
import S3
import Storage
import Synchronization

extension HistoryCommand {
  struct SettleCommand: PailCommand {
    static let configuration = CommandConfiguration(
      commandName: "settle",
      abstract: "Find out what became of changes whose process died.",
      usage: "pail history settle [<options>]",
      discussion: """
        Asks the server about the changes that dead processes of yours on this host left without an \
        outcome. `done` is recorded only where something proves it: the object has the checksum or \
        the MD5 of the file, or the version is gone; all else becomes `interrupted`. What the server \
        cannot be asked about now stays open, and so does what other endpoints know.

        The browser does the same in the background. With --read-only neither does: the history \
        stays as it is, and only --dry-run works.

        Examples:
          pail history settle --dry-run
          pail history settle
        """)

    @Flag(name: .shortAndLong, help: "Say what would be recorded, and record nothing.")
    var dryRun = false

    @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

    func run(_ context: CommandContext) async throws {
      guard try context.openHistoryIfThere(mayBeMissing: true) != nil else { return }
      context.tellReadOnly(isDryRun: dryRun)
      let session = try await context.openSession()
      let firstError = Mutex<StorageError?>(nil)
      let summary = try await session.service.settle(isDryRun: dryRun) { settled in
        show(settled, context)
        if case .open(let error) = settled.verdict {
          firstError.withLock { $0 = $0 ?? error }
        }
      }
      if !context.isJSON {
        let verb = dryRun ? "Would settle" : "Settled"
        let noun = summary.settled == 1 ? "change" : "changes"
        context.console.confirmation(
          "\(verb) \(summary.settled) \(noun): "
            + "\(summary.done) done, \(summary.interrupted) interrupted")
      }
      if summary.elsewhere > 0 {
        context.console.notice(
          "pail: open changes of other endpoints, left alone: \(summary.elsewhere)")
      }
      if let error = firstError.withLock({ $0 }) {
        context.console.message(
          "pail: \(summary.open == 1 ? "1 change stays" : "\(summary.open) changes stay") open")
        throw error
      }
    }

    private func show(_ settled: SettledChange, _ context: CommandContext) {
      let entry = settled.entry
      guard let outcome = settled.outcome else { return }
      if context.isJSON {
        var line = JSONLine()
        line.add("id", entry.id.value)
        line.add("action", entry.action.rawValue)
        line.add("user", entry.author.user)
        line.add("bucket", entry.bucket.text)
        if let key = entry.key { line.add("key", bytes: key.bytes) }
        line.add("versionID", entry.versionID?.text)
        line.add("startedAt", entry.startedAt)
        line.add("outcome", outcome.rawValue)
        line.add("reason", settled.reason)
        context.console.result(line.bytes)
      } else {
        let start = [
          Columns.left(outcome.rawValue, 11), Columns.left(entry.action.rawValue, 12),
        ].joined(separator: "  ")
        let place = S3URI(bucket: entry.bucket, key: entry.key ?? .empty)
        context.console.result(
          Array("\(start)  ".utf8) + context.console.name(place.bytes)
            + Array("  (\(Visible.text(Array(settled.reason.utf8))))".utf8))
      }
    }
  }
}
