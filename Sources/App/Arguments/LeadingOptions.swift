import ArgumentParser

/// Lets the options that every command has stand before the command too: `pail --profile ana ls`.
///
/// The parser gives what stands before a command to the default one, so they are moved behind it.
/// Those of the command itself come later and win.
enum LeadingOptions {
  /// The names in ``SharedOptions``; a test compares them.
  static let flags: Set<String> = [
    "--read-only", "--no-sign-request", "--json", "--quiet", "-q", "--no-progress", "--debug",
  ]
  static let valued: Set<String> = [
    "--profile", "--endpoint-url", "--region", "--addressing-style", "--ca-bundle", "--env-file",
    "--user", "--history",
    "--concurrency", "--part-size", "--limit-rate", "--log",
  ]

  /// Whether the version of the program is asked for, and no command is named.
  static func askForVersion(_ arguments: [String]) -> Bool {
    arguments.prefix { $0 != "--" }.contains("--version") && command(arguments) == nil
  }

  static func moved(_ arguments: [String]) -> [String] {
    let count = count(in: arguments)
    if let first = arguments[count...].first, ["-h", "--help"].contains(first) {
      // The help of the command that is named then, and without one that of the program.
      let behind = dropped(from: Array(arguments[(count + 1)...]))
      return Array(behind.prefix(named(behind).count)) + [first]
    }
    guard count > 0, count < arguments.count else { return arguments }
    let leading = arguments[..<count]
    let rest = arguments[count...]
    let words = named(rest).count
    guard words > 0 else { return arguments }
    return Array(rest.prefix(words) + leading + rest.dropFirst(words))
  }

  /// What follows them.
  static func dropped(from arguments: [String]) -> ArraySlice<String> {
    arguments[count(in: arguments)...]
  }

  /// How many of the words are options that every command has, and their values.
  private static func count(in arguments: [String]) -> Int {
    var count = 0
    while count < arguments.count, let length = length(arguments[count]) { count += length }
    return min(count, arguments.count)
  }

  /// How many words the option takes that begins with `word`; nil for anything else.
  private static func length(_ word: String) -> Int? {
    if flags.contains(word) { return 1 }
    if valued.contains(word) { return 2 }
    let name = word.prefix { $0 != "=" }
    return name.count < word.count && valued.contains(String(name)) ? 1 : nil
  }

  /// The command that the first words name, as `history verify` does with two, and the words after
  /// them; nil where the default command is meant.
  static func command(
    _ arguments: [String]
  ) -> (command: any ParsableCommand.Type, rest: [String])? {
    let commands = named(arguments[...])
    return commands.last.map { ($0, Array(arguments.dropFirst(commands.count))) }
  }

  /// The commands that the first words name, each one of the one before.
  private static func named(_ words: ArraySlice<String>) -> [any ParsableCommand.Type] {
    var commands = PailCommandLine.configuration.subcommands
    var found: [any ParsableCommand.Type] = []
    for word in words {
      guard let command = commands.first(where: { $0.configuration.commandName == word }) else {
        break
      }
      found.append(command)
      commands = command.configuration.subcommands
    }
    return found
  }
}
