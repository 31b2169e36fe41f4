import ArgumentParser
import S3
import Storage
import SystemPackage

struct GetCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Download objects.",
    usage: "pail get [<options>] <s3://bucket/key> ... [<file, folder/ or ->]",
    discussion: """
      Without a destination the object goes to the folder PATH_TO_SAVE_FILE, else to the current \
      one. A destination that is a folder, or ends in /, means "into"; - means standard output, \
      which takes one object. A file appears under its name only once it is complete, and replaces \
      one that was there. With -r everything under a prefix is downloaded, s3://reports/2026 being \
      the same as s3://reports/2026/; of several prefixes each keeps its name. An object without \
      bytes whose key ends in / becomes a folder.

      In a key, * stands for any characters, / among them, and ? for one: quote them, so that the \
      shell leaves them alone. A key that is named exactly so is meant alone.

      Examples:
        pail get s3://reports/2026/q3.csv
        pail get s3://reports/2026/q3.csv summary.csv
        pail get s3://reports/2026/q3.csv - | head
        pail get -r s3://reports/2026/ backup/
        pail get 's3://logs/2026-11-*.gz' s3://logs/index logs/
      """)

  @Argument(
    help: ArgumentHelp(
      "What to download; then a file, a folder, or - for standard output.",
      valueName: "s3://bucket/key... [destination]"),
    completion: .file())
  var words: [String]

  @Flag(name: .shortAndLong, help: "Everything under the key.")
  var recursive = false

  @Flag(help: "Leave files that are there already alone.")
  var noOverwrite = false

  @Option(
    name: .customLong("version-id"), help: ArgumentHelp("This version.", valueName: "id"),
    transform: VersionID.named)
  var versionID: VersionID?

  @Flag(name: .shortAndLong, help: "Say what would be downloaded, and write nothing.")
  var dryRun = false

  @OptionGroup var filters: FilterOptions

  @OptionGroup var glob: GlobOption

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  /// All but a last one that is no place in a store.
  private func places() throws -> [S3URI] {
    try words.prefix(words.count - (destination == nil ? 0 : 1)).map { word in
      do {
        return try S3URI(parsing: word)
      } catch {
        throw ValidationError("\(word.isEmpty ? "''" : word) cannot be downloaded: \(error)")
      }
    }
  }

  private var destination: String? {
    guard words.count > 1, let last = words.last, last.utf8.afterS3Scheme == nil else { return nil }
    return last == "/dev/stdout" ? "-" : last
  }

  func validate() throws {
    let places = try places()
    if destination?.isEmpty == true {
      throw ValidationError("the destination is empty: name a file or a folder, or leave it out")
    }
    if let destination { try Self.validate(destination) }
    if destination == "-", dryRun {
      throw ValidationError("--dry-run goes with files: standard output replaces none")
    }
    if destination == "-", recursive || places.count != 1 {
      throw ValidationError("standard output takes one object; see pail cat for more")
    }
    if versionID != nil, recursive || places.count != 1 {
      throw ValidationError("--version-id goes with one key, and not with --recursive")
    }
    if !recursive {
      if let place = places.first(where: \.key.isEmpty) {
        throw ValidationError(
          "s3://\(place.bucket) is a bucket: add a key, or use -r for all objects in it")
      }
      if let place = places.first(where: \.key.endsWithSlash) {
        throw ValidationError(
          "the key ends in /: use -r for all objects under it, or, where an object of that name has "
            + "bytes, pail cat \(Visible.text(place.bytes)) > FILE")
      }
    }
    try filters.validate(isRecursive: recursive, places, glob)
  }

  /// A slip of who means a place in the store, and the URL of a file, would become folders of such
  /// names.
  private static func validate(_ destination: String) throws(ValidationError) {
    if S3URI.isMeant(by: destination) {
      throw ValidationError(
        "\(destination) is no path: a place in the store begins with s3://, and a file of that name "
          + "is ./\(destination)")
    }
    // Source: RFC 3986, 3.1.
    guard let colon = destination.firstRange(of: "://"), destination.first?.isLetter == true,
      destination[..<colon.lowerBound]
        .allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
    else { return }
    let rest = destination[colon.upperBound...]
    let isFile = destination[..<colon.lowerBound].lowercased() == "file" && rest.hasPrefix("/")
    throw ValidationError(
      "\(destination) is a URL, and the destination is a path: "
        + (isFile ? "\(rest)" : "a file of that name is ./\(destination)"))
  }

  /// What goes to standard output has nobody left to read it.
  var outlivesTerminal: Bool { destination != "-" }

  var wayOn: String? {
    guard !dryRun, let places = try? places() else { return nil }
    let isOne = !recursive && places.count == 1 && glob.pattern(places[0]) == nil
    return isOne ? nil : "With --no-overwrite the same command downloads the rest."
  }

  func run(_ context: CommandContext) async throws {
    let places = try places()
    let progress = CountProgress(context)
    let isJournaled = destination != "-" && !dryRun
    let session = progress.watching(
      try await context.openSession(tellsRetries: false, using: isJournaled ? .journal : []))
    let version = versionID
    if destination == "-", let place = places.first {
      return try await context.write(try await object(place, session), session, progress)
    }
    let meant =
      version == nil
      ? try await KeyTarget.each(
        of: places, isRecursive: recursive, glob, filters.filter, session, context)
      : places.map { ($0, .key($0)) }
    guard let first = meant.first else { return }
    let (folder, name) = try place(for: places.count == 1 ? first.1 : nil, context.settings)
    let sources = try DownloadSources(
      meant, versionID: version, into: folder, name: name,
      ifExists: noOverwrite ? .skip : .overwrite)
    let trees = sources.trees
    let found =
      dryRun
      ? try await TransferPreview(session, context)
        .run(trees.map(\.tree), mayMeet: sources.isInTurn && noOverwrite)
      : try await TransferRunner(session, context, total: sources.knownCount)
        .run(trees.map(\.tree), inTurn: sources.isInTurn).map { $0?.found }
    for (count, tree) in zip(found, trees) where count == 0 {
      if let failure = tree.ifNothing { context.fail(nil, failure) }
    }
  }

  /// The one object that `place` means.
  private func object(_ place: S3URI, _ session: Session) async throws -> ObjectLocation {
    var location = place.location
    location.versionID = versionID
    guard versionID == nil,
      case .selection(_, let selection) = try await KeyTarget.single(
        place, glob, filters.filter, session)
    else { return location }
    var matching = SelectedObjects(place, selection, session) { $0.endsWithSlash }
    if let object = try await matching.next() { location.key = object.key }
    guard try await matching.next() == nil else {
      throw CommandFailure(
        "\(Visible.text(place.bytes)) matches several objects, and standard output takes one",
        recovery: "pail cat writes them one after the other; --no-glob takes * and ? as they are.")
    }
    return location
  }

  /// The folder to write below, and for a single key perhaps the name.
  ///
  /// - Parameter target: nil where several places were named.
  /// - Throws: where the destination names neither a file nor a folder that is there.
  private func place(
    for target: KeyTarget?, _ settings: Settings
  ) throws(CommandFailure) -> (folder: FilePath, name: ObjectKey?) {
    guard let destination else { return (settings.saveFolder, nil) }
    let path = FilePath(argument: destination)
    guard case .key? = target, !path.isFolder,
      !destination.hasSuffix("/")
    else { return (path, nil) }
    guard let name = path.lastName else {
      throw CommandFailure(
        "There is no folder \(path.shown), and it names no file",
        recovery: "Name a file, or a folder with / at its end, which is made.")
    }
    let parent = path.removingLastComponent()
    return (parent.isEmpty ? "." : parent, ObjectKey(bytes: name))
  }
}
