import ArgumentParser
import S3
import Storage
import TextUI

struct ListCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "List buckets, or objects under a prefix.",
    discussion: """
      Sizes are exact and times in UTC, except on a terminal. With -0 only the keys are written, \
      each ended by NUL. In a key, * stands for any characters, / among them, and ? for one.

      Examples:
        pail ls
        pail ls s3://reports/2026/
        pail ls -r --json s3://reports
        pail ls 's3://logs/2026-*.gz'
      """)

  @Argument(
    help: ArgumentHelp("Where to look; all buckets without it.", valueName: "s3://bucket/prefix"),
    transform: S3URI.init(parsing:))
  var place: S3URI?

  @Flag(name: .shortAndLong, help: "All objects below, not only the next level.")
  var recursive = false

  @Flag(help: "Versions and delete markers too.")
  var versions = false

  @Flag(name: .customShort("0"), help: "Only the keys, each ended by NUL.")
  var endsWithNUL = false

  @OptionGroup var filters: FilterOptions

  @OptionGroup var glob: GlobOption

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func validate() throws {
    guard place != nil || !(recursive || versions) else {
      throw ValidationError("--recursive and --versions need a bucket: s3://bucket")
    }
    try filters.validate(isRecursive: recursive, place.map { [$0] } ?? [], glob)
    guard place != nil || filters.isEmpty else {
      throw ValidationError("--include and --exclude need a bucket: s3://bucket")
    }
  }

  func run(_ context: CommandContext) async throws {
    let session = try await context.openSession()
    let output = ListOutput(
      console: context.console, isJSON: context.isJSON, endsWithNUL: endsWithNUL)
    guard let place else {
      for bucket in try await session.service.buckets() { try output.bucket(bucket) }
      return
    }
    if versions {
      try await listVersions(of: place, session, output)
    } else {
      try await listObjects(of: place, session, output)
    }
  }

  /// nil where one level is listed as it is.
  private func selection(_ place: S3URI) -> KeySelection? {
    if let pattern = glob.pattern(place), !recursive {
      return KeySelection(pattern, filter: filters.filter)
    }
    guard recursive,
      case .selection(_, let selection) =
        KeyTarget.recursive(place, glob, filters.filter)
    else { return nil }
    return selection
  }

  private func listObjects(
    of place: S3URI, _ session: Session, _ output: ListOutput
  ) async throws {
    if let selection = selection(place) {
      try await session.forEachPage(of: selection, in: place.bucket) { page in
        for object in page { try output.object(object) }
      }
      return
    }
    var next: ContinuationToken?
    repeat {
      let page = try await session.service.page(
        bucket: place.bucket, prefix: place.key, after: next)
      for row in ListRow.inKeyOrder(page) {
        switch row {
        case .prefix(let prefix): try output.prefix(prefix)
        case .object(let object): try output.object(object)
        }
      }
      next = page.next
    } while next != nil
  }

  private func listVersions(
    of place: S3URI, _ session: Session, _ output: ListOutput
  ) async throws {
    let selection = selection(place)
    var next: VersionMarker?
    repeat {
      let page = try await session.service.versionPage(
        bucket: place.bucket, prefix: selection?.prefix ?? place.key,
        isRecursive: selection != nil, after: next)
      for prefix in page.commonPrefixes { try output.prefix(prefix) }
      for version in page.versions where selection?.contains(version.key) ?? true {
        try output.version(version)
      }
      next = page.next
    } while next != nil
  }
}

/// One row of a page; objects and prefixes come as two lists, each in key order.
private enum ListRow {
  case object(ObjectSummary)
  case prefix(ObjectKey)

  static func inKeyOrder(_ page: ObjectPage) -> [ListRow] {
    var rows: [ListRow] = []
    var prefixes = page.commonPrefixes[...]
    for object in page.objects {
      while let prefix = prefixes.first, prefix < object.key {
        rows.append(.prefix(prefix))
        prefixes.removeFirst()
      }
      rows.append(.object(object))
    }
    return rows + prefixes.map { .prefix($0) }
  }
}

/// How the rows of a listing are written.
private struct ListOutput {
  var console: Console
  var isJSON: Bool
  var endsWithNUL: Bool

  func bucket(_ bucket: BucketSummary) throws {
    if isJSON {
      var line = JSONLine()
      line.add("bucket", bucket.name.text)
      line.add("created", bucket.created)
      line.add("region", bucket.region?.text)
      console.result(line.bytes)
    } else {
      write(columns: [time(bucket.created)], name: Array(bucket.name.text.utf8))
    }
    try stopWhenClosed()
  }

  func prefix(_ prefix: ObjectKey) throws {
    if isJSON {
      var line = JSONLine()
      line.add("prefix", bytes: prefix.bytes)
      console.result(line.bytes)
    } else {
      write(columns: [time(nil), size(nil)], name: prefix.bytes)
    }
    try stopWhenClosed()
  }

  func object(_ object: ObjectSummary) throws {
    if isJSON {
      var line = JSONLine()
      line.add("key", bytes: object.key.bytes)
      line.add("size", object.size.bytes)
      line.add("lastModified", object.lastModified)
      line.add("etag", object.etag?.text)
      line.add("storageClass", object.storageClass?.text)
      console.result(line.bytes)
    } else {
      write(columns: [time(object.lastModified), size(object.size)], name: object.key.bytes)
    }
    try stopWhenClosed()
  }

  func version(_ version: ObjectVersion) throws {
    if isJSON {
      var line = JSONLine()
      line.add("key", bytes: version.key.bytes)
      if !version.isDeleteMarker { line.add("size", version.size.bytes) }
      line.add("lastModified", version.lastModified)
      line.add("etag", version.etag?.text)
      line.add("versionID", version.versionID.text)
      line.add("isLatest", version.isLatest)
      line.add("isDeleteMarker", version.isDeleteMarker)
      console.result(line.bytes)
    } else {
      let kind = version.isDeleteMarker ? "deleted" : version.isLatest ? "latest" : "older"
      write(
        columns: [
          time(version.lastModified), size(version.isDeleteMarker ? nil : version.size),
          Columns.left(kind, 7), Columns.left(Visible.text(Array(version.versionID.text.utf8)), 32),
        ],
        name: version.key.bytes)
    }
    try stopWhenClosed()
  }

  private func write(columns: [String], name: [UInt8]) {
    if endsWithNUL {
      console.result(name, end: 0)
    } else {
      let start = columns.map { $0 + "  " }.joined()
      console.result(Array(start.utf8) + console.name(name))
    }
  }

  private func time(_ time: Timestamp?) -> String {
    console.isOutputTerminal
      ? Columns.left(time.map(LocalTime.minutes) ?? "-", 16)
      : Columns.left(time?.iso8601 ?? "-", 20)
  }

  private func size(_ size: ByteCount?) -> String {
    guard let size else { return Columns.right("-", 12) }
    return Columns.right(
      console.isOutputTerminal ? ByteFormat.iec(size.bytes) : String(size.bytes), 12)
  }

  private func stopWhenClosed() throws {
    if console.isClosed || console.failure != nil { throw OutputClosed() }
  }
}
