import ArgumentParser
import S3
import Storage
import TextUI

struct DiskUsageCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "du",
    abstract: "Add up sizes by prefix.",
    discussion: """
      Writes the size, the number of objects and the prefix, each as soon as it is known, and the \
      total last. Sizes are exact, except on a terminal. Current versions only. s3://reports/2026 \
      means all under s3://reports/2026/, as with rm -r, and only where nothing is there the object \
      of that name; 's3://reports/2026*' means all that begins so.

      Examples:
        pail du s3://reports
        pail du --depth 2 s3://reports/2026/
        pail du --depth 0 's3://logs/*.gz'
      """)

  @Argument(
    help: ArgumentHelp("Where to look.", valueName: "s3://bucket/prefix"),
    transform: S3URI.init(parsing:))
  var places: [S3URI]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Prefixes down to this level; 0 for totals only.", valueName: "levels"))
  var depth = 1

  @OptionGroup var filters: FilterOptions

  @OptionGroup var glob: GlobOption

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func validate() throws {
    guard (0...1024).contains(depth) else {
      throw ValidationError("--depth is 0 or more")
    }
  }

  func run(_ context: CommandContext) async throws {
    let session = try await context.openSession()
    for place in places {
      do {
        try await add(place, session, context)
      } catch  where error.isOfOnePlace {
        context.console.clearProgress()
        context.fail(nil, error)
      }
    }
  }

  /// Writes the sizes of one place.
  private func add(_ place: S3URI, _ session: Session, _ context: CommandContext) async throws {
    let pattern = glob.pattern(place)
    let selection =
      pattern.map { KeySelection($0, filter: filters.filter) }
      ?? KeySelection(prefix: place.prefixUnder, filter: filters.filter)
    var sums = PrefixSums(base: selection.base, depth: depth)
    let progress = CountProgress(context, verb: "objects")
    try await progress.watching(session).forEachPage(of: selection, in: place.bucket) { page in
      for object in page {
        for sum in sums.add(object.key, object.size) { try show(sum, place, context) }
      }
      progress.show(sums.total.objects)
    }
    if pattern == nil, sums.total.objects == 0, let object = try await object(at: place, session) {
      sums.add(object.size)
    }
    context.console.clearProgress()
    for sum in sums.finish() { try show(sum, place, context) }
    try show(sums.total, place, context, isTotal: true)
    if sums.total.objects == 0 {
      let isOneKey = filters.isEmpty && pattern == nil && !place.key.isEmpty
      context.console.notice(
        isOneKey
          ? "pail: nothing is at \(Visible.text(place.bytes)), or under it"
          : glob.emptyNotice(place, filters))
    }
    if !sums.isInOrder {
      context.console.notice(
        "pail: the server lists keys in no order, so a prefix may stand there more than once")
    }
  }

  /// The object of just that name. Filters are for what is under it.
  private func object(at place: S3URI, _ session: Session) async throws -> ObjectSummary? {
    guard !place.key.isEmpty, !place.key.endsWithSlash, filters.isEmpty else { return nil }
    // By listing, which has to be allowed in any case.
    let page = try await session.service.recursivePage(bucket: place.bucket, prefix: place.key)
    return page.objects.first { $0.key == place.key }
  }

  private func show(
    _ sum: PrefixSums.Sum, _ place: S3URI, _ context: CommandContext, isTotal: Bool = false
  ) throws {
    // The place as it was given, so that a pattern shows as one.
    let name = isTotal ? place.bytes : S3URI(bucket: place.bucket, key: sum.prefix).bytes
    if context.isJSON {
      var line = JSONLine()
      line.add("bucket", place.bucket.text)
      line.add("prefix", bytes: isTotal ? place.key.bytes : sum.prefix.bytes)
      line.add("size", sum.size.bytes)
      line.add("objects", Int64(sum.objects))
      line.add("isTotal", isTotal)
      context.console.result(line.bytes)
    } else {
      let isTerminal = context.console.isOutputTerminal
      let size = isTerminal ? ByteFormat.iec(sum.size.bytes) : String(sum.size.bytes)
      let start = "\(Columns.right(size, 15))  \(Columns.right(String(sum.objects), 10))  "
      context.console.result(Array(start.utf8) + context.console.name(name))
    }
    try context.stopWhenClosed()
  }
}

/// Adds up objects that come in key order, by the prefixes that lead to them.
struct PrefixSums {
  struct Sum: Hashable {
    var prefix: ObjectKey
    var size = ByteCount.zero
    var objects = 0

    mutating func add(_ size: ByteCount) {
      self.size += size
      objects += 1
    }
  }

  private(set) var total: Sum
  /// Whether no key has come after a greater one.
  private(set) var isInOrder = true
  private let base: ObjectKey
  private let depth: Int
  /// The prefixes on the way to the last key, the outermost first.
  private var open: [Sum] = []
  private var last: ObjectKey?

  /// - Parameters:
  ///   - base: below it levels are counted; empty, or ends in `/`.
  ///   - depth: 0 or more levels.
  init(base: ObjectKey, depth: Int) {
    self.base = base
    self.depth = depth
    total = Sum(prefix: base)
  }

  /// Adds an object that is in none of the prefixes.
  mutating func add(_ size: ByteCount) { total.add(size) }

  /// - Returns: the prefixes that no later key can be in, the innermost first.
  mutating func add(_ key: ObjectKey, _ size: ByteCount) -> [Sum] {
    if let last, key < last { isInOrder = false }
    last = key
    total.add(size)
    guard depth > 0 else { return [] }
    var done: [Sum] = []
    while let sum = open.last, !key.hasPrefix(sum.prefix) {
      done.append(sum)
      open.removeLast()
    }
    var start = open.last?.prefix.bytes.count ?? base.bytes.count
    while open.count < depth, let slash = key.bytes[start...].firstIndex(of: UInt8(ascii: "/")) {
      start = slash + 1
      open.append(Sum(prefix: ObjectKey(bytes: key.bytes[..<start])))
    }
    for index in open.indices { open[index].add(size) }
    return done
  }

  /// - Returns: the prefixes that are left.
  mutating func finish() -> [Sum] {
    defer { open = [] }
    return open.reversed()
  }
}
