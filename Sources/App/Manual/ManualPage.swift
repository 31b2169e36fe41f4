/// `man pail`, made from the same definitions as `--help`, in the macros of man(7).
struct ManualPage {
  private let root: HelpDump.Command
  private var lines: [String] = []

  init() throws {
    root = try HelpDump(of: PailCommandLine.self).command
  }

  /// The whole page.
  mutating func text() -> String {
    lines = [#".TH PAIL 1 "\#(Pail.releaseDate)" "pail \#(Pail.version)" "User Commands""#]
    section("NAME")
    lines.append(#"pail \- "# + Self.escaped(Self.sentence(root.abstract)))
    section("SYNOPSIS")
    lines.append(".nf")
    lines.append(#"\fBpail\fR [\fIs3://bucket/prefix/\fR]"#)
    lines.append(#"\fBpail\fR \fIcommand\fR [\fIoption\fR...] [\fIargument\fR...]"#)
    lines.append(".fi")
    section("DESCRIPTION")
    prose(root.discussion)
    section("COMMANDS")
    for command in commands(below: root) { describe(command) }
    section(SharedOptions.title.uppercased())
    lines.append("They may also stand before the command.")
    for argument in sharedOptions { describe(argument) }
    section("SEE ALSO")
    lines.append("The README of Pail tells about settings, keys of the browser, and the history.")
    return lines.joined(separator: "\n") + "\n"
  }

  private func commands(below command: HelpDump.Command) -> [HelpDump.Command] {
    (command.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
      .flatMap { [$0] + commands(below: $0) }
  }

  private var sharedOptions: [HelpDump.Argument] {
    let all = commands(below: root).first { Self.options(of: $0, isShared: true).count > 0 }
    return all.map { Self.options(of: $0, isShared: true) } ?? []
  }

  private static func options(
    of command: HelpDump.Command, isShared: Bool
  ) -> [HelpDump.Argument] {
    (command.arguments ?? []).filter { argument in
      argument.kind != .positional && argument.shouldDisplay
        && (argument.sectionTitle == SharedOptions.title) == isShared
        && !(argument.names ?? []).contains { ["help", "version"].contains($0.name) }
    }
  }

  // MARK: - Parts

  private mutating func section(_ title: String) {
    lines.append(".SH " + Self.escaped(title))
  }

  private mutating func describe(_ command: HelpDump.Command) {
    let path = (command.superCommands ?? []) + [command.commandName]
    var usage = #"\fB"# + Self.escaped(path.joined(separator: " ")) + #"\fR"#
    let options = Self.options(of: command, isShared: false)
    if !options.isEmpty { usage += #" [\fIoption\fR...]"# }
    for argument in command.arguments ?? [] where argument.kind == .positional {
      let name =
        #"\fI"# + Self.escaped(argument.valueName ?? "") + #"\fR"#
        + (argument.isRepeating && argument.valueName?.contains(" ") != true ? "..." : "")
      usage += " " + (argument.isOptional ? "[\(name)]" : name)
    }
    lines.append(".SS " + Self.escaped(path.dropFirst().joined(separator: " ")))
    lines.append(usage)
    lines.append(".PP")
    lines += Self.filled(command.abstract ?? "")
    if command.discussion != nil { lines.append(".PP") }
    prose(command.discussion)
    for option in options { describe(option) }
  }

  private mutating func describe(_ option: HelpDump.Argument) {
    let names = (option.names ?? []).sorted { $0.text.count < $1.text.count }
      .map { #"\fB"# + Self.escaped($0.text) + #"\fR"# }
    let value =
      option.kind == .option ? #" \fI"# + Self.escaped(option.valueName ?? "value") + #"\fR"# : ""
    lines.append(".TP")
    lines.append(names.joined(separator: ", ") + value)
    var text = option.abstract ?? ""
    if let standard = option.defaultValue, option.kind == .option {
      text += " (default: \(standard))"
    }
    lines += Self.filled(text)
  }

  /// Paragraphs are separated by blank lines; lines set in by two blanks stay lines.
  private mutating func prose(_ text: String?) {
    guard let text else { return }
    var isExample = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let isSetIn = line.hasPrefix("  ")
      if isSetIn != isExample {
        lines.append(contentsOf: isSetIn ? [".RS 4", ".nf"] : [".fi", ".RE"])
      }
      isExample = isSetIn
      if line.isEmpty {
        lines.append(".PP")
      } else if isSetIn {
        lines.append(Self.escaped(String(line.dropFirst(2))))
      } else {
        lines += Self.filled(String(line))
      }
    }
    if isExample { lines.append(contentsOf: [".fi", ".RE"]) }
  }

  // MARK: - Text

  /// Without its full stop and its capital, as NAME has it.
  private static func sentence(_ text: String?) -> String {
    guard var text, let first = text.first else { return "" }
    text.replaceSubrange(...text.startIndex, with: first.lowercased())
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  /// Lines of the source, which may have 80 bytes (mandoc -T lint); the page is filled anew.
  private static func filled(_ text: String) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      let word = escaped(String(word))
      if let last = lines.last, last.utf8.count + 1 + word.utf8.count <= 80 {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(word)
      }
    }
    return lines
  }

  /// Source: man(7), groff_char(7). A hyphen that is to be copied as one is `\-`.
  static func escaped(_ text: String) -> String {
    var escaped = text.hasPrefix(".") || text.hasPrefix("'") ? #"\&"# : ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += #"\e"#
      case "-": escaped += #"\-"#
      case "\"": escaped += #"\(dq"#
      case "'": escaped += #"\(aq"#
      case "`": escaped += #"\(ga"#
      case "~": escaped += #"\(ti"#
      case "^": escaped += #"\(ha"#
      case let scalar where scalar.isASCII: escaped.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        escaped += #"\[u\#(String(repeating: "0", count: max(4 - digits.count, 0)))\#(digits)]"#
      }
    }
    return escaped
  }
}
