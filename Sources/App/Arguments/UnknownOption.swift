import ArgumentParser

/// An option that the command does not have. The parser takes the value of one for a word of the
/// command, and says what is wrong with that.
struct UnknownOption: Sendable, Hashable {
  /// Those of the parser itself, which its dump leaves out.
  private static let builtIn: Set<String> = [
    "-h", "--help", "--generate-completion-script", "--experimental-dump-help",
  ]

  /// The words that name the command, such as `history verify`.
  var path: [String]
  /// As it is written, without a value.
  var name: String
  /// The commands that have it, such as `rm` and `history verify`.
  var owners: [String]
  /// The option of this command whose name is written most like it.
  var nearest: String?

  /// Whether a command is named and then the version of the program is asked for, where somebody most
  /// likely means an option of the command; the parser would take it for one of the program, and do what
  /// the rest says.
  static func asksForVersion(_ arguments: [String]) -> Bool {
    let words = LeadingOptions.command(arguments)?.rest.prefix { $0 != "--" }
    return words?.contains("--version") ?? false
  }

  /// For arguments that the parser has refused.
  static func found(in arguments: [String]) -> UnknownOption? {
    guard let dump = try? HelpDump(of: PailCommandLine.self) else { return nil }
    let words = LeadingOptions.command(arguments)?.rest ?? arguments
    let path = Array(arguments.prefix(arguments.count - words.count))
    var command = dump.command
    for name in path.isEmpty ? ["browse"] : path {
      guard let next = command.subcommands?.first(where: { $0.commandName == name }) else {
        return nil
      }
      command = next
    }
    guard let name = name(in: words, of: command) else { return nil }
    // Of the program alone, in whose dump it is not.
    let asksForVersion = path.isEmpty && name.lowercased() == "-v"
    return UnknownOption(
      path: path, name: name, owners: dump.command.owners(of: name),
      nearest: asksForVersion ? "--version" : nearest(to: name, of: command))
  }

  private static func nearest(to name: String, of command: HelpDump.Command) -> String? {
    let names = command.optionNames.sorted()
    if name.hasPrefix("--") { return UnknownCommand.nearest(to: name, of: names) }
    // One letter is as near to any other.
    return names.first { $0.lowercased() == name.lowercased() }
  }

  private static func name(in words: [String], of command: HelpDump.Command) -> String? {
    var mayBeValue = false
    for word in words {
      if word == "--" { return nil }
      defer { mayBeValue = command.takesValue(word) }
      guard word.hasPrefix("-"), word.count > 1, !mayBeValue else { continue }
      if word.hasPrefix("--") {
        let name = String(word.prefix { $0 != "=" })
        guard builtIn.contains(name) || command.has(name) else { return name }
      } else if word.dropFirst().first?.isNumber == false {
        // Several flags in one word; what follows the letter of an option is its value.
        for letter in word.dropFirst() {
          let name = "-\(letter)"
          guard builtIn.contains(name) || command.has(name) else { return name }
          if command.takesValue(name) { break }
        }
      }
    }
    return nil
  }

  var problem: CommandFailure {
    let all = (["pail"] + path).joined(separator: " ")
    let shown = Visible.text(RawArguments.bytes(of: name))
    var recovery = "\(all) --help lists those there are."
    if let nearest {
      recovery = "Did you mean \(nearest)? " + recovery
    } else if !owners.isEmpty {
      recovery = "It goes with pail \(owners.joined(separator: ", pail ")). " + recovery
    }
    return CommandFailure("\(all) has no option \(shown)", recovery: recovery)
  }
}

extension HelpDump.Command {
  /// With their dashes.
  fileprivate var optionNames: [String] {
    (arguments ?? []).flatMap { $0.names ?? [] }.map(\.text)
  }

  /// The words that name the commands below this one that have the option.
  fileprivate func owners(of name: String) -> [String] {
    (subcommands ?? []).flatMap { command in
      (command.has(name) ? [command.commandName] : [])
        + command.owners(of: name).map { "\(command.commandName) \($0)" }
    }
  }

  fileprivate func has(_ name: String) -> Bool { optionNames.contains(name) }

  fileprivate func takesValue(_ name: String) -> Bool {
    (arguments ?? []).contains { argument in
      argument.kind == .option && (argument.names ?? []).contains { $0.text == name }
    }
  }
}
