import ArgumentParser
import S3
import Storage
import SystemPackage

struct PutCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Upload files and folders.",
    discussion: """
      A destination that ends in / means "into"; otherwise it is the key itself. With -r what is \
      inside a folder is uploaded; with several sources each folder keeps its name. An object that \
      is there already is replaced, unless --no-overwrite is given.

      Examples:
        pail put report.csv s3://reports/2026/
        pail put report.csv s3://reports/2026/q3.csv
        pail put -r site/ s3://assets/www/
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

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func validate() throws {
    guard words.count >= 2, let last = words.last else {
      throw ValidationError("put needs a file and a destination: pail put FILE s3://bucket/")
    }
    do {
      _ = try S3URI(parsing: last)
    } catch {
      throw ValidationError("The last word is the destination, and \(last) is none: \(error)")
    }
    guard metadata.allSatisfy({ ($0.firstIndex(of: "=") ?? $0.startIndex) > $0.startIndex }) else {
      throw ValidationError("--metadata is written NAME=VALUE")
    }
  }

  var outlivesTerminal: Bool { true }

  func run(_ context: CommandContext) async throws {
    guard let last = words.last else { return }
    let files = words.dropLast().map { FilePath(argument: $0) }
    let sources = try UploadSources(
      files, to: try S3URI(parsing: last), isRecursive: recursive)
    let session = try await context.openSession()
    var rest = sources.makeIterator()
    try await TransferRunner(session, context, total: sources.knownCount).run {
      while let source = await rest.next() {
        switch source {
        case .file(let path, let location):
          return .upload(
            path, to: location, attributes: attributes(for: path),
            ifExists: noOverwrite ? .skip : .overwrite)
        case .leftOut(let path, let error): context.fail(path.bytes, error)
        }
      }
      return nil
    }
  }

  private func attributes(for file: FilePath) -> ObjectAttributes {
    ObjectAttributes(
      contentType: contentType ?? ContentType.guess(fileName: file.lastComponent?.string ?? ""),
      cacheControl: cacheControl,
      metadata: metadata.map { field in
        let name = field.prefix { $0 != "=" }
        return MetadataField(name: String(name), value: String(field.dropFirst(name.count + 1)))
      },
      tagging: tagging, storageClass: storageClass.map { StorageClass($0) },
      serverSideEncryption: sse, kmsKeyID: sseKmsKeyID, acl: acl)
  }
}
