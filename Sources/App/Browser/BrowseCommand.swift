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
    transform: S3URI.init(parsing:))
  var place: S3URI?

  @Flag(help: "Show times in UTC.")
  var utc = false

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let start = BrowserStart(place: place, showsUTC: utc)
    do {
      let context = try CommandContext(shared)
      if let problem = context.settings.problems.first {
        throw ExitCode(try await showSetup(problem))
      }
      let session = try context.openSession()
      throw ExitCode(try await runBrowser(session, start))
    } catch let error as ExitCode {
      throw error
    } catch {
      Console(isQuiet: false).message(FailureText.text(of: error))
      throw ExitCode(CommandRunner.Status.failed)
    }
  }
}
