import ArgumentParser
import S3
import Storage
import TextUI

struct StatCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract: "Show what is known of an object.",
    discussion: """
      Of an archived object that is being restored, or is for a while, restore says so. The time is in \
      UTC, except on a terminal.

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
      for (name, value) in rows(object, isForPerson: context.console.isOutputTerminal) {
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
    line.add("contentDisposition", object.contentDisposition)
    line.add("contentLanguage", object.contentLanguage)
    line.add("cacheControl", object.cacheControl)
    line.add("expires", object.expires)
    line.add("serverSideEncryption", object.serverSideEncryption)
    line.add("kmsKeyID", object.kmsKeyID)
    line.add("checksum", object.checksum)
    line.add("restore", object.restoration)
    line.add("tagCount", object.tagCount.map { Int64($0) })
    var metadata = JSONLine()
    for field in object.metadata { metadata.add(field.name, field.value) }
    line.add("metadata", metadata)
    return line
  }

  /// - Parameter isForPerson: whether times are local, and not in UTC.
  private func rows(_ object: ObjectMetadata, isForPerson: Bool) -> [(String, [UInt8])] {
    var rows: [(String, [UInt8])] = [("object", place.bytes)]
    func add(_ name: String, _ value: String?) {
      if let value { rows.append((name, Array(value.utf8))) }
    }
    let size = "\(Count(object.size.bytes, "byte"))"
    add(
      "size", object.size.bytes < 1024 ? size : "\(size) (\(ByteFormat.iec(object.size.bytes)))")
    add("modified", object.lastModified.map { isForPerson ? LocalTime.seconds($0) : $0.iso8601 })
    add("etag", object.etag?.text)
    add("version", object.versionID?.text)
    add("class", object.storageClass?.text)
    add("content type", object.contentType)
    add("encoding", object.contentEncoding)
    add("disposition", object.contentDisposition)
    add("language", object.contentLanguage)
    add("cache control", object.cacheControl)
    add("expires", object.expires)
    add("encryption", object.serverSideEncryption)
    add("KMS key", object.kmsKeyID)
    add("checksum", object.checksum)
    add("restore", object.restoration)
    add("tags", object.tagCount.map { "\($0)" })
    for field in object.metadata { add("meta \(field.name)", field.value) }
    return rows
  }
}
