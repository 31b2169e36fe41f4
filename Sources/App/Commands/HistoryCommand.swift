import ArgumentParser
import Glibc
import History
import S3
import Storage
import TextUI

struct HistoryCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Show who uploaded and deleted what, newest first.",
    usage: """
      pail history [<options>]
      pail history verify|settle|archive ...
      """,
    discussion: """
      Reads the history on this machine; nothing is sent. --user, --bucket, --prefix, --since and \
      --action choose rows, and all that are given must hold.

      Examples:
        pail history
        pail history --user ana --bucket reports --since 7d
        pail history --action delete --format csv
        pail history verify
        pail history settle
        pail history archive
      """,
    subcommands: [VerifyCommand.self, SettleCommand.self, ArchiveCommand.self])

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
    case csv
  }

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  @Option(
    help: ArgumentHelp("Changes in this bucket.", valueName: "name"), transform: BucketName.named)
  var bucket: BucketName?

  @Option(
    help: ArgumentHelp("Changes of keys that begin with this.", valueName: "prefix"),
    transform: { ObjectKey(bytes: RawArguments.bytes(of: $0)) })
  var prefix: ObjectKey?

  @Option(
    help: ArgumentHelp(
      "Changes from then on: 2026-11-20, '2026-11-20 14:02', or 7d for the last seven days.",
      valueName: "time"),
    transform: SinceArgument.parse)
  var since: Timestamp?

  @Option(
    help: ArgumentHelp("Changes of this kind, such as upload or delete.", valueName: "action"),
    completion: .list(ChangeAction.allCases.map(\.rawValue)), transform: ChangeAction.parse)
  var action: ChangeAction?

  @Option(help: "How rows are written. (default: table)")
  var format: Format?

  /// Rows fetched at a time.
  private static let pageSize = 500

  func validate() throws {
    if shared.json, let format, format != .json {
      throw ValidationError("--json and --format \(format.rawValue) exclude each other")
    }
  }

  func run(_ context: CommandContext) async throws {
    let history = try context.openHistoryIfThere(isOnlyRead: true)
    let query = HistoryQuery(
      user: shared.user, bucket: bucket, prefix: prefix, action: action,
      since: since)
    let output = HistoryOutput(
      console: context.console, format: context.isJSON ? .json : format ?? .table)
    // A table of nothing needs none.
    if history != nil || format == .csv { output.header() }
    guard let history else { return }
    var last: ChangeID?
    while true {
      let page: [HistoryEntry]
      do {
        page = try await history.page(query, before: last, limit: Self.pageSize)
      } catch {
        throw StorageError(unreadableHistory: error)
      }
      for entry in page {
        output.row(entry)
        try context.stopWhenClosed()
      }
      if last == nil, page.isEmpty {
        context.console.notice(
          query == HistoryQuery()
            ? "pail: the history has no changes, other than perhaps in archives"
            : "pail: no change in the history matches")
      }
      guard page.count == Self.pageSize, let next = page.last?.id else { return }
      last = next
    }
  }
}

extension ChangeAction {
  static func parse(_ argument: String) throws(ArgumentProblem) -> ChangeAction {
    if let action = ChangeAction(rawValue: argument) { return action }
    let known = allCases.map(\.rawValue).joined(separator: ", ")
    throw ArgumentProblem("expected one of \(known)")
  }
}
