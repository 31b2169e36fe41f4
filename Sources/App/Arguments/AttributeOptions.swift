import ArgumentParser
import S3
import Storage

/// What an object that is written is given beside its bytes.
struct AttributeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Without it put guesses it by the name, and cp keeps it.", valueName: "type"),
    transform: TextArgument.filled)
  var contentType: String?

  @Option(
    help: ArgumentHelp("Sent with every download.", valueName: "directives"),
    transform: TextArgument.text)
  var cacheControl: String?

  @Option(
    help: ArgumentHelp("Kept with the object; may be repeated.", valueName: "name=value"),
    transform: TextArgument.text)
  var metadata: [String] = []

  @Option(
    help: ArgumentHelp("Tags, as project=atlas&owner=ana.", valueName: "tags"),
    transform: TextArgument.text)
  var tagging: String?

  @Option(
    help: ArgumentHelp("Such as STANDARD_IA.", valueName: "class"),
    transform: TextArgument.filled)
  var storageClass: String?

  @Option(
    help: ArgumentHelp("Encryption: AES256 or aws:kms.", valueName: "algorithm"),
    transform: TextArgument.filled)
  var sse: String?

  @Option(
    help: ArgumentHelp("The key for aws:kms.", valueName: "id"),
    transform: TextArgument.filled)
  var sseKmsKeyID: String?

  @Option(
    help: ArgumentHelp("A canned ACL, such as bucket-owner-full-control.", valueName: "name"),
    transform: TextArgument.filled)
  var acl: String?

  /// Source: S3 API Reference, PutObject, `x-amz-server-side-encryption`.
  private static let algorithms = ["AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"]

  func validate() throws {
    // Some stores take any word, and encrypt nothing.
    if let sse, !Self.algorithms.contains(sse) {
      throw ValidationError("--sse is one of \(Self.algorithms.joined(separator: ", "))")
    }
    if sseKmsKeyID != nil, sse?.hasPrefix("aws:kms") != true {
      throw ValidationError("--sse-kms-key-id needs --sse aws:kms")
    }
    guard metadata.allSatisfy({ ($0.firstIndex(of: "=") ?? $0.startIndex) > $0.startIndex }) else {
      throw ValidationError("--metadata is written NAME=VALUE")
    }
    var names: Set<String> = []
    for field in attributes.metadata where !names.insert(field.name.lowercased()).inserted {
      // They are headers, in which capitals make no difference.
      throw ValidationError("--metadata names \(field.name) twice")
    }
  }

  /// Without a content type where none was given.
  var attributes: ObjectAttributes {
    ObjectAttributes(
      contentType: contentType, cacheControl: cacheControl,
      metadata: metadata.map { field in
        let name = field.prefix { $0 != "=" }
        return MetadataField(name: String(name), value: String(field.dropFirst(name.count + 1)))
      },
      tagging: tagging, storageClass: storageClass.map { StorageClass($0) },
      serverSideEncryption: sse, kmsKeyID: sseKmsKeyID, acl: acl)
  }
}
