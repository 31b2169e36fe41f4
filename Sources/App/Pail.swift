import ArgumentParser
import Glibc
import HTTP
import S3
import SystemPackage

@main
struct Pail {
  static let version = "0.1.0"
  /// The day of this version, for the manual.
  static let releaseDate = "2026-11-22"

  static func main() async {
    StandardStreams.fillGaps()
    let arguments = LeadingOptions.moved(RawArguments.current())
    // Before anything else: scripts ask for it in a loop, mostly by itself.
    if arguments == ["--version"] || LeadingOptions.askForVersion(arguments) {
      StandardStreams.end(saying: "pail \(version)\n")
    }
    if arguments == ["--generate-manual"] { printManual() }
    if arguments.count == 2, arguments[0] == "--generate-completion-script",
      let shell = CompletionShell(rawValue: arguments[1])
    {
      StandardStreams.end(saying: CompletedCommandLine.script(for: shell) + "\n")
    }
    if let unknown = UnknownCommand.found(in: arguments) {
      Console(isQuiet: false).message(FailureText.text(of: unknown.problem))
      exit(CommandRunner.Status.wrongUsage)
    }
    keepHeapsSmall()
    OpenFileLimit.raise()
    // A reader who leaves is an error of the write, and a server who leaves one of the request.
    signal(SIGPIPE, SIG_IGN)
    // A file that grows past `ulimit -f` is an error of the write as well.
    signal(SIGXFSZ, SIG_IGN)
    // Ignored, as whoever started this program may have left it, no end of another could be awaited.
    signal(SIGCHLD, SIG_DFL)
    let command: any ParsableCommand
    do {
      if UnknownOption.asksForVersion(arguments) { endIfUnknownOption(in: arguments) }
      command = try PailCommandLine.command(arguments)
    } catch {
      if PailCommandLine.exitCode(for: error).rawValue == CommandRunner.Status.wrongUsage {
        endIfUnknownOption(in: arguments)
      }
      PailCommandLine.end(with: error)
    }
    switch command {
    case let command as any PailCommand:
      _exit(await CommandRunner.run(command))
    case var command as any AsyncParsableCommand:
      let result: Result<Void, any Error>
      do {
        result = .success(try await command.run())
      } catch {
        result = .failure(error)
      }
      CredentialProcess.endAll()
      if case .failure(let error) = result { PailCommandLine.end(with: error) }
    case var command:
      do {
        try command.run()
      } catch {
        PailCommandLine.end(with: error)
      }
    }
  }
}

extension Pail {
  private static func endIfUnknownOption(in arguments: [String]) {
    guard let unknown = UnknownOption.found(in: arguments) else { return }
    Console(isQuiet: false).message(FailureText.text(of: unknown.problem))
    exit(CommandRunner.Status.wrongUsage)
  }

  /// What `make install` makes the manual page of, as `--generate-completion-script` is for shells.
  private static func printManual() -> Never {
    do {
      var page = try ManualPage()
      StandardStreams.end(saying: page.text())
    } catch {
      Console(isQuiet: false).message("pail: the manual cannot be made: \(error)")
      exit(CommandRunner.Status.failed)
    }
  }
}

/// The command line as a whole. Where things live in this module:
///
/// - `Browser/`    the loop of the browser, and what performs its effects
/// - `Arguments/`  from the words on the command line to values
/// - `Settings/`   layers of settings, and ``Session``, which wires the modules together
/// - `Commands/`   one file for each command, and what they share
/// - `Output/`     standard output, standard error, the log
/// - `Manual/`     the manual page, from the same definitions as the help
struct PailCommandLine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pail",
    abstract: "Browse S3-compatible storage on the screen, or work with it by commands.",
    usage: """
      pail [<options>] [<s3://bucket/prefix/>]
      pail [<options>] <command> ...
      """,
    discussion: """
      Without a command the browser opens; pail help browse lists its options. Those of every \
      command may stand before the command as well.

      Examples:
        pail
        pail s3://reports/2026/
        pail ls s3://reports/2026/

      Exit status: 0 all done, 1 something failed, 64 wrong usage, 130 interrupted.
      """,
    subcommands: [
      ListCommand.self, MakeBucketCommand.self, RemoveBucketCommand.self, PutCommand.self,
      GetCommand.self, CatCommand.self, CopyCommand.self, MoveCommand.self, RemoveCommand.self,
      DiskUsageCommand.self, PresignCommand.self, StatCommand.self, TransfersCommand.self,
      HistoryCommand.self, DoctorCommand.self,
      BrowseCommand.self,
    ],
    defaultSubcommand: BrowseCommand.self)

  @OptionGroup var version: VersionOption
}

extension PailCommandLine {
  /// What `arguments` ask for.
  ///
  /// A command that is named is asked first: starting from the root, the parser takes the default
  /// command apart as well, which a listing of buckets would wait for. Help, and whatever is
  /// not in order, is the root's, which has the words for it.
  static func command(_ arguments: [String]) throws -> any ParsableCommand {
    // The parser would take the next word for the value: a place, perhaps, to be changed.
    if let word = arguments.prefix(while: { $0 != "--" }).first(where: {
      $0.hasPrefix("--") && $0.firstIndex(of: "=") == $0.indices.last
    }) {
      throw ValidationError("\(word.dropLast()) is empty: give it a value, or leave it out")
    }
    if let (command, rest) = LeadingOptions.command(arguments),
      let parsed = try? command.parseAsRoot(rest), parsed is any PailCommand
    {
      return parsed
    }
    return try parseAsRoot(arguments)
  }

  /// Tells what is wrong, or the help that was asked for, and ends the program.
  static func end(with error: any Error) -> Never {
    let text = text(of: error)
    let status = exitCode(for: error)
    if status.isSuccess { StandardStreams.end(saying: text.isEmpty ? "" : text + "\n") }
    // Where the stream itself cannot be written there is nowhere left to say so.
    if !text.isEmpty {
      _ = try? FileDescriptor.standardError.writeAll(Array((text + "\n").utf8))
    }
    Glibc.exit(status.rawValue)
  }

  /// The help of a command, in which the parser puts the options of every command before its own.
  private static func ownOptionsFirst(_ help: String) -> String {
    var parts = help.split(separator: "\n\n", omittingEmptySubsequences: false)
    let title = SharedOptions.title.uppercased() + ":"
    guard let shared = parts.firstIndex(where: { $0.hasPrefix(title) }),
      let own = parts.firstIndex(where: { $0.hasPrefix("OPTIONS:") }), shared < own
    else { return help }
    // The last part ends in a line end of its own.
    parts = parts.map { $0.hasSuffix("\n") ? $0.dropLast() : $0 }
    parts.insert(parts.remove(at: shared), at: own)
    return parts.joined(separator: "\n\n")
  }

  /// The words of the parser, which repeats arguments: they may be keys that somebody else chose.
  static func text(of error: any Error) -> String {
    let text = fullMessage(for: error)
    // Help and completion scripts are our own words, tabs and all.
    guard !exitCode(for: error).isSuccess else { return ownOptionsFirst(text) }
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { Visible.text(RawArguments.bytes(of: $0)) }.joined(separator: "\n")
  }
}
