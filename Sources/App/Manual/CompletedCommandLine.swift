import ArgumentParser

/// The command line as shells complete it.
///
/// The program opens the browser where no command is named, and takes the options of every command
/// before one as well. The parser knows neither of the program itself, so this stands for it in the
/// completion scripts, and is never parsed.
struct CompletedCommandLine: ParsableCommand {
  static let configuration = PailCommandLine.configuration

  @OptionGroup var browser: BrowserOptions

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  @OptionGroup var version: VersionOption
}

/// `--version`, for the help of the program alone: the parser would give it to every command as well,
/// where it is refused. ``Pail`` answers it.
struct VersionOption: ParsableArguments {
  @Flag(help: "Show the version.")
  var version = false
}
