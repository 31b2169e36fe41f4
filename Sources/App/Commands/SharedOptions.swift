import ArgumentParser
import SystemPackage

/// The options that every command has.
struct SharedOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Use this profile of ~/.aws/config and ~/.aws/credentials.", valueName: "name"))
  var profile: String?

  @Option(help: ArgumentHelp("The server, such as http://127.0.0.1:8333.", valueName: "url"))
  var endpointURL: String?

  @Option(help: ArgumentHelp("The region, such as eu-central-1.", valueName: "name"))
  var region: String?

  @Option(
    help: ArgumentHelp("Read settings from this file instead of ./.env.", valueName: "file"),
    transform: { FilePath(argument: $0) })
  var envFile: FilePath?

  @Option(
    help: ArgumentHelp(
      "Your name in the history; with `history`, whose changes to show.", valueName: "name"))
  var user: String?

  @Option(help: ArgumentHelp("Keep the history in this file.", valueName: "file"))
  var history: String?

  @Flag(help: "Refuse every change.")
  var readOnly = false

  @Flag(help: "One JSON object a line.")
  var json = false

  @Flag(name: .shortAndLong, help: "Say only what failed.")
  var quiet = false

  @Flag(help: "Show no progress.")
  var noProgress = false

  var flags: SettingsFlags {
    SettingsFlags(
      profile: profile, endpointURL: endpointURL, region: region, envFile: envFile, user: user,
      history: history,
      isReadOnly: readOnly)
  }
}
