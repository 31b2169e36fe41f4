import ArgumentParser
import History
import S3
import Storage
import SystemPackage
import TextUI

struct DoctorCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Show the settings and where they come from, and try them.",
    discussion: """
      Secrets are never shown. Lists the buckets, or the given bucket where listing all of them is \
      not allowed, and looks whether the history can be written. Changes nothing.

      Examples:
        pail doctor
        pail doctor s3://reports
        pail doctor --offline --profile production
      """)

  @Argument(
    help: ArgumentHelp("A bucket to try.", valueName: "s3://bucket"),
    transform: S3URI.bucket(parsing:))
  var bucket: BucketName?

  @Flag(help: "Show the settings alone, and send nothing.")
  var offline = false

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func run(_ context: CommandContext) async throws {
    let settings = context.settings
    for var finding in settings.findings {
      if finding.name == "user", settings.user == nil {
        finding.value = Author.current().user
        finding.origin = "the login name"
      }
      show(finding, context)
    }
    for problem in settings.problems { fail("settings", problem, context) }
    checkHistory(context)
    checkFolder(context)
    if settings.problems.isEmpty, !offline { try await checkServer(context) }
  }

  private func show(_ finding: Settings.Finding, _ context: CommandContext) {
    if context.isJSON {
      var line = JSONLine()
      line.add("setting", finding.name)
      line.add("value", finding.value)
      line.add("from", finding.origin)
      line.add("overruled", finding.overruled.joined(separator: ", "))
      context.console.result(line.bytes)
      return
    }
    let value = Visible.text(Array(finding.value.utf8))
    context.console.result(
      Columns.left(finding.name, 16) + "  " + Columns.left(value, 32) + "  " + finding.origin)
    for other in finding.overruled {
      context.console.result(
        String(repeating: " ", count: 18) + "overrules " + Visible.text(Array(other.utf8)))
    }
  }

  private func check(_ name: String, _ outcome: String, _ context: CommandContext) {
    if context.isJSON {
      var line = JSONLine()
      line.add("check", name)
      line.add("outcome", outcome)
      context.console.result(line.bytes)
    } else {
      context.console.result(
        Columns.left(name, 16) + "  " + Visible.text(Array(outcome.utf8)))
    }
  }

  private func fail(_ name: String, _ failure: any Error, _ context: CommandContext) {
    let text = FailureText.text(of: failure)
    if context.isJSON {
      var line = JSONLine()
      line.add("check", name)
      line.add("outcome", "failed")
      let message = text.dropFirst("pail: ".count).prefix { $0 != "\n" }
      line.add("error", String(message))
      context.console.result(line.bytes)
    }
    context.fail(nil, failure)
  }

  private func checkHistory(_ context: CommandContext) {
    guard let path = context.settings.historyPath else {
      fail(
        "history", CommandFailure("There is no place for the history, so changes are refused"),
        context)
      return
    }
    if path.isThere {
      do {
        let history = try HistoryStore(path: path)
        try history.close()
        check("history", "can be written", context)
      } catch {
        fail("history", StorageError(unreadableHistory: error), context)
      }
    } else if let folder = path.nearestFolder, folder.canBeWritten {
      check("history", "none yet, and can be made", context)
    } else {
      fail(
        "history",
        CommandFailure(
          "The history \(path.shown) cannot be made, so changes are refused",
          recovery: "Name a file in a folder of your own with --history."), context)
    }
  }

  private func checkFolder(_ context: CommandContext) {
    let folder = context.settings.saveFolder
    if folder.isFolder, folder.canBeWritten {
      check("downloads", "can be written", context)
    } else if !folder.isThere, folder.nearestFolder?.canBeWritten == true {
      check("downloads", "the folder is made with the first download", context)
    } else {
      fail(
        "downloads", CommandFailure("Downloads cannot be written to \(folder.shown)"), context)
    }
  }

  /// Not a failure where it cannot be told: many stores have no such service.
  private func checkIdentity(_ session: Session, _ context: CommandContext) async {
    guard session.settings.credentials != .anonymous else { return }
    do {
      let identity = try await session.identity()
      check("identity", identity.arn, context)
    } catch .unusable(let source, let reason) where source == "GetCallerIdentity",
      .unavailable(let source, let reason) where source == "GetCallerIdentity"
    {
      check("identity", "the server does not tell: \(reason)", context)
    } catch {
      // There are no keys to ask with, which listing says better.
    }
  }

  private func checkServer(_ context: CommandContext) async throws {
    let name = bucket.map { "list s3://\($0)" } ?? "list buckets"
    let session: Session
    do {
      session = try await context.openSession()
    } catch {
      return fail(name, error, context)
    }
    await checkIdentity(session, context)
    do {
      if let bucket {
        let page = try await session.service.page(bucket: bucket, prefix: .empty, after: nil)
        let count = page.objects.count + page.commonPrefixes.count
        let entries = "\(Count(count, "entry", plural: "entries"))"
        check(name, page.next == nil ? entries : "\(count)+ entries", context)
      } else {
        let count = try await session.service.buckets().count
        check(name, "\(Count(count, "bucket"))", context)
      }
    } catch {
      guard !error.isCancellation else { throw error }
      guard error.kind == .accessDenied, bucket == nil else { return fail(name, error, context) }
      // The server knows the keys; only this one permission is missing, which nothing else needs.
      check(name, "not allowed; buckets can still be opened by name", context)
    }
  }
}

extension FilePath {
  /// The path itself or the first folder above it that exists.
  fileprivate var nearestFolder: FilePath? {
    var path = self
    while !path.isThere {
      let parent = path.removingLastComponent()
      if parent.isEmpty { return "." }
      if parent == path { return nil }
      path = parent
    }
    return path.isFolder ? path : nil
  }
}
