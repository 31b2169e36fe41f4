import ArgumentParser
import S3
import Storage
import TextUI

struct CopyCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "cp",
    abstract: "Copy objects within the store.",
    usage: CopyingOptions.usage("cp"),
    discussion: """
      The server reads and writes, no byte comes here, and any size will do. Content type, \
      metadata, tags, storage class and encryption come along; an option replaces them. A \
      destination that ends in / means "into". With -r what is under a prefix is copied, \
      s3://reports/2026 being the same as s3://reports/2026/; of several prefixes each keeps its \
      name. With --no-overwrite the first that is named stays where two become one object. Objects \
      may be copied onto themselves to change what is said of them, each in one step.

      In a key, * stands for any characters, / among them, and ? for one: quote them, so that the \
      shell leaves them alone. A key that is named exactly so is meant alone. What matches and is \
      under the destination already stays there, and nothing replaces it; an --exclude that leaves \
      it out says that it may be replaced.

      Examples:
        pail cp s3://reports/q3.csv s3://archive/2026/
        pail cp -r s3://reports/2026/ s3://archive/2026/ --storage-class GLACIER_IR
        pail cp 's3://logs/2026-*.gz' s3://archive/logs/
        pail cp -r s3://reports/2025/ s3://reports/2025/ --storage-class STANDARD_IA
      """)

  @OptionGroup var options: CopyingOptions

  @OptionGroup var attributes: AttributeOptions

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  var wayOn: String? { options.wayOn("With --no-overwrite the same command copies the rest.") }

  func run(_ context: CommandContext) async throws {
    try await options.run(
      context, isMove: false, attributes: attributes.attributes, partSize: shared.partSize)
  }
}

struct MoveCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "mv",
    abstract: "Move objects within the store.",
    usage: CopyingOptions.usage("mv"),
    discussion: """
      Copies as pail cp does, and deletes each source once its copy is proven equal by a checksum \
      or an ETag that is one. Where nothing proves it the copy stays, and so does the source; a \
      source that somebody writes to meanwhile stays as well.

      Examples:
        pail mv s3://reports/q3.csv s3://reports/2026/q3.csv
        pail mv -r --dry-run s3://inbox/ s3://archive/inbox/
      """)

  @OptionGroup var options: CopyingOptions

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  var wayOn: String? {
    options.wayOn("The same command moves the rest." + options.hintToRepeat)
  }

  func run(_ context: CommandContext) async throws {
    try await options.run(
      context, isMove: true, attributes: ObjectAttributes(), partSize: shared.partSize)
  }
}

/// What `cp` and `mv` have in common.
struct CopyingOptions: ParsableArguments {
  static func usage(_ command: String) -> String {
    """
    pail \(command) [<options>] <s3://bucket/key> <s3://bucket/key>
    pail \(command) [<options>] <s3://bucket/key> ... <s3://bucket/prefix/>
    """
  }

  @Argument(
    help: ArgumentHelp(
      "What is meant, then where it goes.", valueName: "s3://bucket/key... s3://bucket/key"),
    transform: CopyingOptions.place)
  var places: [S3URI]

  @Flag(name: .shortAndLong, help: "Everything under the key.")
  var recursive = false

  @Flag(help: "Leave objects that are there already alone.")
  var noOverwrite = false

  @Option(
    name: .customLong("version-id"), help: ArgumentHelp("This version.", valueName: "id"),
    transform: VersionID.named)
  var versionID: VersionID?

  @Flag(name: .shortAndLong, help: "Say what would happen, and change nothing.")
  var dryRun = false

  @OptionGroup var filters: FilterOptions

  @OptionGroup var glob: GlobOption

  private var sources: [S3URI] { Array(places.dropLast()) }

  /// - Parameter many: for what may be half done.
  func wayOn(_ many: String) -> String? {
    let isOne = !recursive && sources.count == 1 && glob.pattern(sources[0]) == nil
    return isOne || dryRun ? nil : many
  }

  var hintToRepeat: String { recursive ? "" : glob.hint(toRepeat: sources) }

  /// Whoever comes from `aws s3 cp` may name a file.
  private static func place(_ argument: String) throws(ArgumentProblem) -> S3URI {
    guard S3URI.isMeant(by: argument) else {
      throw ArgumentProblem(
        "both ends are in the store here; pail put uploads files, and pail get downloads objects")
    }
    return try S3URI(parsing: argument)
  }

  func validate() throws {
    guard places.count >= 2 else {
      throw ValidationError(
        "a source and a destination are needed: s3://bucket/key s3://bucket/key")
    }
    if versionID != nil, recursive || sources.count != 1 {
      throw ValidationError("--version-id goes with one key, and not with --recursive")
    }
    if !recursive, let place = sources.first(where: \.key.isEmpty) {
      throw ValidationError(
        "s3://\(place.bucket) is a bucket: add a key, or use -r for all objects in it")
    }
    try filters.validate(isRecursive: recursive, sources, glob)
  }

  func run(
    _ context: CommandContext, isMove: Bool, attributes: ObjectAttributes, partSize: SizeArgument?
  ) async throws {
    guard let destination = places.last else { return }
    let progress = CountProgress(context, verb: isMove ? "moved" : "copied")
    let session = progress.watching(
      try await context.openSession(using: dryRun ? [] : .history))
    context.tellReadOnly(isDryRun: dryRun)
    let meant =
      versionID == nil
      ? try await KeyTarget.each(
        of: sources, isRecursive: recursive, removes: isMove, glob, filters.filter, session, context
      )
      : sources.map { ($0, .key($0)) }
    var sources = try CopySources(
      meant, versionID: versionID, to: destination,
      isInto: recursive || sources.count > 1, overwrites: !noOverwrite,
      changes: !isMove && attributes != ObjectAttributes(), session, context)
    var options = CopyOptions(
      ifExists: noOverwrite ? .skip : .overwrite, attributes: attributes)
    if let partSize { options.multipartThreshold = partSize.count }
    let runner = CopyRunner(
      context, session, options, isMove: isMove, isDryRun: dryRun, mayMeet: sources.mayMeet,
      progress)
    try await runner.run { try await sources.next() }
  }
}
