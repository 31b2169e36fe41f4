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

  static func moved(_ arguments: [String]) -> [String] {
    let count = count(in: arguments)
    guard count > 0, count < arguments.count else { return arguments }
    let leading = arguments[..<count]
    let rest = arguments[count...]
    let words = commandWords(rest)
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

  /// How many of the first words name a command, as `history verify` does with two.
  private static func commandWords(_ words: ArraySlice<String>) -> Int {
    var commands = PailCommandLine.configuration.subcommands
    var count = 0
    for word in words {
      guard let command = commands.first(where: { $0.configuration.commandName == word }) else {
        break
      }
      count += 1
      commands = command.configuration.subcommands
    }
    return count
  }
}
