import ArgumentParser
import Glibc
import History
import S3
import Storage
import SystemPackage

extension HistoryCommand {
  struct ArchiveCommand: PailCommand {
    static let configuration = CommandConfiguration(
      commandName: "archive",
      abstract: "Move the rows to a file of their own, and go on in an empty history.",
      discussion: """
        The archive stays readable with --history and can be checked with `pail history verify \
        --history FILE`; nothing more is recorded in it. The chain of hashes of the history goes on \
        from its last row. Other processes may go on meanwhile; only while a change is under way, \
        nothing is archived. Changes that dead processes left open are kept in the history as well; \
        whether one of another host is dead only you can say, with --dead-host. --read-only refuses \
        it.

        Examples:
          pail history archive
          pail history archive /srv/audit/2026.sqlite
          pail history archive --dead-host build-07
        """)

    @Argument(
      help: ArgumentHelp(
        "The file to make; by default named with the time, beside the history.", valueName: "file"),
      completion: .file(),
      transform: { FilePath(argument: $0) })
    var file: FilePath?

    @Option(
      help: ArgumentHelp(
        "A host where no Pail runs any more: what it left open is carried over.",
        valueName: "host"),
      transform: TextArgument.filled)
    var deadHost: [String] = []

    @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

    func run(_ context: CommandContext) async throws {
      guard !context.settings.isReadOnly else { throw StorageError.unarchivedReadOnly }
      guard let history = try context.openHistoryIfThere(),
        let path = context.settings.historyPath
      else { return }
      let report: ArchiveReport
      do {
        report = try await history.archive(
          to: file ?? Self.beside(path, at: .now()), deadHosts: Set(deadHost))
      } catch {
        throw StorageError(unarchived: error)
      }
      if context.isJSON {
        var line = JSONLine()
        line.add("file", bytes: report.file.bytes)
        line.add("changes", Int64(report.changes))
        line.add("outcomes", Int64(report.outcomes))
        line.add("head", "\(report.head)")
        line.add("carriedOver", Int64(report.carriedOver))
        context.console.result(line.bytes)
      } else {
        context.console.result(
          "archived: \(Count(report.changes, "change")), "
            + "\(Count(report.outcomes, "outcome")) in \(report.file.shown)")
        context.console.result("head: \(report.head)")
        if report.carriedOver > 0 {
          let carried = Count(report.carriedOver, "change")
          context.console.result("carried over: \(carried) without an outcome")
        }
      }
    }

    /// `history-20261120T140211Z.sqlite` for `history.sqlite`, with `-2` where that is taken already.
    static func beside(_ history: FilePath, at time: Timestamp) -> FilePath {
      let digits = Timestamp(seconds: time.seconds).iso8601.filter { !"-:".contains($0) }
      let stem = "\(history.stem ?? "history")-\(digits)"
      let folder = history.removingLastComponent()
      var file = folder
      var number = 1
      repeat {
        let name = number == 1 ? stem : "\(stem)-\(number)"
        file = folder.appending("\(name).\(history.extension ?? "sqlite")")
        number += 1
      } while (try? file.stat(followTargetSymlink: false)) != nil
      return file
    }
  }
}
