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

extension CompletedCommandLine {
  /// The script of the parser, with what it leaves out.
  static func script(for shell: CompletionShell) -> String {
    let commands = names(of: configuration.subcommands)
    let parents = configuration.subcommands.filter { !$0.configuration.subcommands.isEmpty }
      .map { (name: names(of: [$0]), own: names(of: $0.configuration.subcommands)) }
    let script = completionScript(for: shell)
    switch shell {
    case .bash:
      let cases = parents.map { "    '2 \($0.name)') offered='\($0.own)' ;;" }
        .joined(separator: "\n")
      // Readline ends words at colons too, as in s3://.
      return script.replacing(
        #"local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")"#,
        with: #"""
          local -a unparsed_words=()
              local word is_joined=false
              for word in "${COMP_WORDS[@]:1:${COMP_CWORD}}"; do
                  if "${is_joined}" || [[ "${word}" == :* && "${#unparsed_words[@]}" -gt 0 ]]; then
                      unparsed_words[-1]+="${word}"
                  else
                      unparsed_words+=("${word}")
                  fi
                  is_joined=false
                  [[ "${word}" == *: ]] && is_joined=true
              done
          """#
      ).replacing(
        "_pail_help() {\n",
        with: """
          _pail_help() {
              local offered=
              case "${#unparsed_words[@]} ${unparsed_words[0]}" in
              [01]\\ *) offered='\(commands)' ;;
          \(cases)
              esac
              COMPREPLY+=($(compgen -W "${offered}" -- "${cur}"))

          """)
    case .zsh:
      let cases = parents.map { "\($0.name)) compadd \($0.own) ;; " }.joined()
      return script.replacing(
        "'*:subcommands:'",
        with: """
          '1:command:(\(commands))'
                  '2:command:{case "${words[2]}" in \(cases)esac}'
          """
      ).replacing(
        // What takes a word and says nothing of it would be offered beside an option, which zsh then
        // only lists and does not insert.
        #/(?<start>\n +'\*?:(?<text>(?:[^:'\\]|\\.)+):)'(?=\n)/#
      ) { #"\#($0.start)_guard "^-*" "\#($0.text)"'"# }
    case .fish:
      let places =
        [("-eq 1", commands)]
        + parents.map { ("-eq 2; and __fish_seen_subcommand_from \($0.name)", $0.own) }
      return script.replacing(
        // A command without options of its own is none to argparse.
        "__pail_parse_subcommand -r 1 \n", with: "__pail_parse_subcommand -r 1 'h/help'\n"
      )
        + places.map { place, names in
          """

          complete -c 'pail' -n '__pail_should_offer_completions_for_positional "pail help" \(place)' \
          -fa '\(names)'
          """
        }.joined()
    default: return script
    }
  }

  private static func names(of commands: [any ParsableCommand.Type]) -> String {
    commands.compactMap { $0.configuration.commandName }.joined(separator: " ")
  }
}

/// `--version`, for the help of the program alone: the parser would give it to every command as well,
/// where it is refused. ``Pail`` answers it.
struct VersionOption: ParsableArguments {
  @Flag(help: "Show the version.")
  var version = false
}
