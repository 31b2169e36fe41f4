import ArgumentParser
import S3
import Storage
import Synchronization
import SystemPackage
import TextUI

struct PutCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Upload files and folders.",
    discussion: """
      A destination that ends in / means "into"; otherwise it is the key itself. With -r what is \
      inside a folder is uploaded; with several sources each folder keeps its name. An object that \
      is there already is replaced, unless --no-overwrite is given.

      - is standard input, which goes up in parts of 16 MiB: 10,000 of them make 156 GiB. \
      --expected-size or --part-size allow more.

      Examples:
        pail put report.csv s3://reports/2026/
        pail put report.csv s3://reports/2026/q3.csv
        pail put -r site/ s3://assets/www/
        pg_dump shop | pail put - s3://backups/shop.sql
      """)

  @Argument(
    help: ArgumentHelp("Files and folders, then where they go.", valueName: "file… s3://bucket/"))
  var words: [String]

  @Flag(name: .shortAndLong, help: "Folders too, with everything in them.")
  var recursive = false

  @Flag(help: "Leave objects that are there already alone.")
  var noOverwrite = false

  @Option(help: ArgumentHelp("Guessed from the name without it.", valueName: "type"))
  var contentType: String?

  @Option(help: ArgumentHelp("Sent with every download.", valueName: "directives"))
  var cacheControl: String?

  @Option(help: ArgumentHelp("Kept with the object; may be repeated.", valueName: "name=value"))
  var metadata: [String] = []

  @Option(help: ArgumentHelp("Tags, as project=atlas&owner=ana.", valueName: "tags"))
  var tagging: String?

  @Option(help: ArgumentHelp("Such as STANDARD_IA.", valueName: "class"))
  var storageClass: String?

  @Option(help: ArgumentHelp("Encryption: AES256 or aws:kms.", valueName: "algorithm"))
  var sse: String?

  @Option(help: ArgumentHelp("The key for aws:kms.", valueName: "id"))
  var sseKmsKeyID: String?

  @Option(help: ArgumentHelp("A canned ACL, such as bucket-owner-full-control.", valueName: "name"))
  var acl: String?

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
      throw ValidationError("The last word is the destination, and \(last) is none: \(error)")
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
    guard metadata.allSatisfy({ ($0.firstIndex(of: "=") ?? $0.startIndex) > $0.startIndex }) else {
      throw ValidationError("--metadata is written NAME=VALUE")
    }
  }

  var outlivesTerminal: Bool { true }

  func run(_ context: CommandContext) async throws {
    guard let last = words.last else { return }
    if isStandardInput {
      return try await putStandardInput(try S3URI(parsing: last), context)
    }
    let files = words.dropLast().map { FilePath(argument: $0) }
    let sources = try UploadSources(
      files, to: try S3URI(parsing: last), isRecursive: recursive)
    let session = try await context.openSession()
    try await TransferRunner(session, context, total: sources.knownCount).run(
      sources.trees(attributes: attributes, ifExists: noOverwrite ? .skip : .overwrite))
  }

  /// Without a content type, which then follows from each file's name.
  private var attributes: ObjectAttributes {
    ObjectAttributes(
      contentType: contentType, cacheControl: cacheControl,
      metadata: metadata.map { field in
        let name = field.prefix { $0 != "=" }
        return MetadataField(name: String(name), value: String(field.dropFirst(name.count + 1)))
      },
      tagging: tagging, storageClass: storageClass.map { StorageClass($0) },
      serverSideEncryption: sse, kmsKeyID: sseKmsKeyID, acl: acl)
  }

  /// The size of the parts of standard input, and what their most can hold.
  private var streamPartSize: ByteCount {
    let least = shared.partSize?.count ?? .mebibytes(16)
    let plan = expectedSize.flatMap { try? PartPlan(objectSize: $0.count, preferred: least) }
    return plan?.partSize ?? least
  }

  private func putStandardInput(_ place: S3URI, _ context: CommandContext) async throws {
    let session = try await context.openSession()
    let partSize = streamPartSize
    let most = partSize.bytes * Int64(PartPlan.maximumPartCount)
    context.console.notice(
      "pail: standard input goes up in parts of \(ByteFormat.iec(partSize.bytes)), "
        + "\(ByteFormat.iec(most)) at most")
    var attributes = attributes
    attributes.contentType =
      contentType
      ?? ContentType.guess(fileName: String(decoding: place.key.lastSegment, as: UTF8.self))
    let total = Mutex(ByteCount.zero)
    let result = try await session.service.upload(
      from: .standardInput, to: place.location, attributes: attributes,
      ifExists: noOverwrite ? .skip : .overwrite, partSize: partSize
    ) { arrived in
      let moved = total.withLock { total in
        total += arrived
        return total
      }
      if context.showsProgress {
        context.console.progress("\(ByteFormat.iec(moved.bytes)) uploaded")
      }
    }
    context.console.clearProgress()
    context.warn(result.warning)
    context.reportTransfer(.upload, result)
  }
}
