import ArgumentParser
import S3

/// Those of the browser alone.
struct BrowserOptions: ParsableArguments {
  @Flag(help: "Show times in UTC.")
  var utc = false
}

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

  @OptionGroup var options: BrowserOptions

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  private static func place(_ argument: String) throws(ArgumentProblem) -> S3URI {
    try S3URI(parsing: argument)
  }

  func run() async throws {
    do {
      let context = try CommandContext(shared)
      let start = BrowserStart(
        place: place, showsUTC: options.utc,
        successor: Successor(
          arguments: RawArguments.current(),
          endpoint: context.settings.endpointQuestion.map(\.endpoint)))
      if let problem = context.settings.problems.first {
        throw ExitCode(try await showSetup(problem, context.settings))
      }
      let session: Session
      do {
        session = try await context.openSession(tellsRetries: false)
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
