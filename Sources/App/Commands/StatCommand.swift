import ArgumentParser
import S3
import Storage
import TextUI

struct StatCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract: "Show what is known of an object.",
    discussion: """
      Examples:
        pail stat s3://reports/2026/q3.csv
        pail stat --json s3://reports/2026/q3.csv
      """)

  @Argument(
    help: ArgumentHelp("The object.", valueName: "s3://bucket/key"),
    transform: S3URI.object(parsing:))
  var place: S3URI

  @Option(
    name: .customLong("version-id"), help: ArgumentHelp("This version.", valueName: "id"),
    transform: VersionID.named)
  var versionID: VersionID?

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func run(_ context: CommandContext) async throws {
    let session = try await context.openSession()
    var location = place.location
    location.versionID = versionID
    let object = try await session.service.details(location)
    if context.isJSON {
      context.console.result(json(object).bytes)
    } else {
      for (name, value) in rows(object) {
        context.console.result(
          Array(Columns.left(name, 16).utf8) + context.console.name(value))
      }
    }
  }

  private func json(_ object: ObjectMetadata) -> JSONLine {
    var line = JSONLine()
    line.add("bucket", place.bucket.text)
    line.add("key", bytes: place.key.bytes)
    line.add("size", object.size.bytes)
    line.add("lastModified", object.lastModified)
    line.add("etag", object.etag?.text)
    line.add("versionID", object.versionID?.text)
    line.add("storageClass", object.storageClass?.text)
    line.add("contentType", object.contentType)
    line.add("contentEncoding", object.contentEncoding)
    line.add("cacheControl", object.cacheControl)
    line.add("serverSideEncryption", object.serverSideEncryption)
    line.add("checksum", object.checksum)
    var metadata = JSONLine()
    for field in object.metadata { metadata.add(field.name, field.value) }
    line.add("metadata", metadata)
    return line
  }

  private func rows(_ object: ObjectMetadata) -> [(String, [UInt8])] {
    var rows: [(String, [UInt8])] = [("object", place.bytes)]
    func add(_ name: String, _ value: String?) {
      if let value { rows.append((name, Array(value.utf8))) }
    }
    let size = "\(object.size.bytes) bytes"
    add(
      "size", object.size.bytes < 1024 ? size : "\(size) (\(ByteFormat.iec(object.size.bytes)))")
    add("modified", object.lastModified.map(LocalTime.seconds))
    add("etag", object.etag?.text)
    add("version", object.versionID?.text)
    add("class", object.storageClass?.text)
    add("content type", object.contentType)
    add("encoding", object.contentEncoding)
    add("cache control", object.cacheControl)
    add("encryption", object.serverSideEncryption)
    add("checksum", object.checksum)
    for field in object.metadata { add("meta \(field.name)", field.value) }
    return rows
  }
}
