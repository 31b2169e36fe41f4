import ArgumentParser
import S3
import Storage
import SystemPackage

struct GetCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Download objects.",
    discussion: """
      Without a destination the object goes to the folder PATH_TO_SAVE_FILE, else to the current \
      one. A destination that is a folder, or ends in /, means "into"; - means standard output. A \
      file appears under its name only once it is complete, and replaces one that was there. With \
      -r everything whose key begins with the given one is downloaded, each object by what follows \
      the last / of it.

      Examples:
        pail get s3://reports/2026/q3.csv
        pail get s3://reports/2026/q3.csv summary.csv
        pail get s3://reports/2026/q3.csv - | head
        pail get -r s3://reports/2026/ backup/
      """)

  @Argument(
    help: ArgumentHelp("What to download.", valueName: "s3://bucket/key"),
    transform: S3URI.init(parsing:))
  var place: S3URI

  @Argument(
    help: ArgumentHelp("A file, a folder, or - for standard output.", valueName: "destination"))
  var destination: String?

  @Flag(name: .shortAndLong, help: "Everything that begins with the key.")
  var recursive = false

  @Flag(help: "Leave files that are there already alone.")
  var noOverwrite = false

  @Option(name: .customLong("version-id"), help: ArgumentHelp("This version.", valueName: "id"))
  var versionID: String?

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func validate() throws {
    if recursive, destination == "-" {
      throw ValidationError("standard output takes one object, not --recursive")
    }
    if recursive, versionID != nil {
      throw ValidationError("--version-id goes with one key, and not with --recursive")
    }
    if !recursive, place.key.isEmpty {
      throw ValidationError(
        "s3://\(place.bucket) is a bucket: add a key, or use -r for all objects in it")
    }
    if !recursive, place.key.endsWithSlash {
      throw ValidationError("the key ends in /: use -r for all objects under it")
    }
  }

  private var ifExists: TransferRequest.ExistingDestination { noOverwrite ? .skip : .overwrite }

  private var location: ObjectLocation {
    ObjectLocation(
      bucket: place.bucket, key: place.key, versionID: versionID.map { VersionID($0) })
  }

  /// What goes to standard output has nobody left to read it.
  var outlivesTerminal: Bool { destination != "-" }

  func run(_ context: CommandContext) async throws {
    let session = try await context.openSession()
    if recursive {
      try await getAll(session, context)
    } else if destination == "-" {
      try await writeToStandardOutput(session, context)
    } else {
      try await TransferRunner(session, context, total: 1).run([request(context.settings)])
    }
  }

  private func request(_ settings: Settings) -> TransferRequest {
    guard let destination else {
      return .download(location, into: settings.saveFolder, ifExists: ifExists)
    }
    let path = FilePath(argument: destination)
    if path.isFolder || destination.hasSuffix("/") {
      return .download(location, into: path, ifExists: ifExists)
    }
    let parent = path.removingLastComponent()
    return .download(
      location, into: parent.isEmpty ? "." : parent,
      name: ObjectKey(bytes: path.lastName ?? []),
      ifExists: ifExists)
  }

  /// Lists page by page, and asks for the next page when the one before is under way.
  private func getAll(_ session: Session, _ context: CommandContext) async throws {
    let folder = destination.map { FilePath(argument: $0) } ?? context.settings.saveFolder
    let base = place.key.endsWithSlash ? place.key : place.key.parentPrefix
    var objects: ArraySlice<ObjectSummary> = []
    var next: ContinuationToken?
    var isLastPage = false
    var found = 0
    try await TransferRunner(session, context, total: nil).run {
      while objects.isEmpty, !isLastPage {
        let page = try await session.service.recursivePage(
          bucket: place.bucket, prefix: place.key, after: next)
        // The marker of a prefix is an object without a name below it.
        objects = page.objects.filter { !$0.key.endsWithSlash }[...]
        next = page.next
        isLastPage = page.next == nil
      }
      guard let object = objects.popFirst() else { return nil }
      found += 1
      return .download(
        ObjectLocation(bucket: place.bucket, key: object.key), summary: object, into: folder,
        name: ObjectKey(bytes: object.key.bytes.dropFirst(base.bytes.count)), ifExists: ifExists)
    }
    if found == 0 {
      throw CommandFailure("Nothing begins with \(Visible.text(place.bytes))")
    }
  }

  private func writeToStandardOutput(_ session: Session, _ context: CommandContext) async throws {
    let console = context.console
    do {
      _ = try await session.service.stream(location) { console.write($0) }
    } catch {
      // The reader who left, or a full disk, is what ended it; that is told at the end.
      try context.stopWhenClosed()
      throw error
    }
  }
}
