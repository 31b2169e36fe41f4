import ArgumentParser
import S3

/// The browser: what `pail` does when no command is named.
struct BrowseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "browse",
    abstract: "Browse buckets and objects on the screen (the default).",
    discussion: """
      `?` shows the keys, `q` quits.

      Examples:
        pail
        pail s3://reports/2026/
      """)

  @Argument(
    help: ArgumentHelp("Where to begin.", valueName: "s3://bucket/prefix/"),
    transform: BrowseCommand.place)
  var place: S3URI?

  @Flag(help: "Show times in UTC.")
  var utc = false

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  /// Whatever is no command ends up here, since this one needs no name.
  private static func place(_ argument: String) throws(ArgumentProblem) -> S3URI {
    guard argument.hasPrefix("s3://") else {
      throw ArgumentProblem(
        "it is neither a command nor a place such as s3://bucket/prefix/")
    }
    return try S3URI(parsing: argument)
  }

  func run() async throws {
    do {
      let context = try CommandContext(shared)
      let start = BrowserStart(
        place: place, showsUTC: utc,
        successor: Successor(
          arguments: RawArguments.current(),
          endpoint: context.settings.endpointQuestion.map(\.endpoint)))
      if let problem = context.settings.problems.first {
        throw ExitCode(try await showSetup(problem, context.settings))
      }
      let session: Session
      do {
        session = try await context.openSession()
      } catch let problem as SetupProblem {
        throw ExitCode(try await showSetup(problem, context.settings))
      }
      let flags = shared.flags
      throw ExitCode(
        try await runBrowser(session, start) { choice in
          await context.session(for: choice, flags)
        })
    } catch let error as ExitCode {
      throw error
    } catch {
      Console(isQuiet: false).message(FailureText.text(of: error))
      throw ExitCode(CommandRunner.Status.failed)
    }
  }
}
