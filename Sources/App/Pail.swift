import ArgumentParser
import Glibc

@main
struct Pail {
  static let version = "0.1.0"

  static func main() async {
    let arguments = RawArguments.current()
    if arguments == ["--version"] {
      // Before anything else: scripts ask for it in a loop.
      print("pail \(version)")
      return
    }
    // A reader who leaves is an error of the write, and a server who leaves one of the request.
    signal(SIGPIPE, SIG_IGN)
    let command: any ParsableCommand
    do {
      command = try PailCommandLine.parseAsRoot(arguments)
    } catch {
      PailCommandLine.exit(withError: error)
    }
    switch command {
    case let command as any PailCommand:
      _exit(await CommandRunner.run(command))
    case var command as any AsyncParsableCommand:
      do {
        try await command.run()
      } catch {
        PailCommandLine.exit(withError: error)
      }
    case var command:
      do {
        try command.run()
      } catch {
        PailCommandLine.exit(withError: error)
      }
    }
  }
}

/// The command line as a whole. Where things live in this module:
///
/// - `Browser/`    the loop of the browser, and what performs its effects
/// - `Arguments/`  from the words on the command line to values
/// - `Settings/`   layers of settings, and ``Session``, which wires the modules together
/// - `Commands/`   one file for each command, and what they share
/// - `Output/`     standard output and standard error
struct PailCommandLine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pail",
    abstract: "Browse S3-compatible storage on the screen, or work with it by commands.",
    discussion: """
      Examples:
        pail
        pail s3://reports/2026/
        pail ls s3://reports/2026/

      Exit status: 0 all done, 1 something failed, 64 wrong usage, 130 interrupted.
      """,
    version: "pail \(Pail.version)",
    subcommands: [
      ListCommand.self, MakeBucketCommand.self, RemoveBucketCommand.self, PutCommand.self,
      GetCommand.self, RemoveCommand.self,
      PresignCommand.self, StatCommand.self, HistoryCommand.self, DoctorCommand.self,
      BrowseCommand.self,
    ],
    defaultSubcommand: BrowseCommand.self)
}
