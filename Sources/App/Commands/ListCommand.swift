import ArgumentParser
import S3
import Storage
import TextUI

struct ListCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "List buckets, or objects under a prefix.",
    discussion: """
      Keys come in the order of their bytes; with --versions in that of the server. Sizes are exact \
      and times in UTC, except on a terminal. With -0 only the keys are written, \
      each ended by NUL. In a key, * stands for any characters, / among them, and ? for one.

      With -r all is listed that begins with the prefix or the pattern, as in `aws s3 ls`: more than \
      get, cp, mv and rm take with -r, to which it means only what is under it.

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
    guard !endsWithNUL || !shared.json else {
      throw ValidationError("-0 writes keys alone, and --json whole objects: choose one")
    }
    try filters.validate(isRecursive: recursive, place.map { [$0] } ?? [], glob)
    guard place != nil || filters.isEmpty else {
      throw ValidationError("--include and --exclude need a bucket: s3://bucket")
    }
  }

  func run(_ context: CommandContext) async throws {
    let session = try await context.openSession()
    var output = ListOutput(
      console: context.console, isJSON: context.isJSON, endsWithNUL: endsWithNUL)
    guard let place else {
      for bucket in try await session.service.buckets() { output.bucket(bucket) }
      try output.flush()
      return
    }
    if versions {
      try await listVersions(of: place, session, &output)
    } else {
      try await listObjects(of: place, session, &output)
    }
    if output.isEmpty { context.console.notice(glob.emptyNotice(place, filters)) }
  }

  /// nil where one level is listed as it is. The prefix need not end in a slash, as in `aws s3 ls`.
  private func selection(_ place: S3URI) -> KeySelection? {
    guard var pattern = glob.pattern(place) else {
      return recursive ? KeySelection(prefix: place.key, filter: filters.filter) : nil
    }
    if recursive { pattern = KeyPattern(bytes: pattern.bytes + [UInt8(ascii: "*")]) }
    return KeySelection(pattern, filter: filters.filter)
  }

  private func listObjects(
    of place: S3URI, _ session: Session, _ output: inout ListOutput
  ) async throws {
    if let selection = selection(place) {
      try await session.forEachPage(of: selection, in: place.bucket) { page in
        for object in page { output.object(object) }
        try output.flush()
      }
      return
    }
    var order = KeyOrder<ListRow<ObjectSummary>>(under: place.key, key: { $0.key })
    var next: ContinuationToken?
    repeat {
      let page = try await session.service.page(
        bucket: place.bucket, prefix: place.key, after: next)
      order.add(page.objects.map { .item($0) } + page.commonPrefixes.map { .prefix($0) })
      next = page.next
      if next == nil { order.end() }
      for row in order.take() {
        switch row {
        case .prefix(let prefix): output.prefix(prefix)
        case .item(let object): output.object(object)
        }
      }
      try output.flush()
    } while next != nil
  }

  private func listVersions(
    of place: S3URI, _ session: Session, _ output: inout ListOutput
  ) async throws {
    let selection = selection(place)
    var next: VersionMarker?
    repeat {
      let page = try await session.service.versionPage(
        bucket: place.bucket, prefix: selection?.prefix ?? place.key,
        isRecursive: selection != nil, after: next)
      for row in ListRow.inKeyOrder(page.versions, page.commonPrefixes, by: \.key) {
        switch row {
        case .prefix(let prefix): output.prefix(prefix)
        case .item(let version):
          if selection?.contains(version.key) ?? true { output.version(version) }
        }
      }
      try output.flush()
      next = page.next
    } while next != nil
  }
}

/// One row of a page; objects or versions and prefixes come as two lists, each in key order.
private enum ListRow<Item: Sendable>: Sendable {
  case item(Item)
  case prefix(ObjectKey)

  static func inKeyOrder(
    _ items: [Item], _ prefixes: [ObjectKey], by key: (Item) -> ObjectKey
  ) -> [ListRow] {
    var rows: [ListRow] = []
    var prefixes = prefixes[...]
    for item in items {
      while let prefix = prefixes.first, prefix < key(item) {
        rows.append(.prefix(prefix))
        prefixes.removeFirst()
      }
      rows.append(.item(item))
    }
    return rows + prefixes.map { .prefix($0) }
  }
}

extension ListRow where Item == ObjectSummary {
  fileprivate var key: ObjectKey {
    switch self {
    case .item(let object): object.key
    case .prefix(let prefix): prefix
    }
  }
}

/// How the rows of a listing are written: a page at a time, as bytes, since there may be millions.
private struct ListOutput {
  let console: Console
  let isJSON: Bool
  /// What ends a row; NUL after keys alone.
  private let end: UInt8
  /// Whole rows that are not written yet.
  private var rows: [UInt8] = []
  private(set) var isEmpty = true
  private var times = ISO8601Writer()

  init(console: Console, isJSON: Bool, endsWithNUL: Bool) {
    self.console = console
    self.isJSON = isJSON
    end = endsWithNUL ? 0 : UInt8(ascii: "\n")
  }

  mutating func bucket(_ bucket: BucketSummary) {
    if isJSON {
      var line = JSONLine()
      line.add("bucket", bucket.name.text)
      line.add("created", bucket.created)
      line.add("region", bucket.region?.text)
      add(line)
    } else {
      if end != 0 { addTime(bucket.created) }
      addName(Array(bucket.name.text.utf8))
    }
  }

  mutating func prefix(_ prefix: ObjectKey) {
    if isJSON {
      var line = JSONLine()
      line.add("prefix", bytes: prefix.bytes)
      add(line)
    } else {
      if end != 0 {
        addTime(nil)
        addSize(nil)
      }
      addName(prefix.bytes)
    }
  }

  mutating func object(_ object: ObjectSummary) {
    if isJSON {
      var line = JSONLine()
      line.add("key", bytes: object.key.bytes)
      line.add("size", object.size.bytes)
      line.add("lastModified", object.lastModified)
      line.add("etag", object.etag?.text)
      line.add("storageClass", object.storageClass?.text)
      add(line)
    } else {
      if end != 0 {
        addTime(object.lastModified)
        addSize(object.size)
      }
      addName(object.key.bytes)
    }
  }

  mutating func version(_ version: ObjectVersion) {
    if isJSON {
      var line = JSONLine()
      line.add("key", bytes: version.key.bytes)
      if !version.isDeleteMarker { line.add("size", version.size.bytes) }
      line.add("lastModified", version.lastModified)
      line.add("etag", version.etag?.text)
      line.add("storageClass", version.storageClass?.text)
      line.add("versionID", version.versionID.text)
      line.add("isLatest", version.isLatest)
      line.add("isDeleteMarker", version.isDeleteMarker)
      add(line)
    } else {
      if end != 0 {
        addTime(version.lastModified)
        addSize(version.isDeleteMarker ? nil : version.size)
        let kind = version.isDeleteMarker ? "deleted" : version.isLatest ? "latest" : "older"
        addColumn(Columns.left(kind, 7))
        addColumn(Columns.left(Visible.text(Array(version.versionID.text.utf8)), 32))
      }
      addName(version.key.bytes)
    }
  }

  /// Hands over the rows so far.
  ///
  /// - Throws: when nobody reads them.
  mutating func flush() throws {
    isEmpty = isEmpty && rows.isEmpty
    console.results(rows)
    rows.removeAll(keepingCapacity: true)
    if console.isClosed || console.failure != nil { throw OutputClosed() }
  }

  // MARK: Columns

  private mutating func add(_ line: JSONLine) {
    rows += line.bytes
    rows.append(UInt8(ascii: "\n"))
  }

  private mutating func addName(_ name: [UInt8]) {
    rows += console.name(name)
    rows.append(end)
  }

  private mutating func addColumn(_ text: String) {
    rows += text.utf8
    addBlanks(2)
  }

  private mutating func addTime(_ time: Timestamp?) {
    guard let time, !console.isOutputTerminal else {
      let width = console.isOutputTerminal ? 16 : 20
      return addColumn(Columns.left(time.map(LocalTime.minutes) ?? "-", width))
    }
    addBlanks(20 - times.append(time, to: &rows) + 2)
  }

  private mutating func addSize(_ size: ByteCount?) {
    guard let size, !console.isOutputTerminal else {
      return addColumn(Columns.right(size.map { ByteFormat.iec($0.bytes) } ?? "-", 12))
    }
    let digits = String(size.bytes).utf8
    addBlanks(12 - digits.count)
    rows += digits
    addBlanks(2)
  }

  private mutating func addBlanks(_ count: Int) {
    for _ in 0..<max(count, 0) { rows.append(UInt8(ascii: " ")) }
  }
}
