import ArgumentParser
import S3
import Storage
import SystemPackage

/// The options that every command has. ``LeadingOptions`` lists their names once more.
struct SharedOptions: ParsableArguments {
  /// Over them in the help of each command; they are told apart by it in the manual.
  static let title = "Options of every command"

  @Option(
    help: ArgumentHelp(
      "Use this profile of ~/.aws/config and ~/.aws/credentials.", valueName: "name"),
    transform: TextArgument.text)
  var profile: String?

  @Option(
    help: ArgumentHelp("The server, such as http://127.0.0.1:8333.", valueName: "url"),
    transform: TextArgument.text)
  var endpointURL: String?

  @Option(
    help: ArgumentHelp("The region, such as eu-central-1.", valueName: "name"),
    transform: TextArgument.text)
  var region: String?

  @Option(
    help: ArgumentHelp(
      "Name buckets in the path or in the host name: auto, path or virtual. (default: auto)",
      valueName: "style"))
  var addressingStyle: AddressingArgument?

  @Option(
    help: ArgumentHelp(
      "Trust the certificates in this PEM file too.", valueName: "file"),
    completion: .file())
  var caBundle: String?

  @Option(
    help: ArgumentHelp("Read settings from this file instead of ./.env.", valueName: "file"),
    completion: .file(),
    transform: { FilePath(argument: $0) })
  var envFile: FilePath?

  @Option(
    help: ArgumentHelp(
      "Your name in the history; with `history`, whose changes to show.", valueName: "name"),
    transform: TextArgument.text)
  var user: String?

  @Option(
    help: ArgumentHelp("Keep the history in this file.", valueName: "file"),
    completion: .file(), transform: TextArgument.text)
  var history: String?

  @Flag(help: "Sign no request: for buckets that are open to everybody.")
  var noSignRequest = false

  @Flag(help: "Refuse every change, to the store and to the rows of the history.")
  var readOnly = false

  @Flag(help: "One JSON object a line.")
  var json = false

  @Flag(name: .shortAndLong, help: "Say only what failed or could not be verified.")
  var quiet = false

  @Flag(help: "Show neither progress nor what is retried.")
  var noProgress = false

  @Option(
    help: ArgumentHelp(
      "Requests with bodies at a time, 1 to 256. Chosen by the machine without it.",
      valueName: "count"))
  var concurrency: Int?

  @Option(
    help: ArgumentHelp(
      "Cut large objects into parts of this size, 5M to 5G. (default: 8M)", valueName: "size"),
    transform: SizeArgument.init(parsing:))
  var partSize: SizeArgument?

  @Option(
    help: ArgumentHelp(
      "Bytes of bodies a second at most, such as 200K or 16M.", valueName: "rate"),
    transform: RateArgument.init(parsing:))
  var limitRate: RateArgument?

  @Option(
    help: ArgumentHelp(
      "Add a line for each request to this file. Holds no secrets.", valueName: "file"),
    completion: .file(),
    transform: { FilePath(argument: $0) })
  var log: FilePath?

  @Flag(help: "Log headers as well; on standard error without --log.")
  var debug = false

  func validate() throws {
    // An unset variable of a script would else choose another account, or another history.
    let names: [(String, Bool?)] = [
      ("--profile", profile?.isEmpty), ("--endpoint-url", endpointURL?.isEmpty),
      ("--region", region?.isEmpty), ("--ca-bundle", caBundle?.isEmpty),
      ("--env-file", envFile?.isEmpty), ("--user", user?.isEmpty),
      ("--history", history?.isEmpty), ("--log", log?.isEmpty),
    ]
    if let empty = names.first(where: { $0.1 == true }) {
      throw ValidationError("\(empty.0) is empty: give it a value, or leave it out")
    }
    if let concurrency, !(1...256).contains(concurrency) {
      throw ValidationError("--concurrency is 1 through 256")
    }
    if let partSize,
      !(PartPlan.minimumPartSize...PartPlan.maximumPartSize).contains(partSize.count)
    {
      throw ValidationError("--part-size is 5M through 5G, which is what S3 allows")
    }
  }

  /// The defaults, changed where an option says so.
  var transfers: TransferSettings {
    var settings = TransferSettings()
    if let concurrency { settings.concurrentRequests = concurrency }
    if let partSize {
      settings.partSize = partSize.count
      settings.multipartThreshold = max(settings.multipartThreshold, partSize.count)
    }
    return settings
  }

  var flags: SettingsFlags {
    SettingsFlags(
      profile: profile, endpointURL: endpointURL, region: region,
      addressingStyle: addressingStyle?.rawValue, caBundle: caBundle, envFile: envFile, user: user,
      history: history,
      isReadOnly: readOnly, isAnonymous: noSignRequest)
  }
}

/// How ``EndpointOptions/Addressing`` is written on the command line.
enum AddressingArgument: String, ExpressibleByArgument, CaseIterable {
  case auto
  case path
  case virtual
}
