import ArgumentParser
import S3
import Storage
import SystemPackage
import TextUI

struct PutCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Upload files and folders.",
    usage: """
      pail put [<options>] <file> ... <s3://bucket/prefix/>
      pail put [<options>] <file, or - for standard input> <s3://bucket/key>
      """,
    discussion: """
      A destination that ends in / means "into"; otherwise it is the key itself. With -r what is \
      inside a folder is uploaded; with several sources each folder keeps its name. --exclude \
      and --include look at paths below a folder, and at the names of files that stand beside it. \
      An empty folder becomes an object without bytes whose key ends in /. An object that is there \
      already is replaced, unless --no-overwrite is given.

      - is standard input, which goes up in parts of 16 MiB: 10,000 of them make 156 GiB. \
      --expected-size or --part-size allow more.

      Examples:
        pail put report.csv s3://reports/2026/
        pail put report.csv s3://reports/2026/q3.csv
        pail put -r site/ s3://assets/www/
        pail put -r --dry-run --exclude '*.tmp' site/ s3://assets/www/
        pg_dump shop | pail put - s3://backups/shop.sql
      """)

  @Argument(
    help: ArgumentHelp("Files and folders, then where they go.", valueName: "file... s3://bucket/"),
    completion: .file())
  var words: [String]

  @Flag(name: .shortAndLong, help: "Folders too, with everything in them.")
  var recursive = false

  @Flag(help: "Follow links that lead out of a folder as well, not only those within it.")
  var followSymlinks = false

  @Flag(help: "Leave objects that are there already alone.")
  var noOverwrite = false

  @Flag(name: .shortAndLong, help: "Say what would be uploaded, and send nothing.")
  var dryRun = false

  @OptionGroup var attributeOptions: AttributeOptions

  @OptionGroup var filters: FilterOptions

  @Option(
    help: ArgumentHelp(
      "How much standard input may give; makes its parts large enough.", valueName: "size"),
    transform: SizeArgument.init(parsing:))
  var expectedSize: SizeArgument?

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  private var isStandardInput: Bool { words.first == "-" }

  func validate() throws {
    guard words.count >= 2, let last = words.last else {
      throw ValidationError("put needs a file and a destination: pail put FILE s3://bucket/")
    }
    do {
      _ = try S3URI(parsing: last)
    } catch {
      let shown = last.isEmpty ? "''" : last
      throw ValidationError("The last word is the destination, and \(shown) is none: \(error)")
    }
    if words.contains("") {
      throw ValidationError("'' is no file: a name is empty")
    }
    if let place = words.dropLast().first(where: S3URI.isMeant) {
      throw ValidationError(
        "\(place) is in the store: pail cp copies within it, and pail get downloads; a file of that "
          + "name is ./\(place)")
    }
    if isStandardInput || words.dropLast().contains("-") {
      let place = try S3URI(parsing: last)
      guard words.count == 2, !recursive else {
        throw ValidationError("standard input goes alone; a file of that name is ./-")
      }
      guard !place.key.isEmpty, !place.key.endsWithSlash else {
        throw ValidationError("standard input has no name: add a key, s3://\(place.bucket)/key")
      }
      if let expectedSize {
        do {
          _ = try PartPlan(objectSize: expectedSize.count)
        } catch {
          throw ValidationError("--expected-size is at most 48.8T, which is what S3 allows")
        }
      }
    } else if expectedSize != nil {
      throw ValidationError("--expected-size goes with standard input: put - s3://bucket/key")
    }
    guard recursive || filters.isEmpty else {
      throw ValidationError("--include and --exclude go with --recursive")
    }
  }

  /// With the terminal goes the program that writes to a pipe, and half of what it meant to write would
  /// pass for the whole.
  var outlivesTerminal: Bool { !isStandardInput }

  var wayOn: String? {
    if dryRun { return nil }
    if isStandardInput { return "Nothing is kept of standard input: upload it again." }
    guard recursive || words.count > 2 else { return nil }
    return "With --no-overwrite the same command uploads the rest."
  }

  func run(_ context: CommandContext) async throws {
    guard let last = words.last else { return }
    context.tellReadOnly(isDryRun: dryRun)
    if isStandardInput, dryRun {
      return await previewStandardInput(
        try S3URI(parsing: last).location, try await context.openSession(), context)
    }
    if isStandardInput {
      return try await putStandardInput(try S3URI(parsing: last), context)
    }
    let files = words.dropLast().map { FilePath(argument: $0) }
    let sources = try UploadSources(
      files, to: try S3URI(parsing: last), isRecursive: recursive, filter: filters.filter)
    let session = try await context.openSession(using: dryRun ? [] : [.history, .journal])
    let trees = sources.trees(
      attributes: attributeOptions.attributes, ifExists: ifExists,
      links: followSymlinks ? .all : .inside)
    let found =
      dryRun
      ? try await TransferPreview(session, context).run(trees)
      : try await TransferRunner(session, context, total: sources.knownCount).run(trees)
        .map { $0?.found }
    for (count, tree) in zip(found, trees) where count == 0 { tellNothing(in: tree, context) }
  }

  private var ifExists: TransferRequest.ExistingDestination { noOverwrite ? .skip : .overwrite }

  /// Says of a folder that no object comes of it. An empty folder in it makes one, it itself none.
  private func tellNothing(in tree: TransferTree, _ context: CommandContext) {
    guard case .upload(let folder, _, _, _) = tree.work else { return }
    context.fail(
      nil,
      CommandFailure(
        filters.isEmpty
          ? "There is nothing to upload in \(folder.shown)"
          : "The filters leave nothing of \(folder.shown)"))
  }

  // MARK: - Standard input

  private func previewStandardInput(
    _ location: ObjectLocation, _ session: Session, _ context: CommandContext
  ) async {
    let plan = await session.service.planOfStandardInput(to: location, ifExists: ifExists)
    TransferPreview(session, context).tell(plan, .upload, ifExists, isFile: false)
  }

  /// The size of the parts of standard input, and what their most can hold.
  private var streamPartSize: ByteCount {
    let least = shared.partSize?.count ?? .mebibytes(16)
    let plan = expectedSize.flatMap { try? PartPlan(objectSize: $0.count, preferred: least) }
    return plan?.partSize ?? least
  }

  private func putStandardInput(_ place: S3URI, _ context: CommandContext) async throws {
    let progress = CountProgress(context, verb: "uploaded")
    let session = progress.watching(try await context.openSession(using: [.history, .journal]))
    let partSize = streamPartSize
    let most = partSize.bytes * Int64(PartPlan.maximumPartCount)
    context.console.notice(
      "pail: standard input goes up in parts of \(ByteFormat.iec(partSize.bytes)), "
        + "\(ByteFormat.iec(most)) at most")
    var attributes = attributeOptions.attributes
    attributes.contentType =
      attributes.contentType
      ?? ContentType.guess(fileName: String(decoding: place.key.lastSegment, as: UTF8.self))
    let stream = StreamProgress()
    let result = try await progress.following(stream) {
      try await session.service.upload(
        from: .standardInput, to: place.location, attributes: attributes,
        ifExists: ifExists, partSize: partSize, progress: stream)
    }
    context.console.clearProgress()
    context.warn(result.warning)
    context.reportTransfer(.upload, result, isFile: false)
  }
}
