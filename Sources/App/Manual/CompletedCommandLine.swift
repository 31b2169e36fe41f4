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
    let commands = configuration.subcommands.compactMap { $0.configuration.commandName }
      .joined(separator: " ")
    let script = completionScript(for: shell)
    switch shell {
    case .bash:
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
              COMPREPLY+=($(compgen -W '\(commands)' -- "${cur}"))

          """)
    case .zsh:
      return script.replacing(
        "'*:subcommands:'", with: "'*:command:(\(commands))'"
      ).replacing(
        // What takes a word and says nothing of it would be offered beside an option, which zsh then
        // only lists and does not insert.
        #/(?<start>\n +'\*?:(?<text>(?:[^:'\\]|\\.)+):)'(?=\n)/#
      ) { #"\#($0.start)_guard "^-*" "\#($0.text)"'"# }
    case .fish:
      return script.replacing(
        // A command without options of its own is none to argparse.
        "__pail_parse_subcommand -r 1 \n", with: "__pail_parse_subcommand -r 1 'h/help'\n"
      ) + """

        complete -c 'pail' -n '__pail_should_offer_completions_for_positional "pail help" -eq 1' \
        -fa '\(commands)'
        """
    default: return script
    }
  }
}

/// `--version`, for the help of the program alone: the parser would give it to every command as well,
/// where it is refused. ``Pail`` answers it.
struct VersionOption: ParsableArguments {
  @Flag(help: "Show the version.")
  var version = false
}
