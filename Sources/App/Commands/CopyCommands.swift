import ArgumentParser
import S3
import Storage
import TextUI

struct CopyCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "cp",
    abstract: "Copy objects within the store.",
    usage: CopyingOptions.usage("cp"),
    discussion: """
      The server reads and writes, no byte comes here, and any size will do. Content type, \
      metadata, tags, storage class and encryption come along; an option replaces them. A \
      destination that ends in / means "into". With -r what is under a prefix is copied, \
      s3://reports/2026 being the same as s3://reports/2026/; of several prefixes each keeps its \
      name.

      In a key, * stands for any characters, / among them, and ? for one: quote them, so that the \
      shell leaves them alone. A key that is named exactly so is meant alone.

      Examples:
        pail cp s3://reports/q3.csv s3://archive/2026/
        pail cp -r s3://reports/2026/ s3://archive/2026/ --storage-class GLACIER_IR
        pail cp 's3://logs/2026-*.gz' s3://archive/logs/
      """)

  @OptionGroup var options: CopyingOptions

  @OptionGroup var attributes: AttributeOptions

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  var wayOn: String? { options.wayOn("With --no-overwrite the same command copies the rest.") }

  func run(_ context: CommandContext) async throws {
    try await options.run(
      context, isMove: false, attributes: attributes.attributes, partSize: shared.partSize)
  }
}

struct MoveCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "mv",
    abstract: "Move objects within the store.",
    usage: CopyingOptions.usage("mv"),
    discussion: """
      Copies as pail cp does, and deletes each source once its copy is proven equal by a checksum \
      or an ETag that is one. Where nothing proves it the copy stays, and so does the source.

      Examples:
        pail mv s3://reports/q3.csv s3://reports/2026/q3.csv
        pail mv -r --dry-run s3://inbox/ s3://archive/inbox/
      """)

  @OptionGroup var options: CopyingOptions

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  var wayOn: String? { options.wayOn("The same command moves the rest.") }

  func run(_ context: CommandContext) async throws {
    try await options.run(
      context, isMove: true, attributes: ObjectAttributes(), partSize: shared.partSize)
  }
}

/// What `cp` and `mv` have in common.
struct CopyingOptions: ParsableArguments {
  static func usage(_ command: String) -> String {
    """
    pail \(command) [<options>] <s3://bucket/key> <s3://bucket/key>
    pail \(command) [<options>] <s3://bucket/key> ... <s3://bucket/prefix/>
    """
  }

  @Argument(
    help: ArgumentHelp(
      "What to copy, then where to.", valueName: "s3://bucket/key... s3://bucket/key"),
    transform: CopyingOptions.place)
  var places: [S3URI]

  @Flag(name: .shortAndLong, help: "Everything under the key.")
  var recursive = false

  @Flag(help: "Leave objects that are there already alone.")
  var noOverwrite = false

  @Option(name: .customLong("version-id"), help: ArgumentHelp("This version.", valueName: "id"))
  var versionID: String?

  @Flag(name: .shortAndLong, help: "Say what would happen, and change nothing.")
  var dryRun = false

  @OptionGroup var filters: FilterOptions

  @OptionGroup var glob: GlobOption

  private var sources: [S3URI] { Array(places.dropLast()) }

  /// - Parameter many: for what may be half done.
  func wayOn(_ many: String) -> String? {
    let isOne = !recursive && sources.count == 1 && glob.pattern(sources[0]) == nil
    return isOne || dryRun ? nil : many
  }

  /// Whoever comes from `aws s3 cp` may name a file.
  private static func place(_ argument: String) throws(ArgumentProblem) -> S3URI {
    guard argument.hasPrefix("s3:") else {
      throw ArgumentProblem(
        "both ends are in the store here; pail put uploads files, and pail get downloads objects")
    }
    return try S3URI(parsing: argument)
  }

  func validate() throws {
    guard places.count >= 2, let destination = places.last else {
      throw ValidationError(
        "a source and a destination are needed: s3://bucket/key s3://bucket/key")
    }
    if versionID != nil, recursive || sources.count != 1 {
      throw ValidationError("--version-id goes with one key, and not with --recursive")
    }
    if !recursive, let place = sources.first(where: \.key.isEmpty) {
      throw ValidationError(
        "s3://\(place.bucket) is a bucket: add a key, or use -r for all objects in it")
    }
    let isInto = destination.key.isEmpty || destination.key.endsWithSlash
    if !recursive, !isInto,
      sources.count > 1 || sources.contains(where: { glob.pattern($0) != nil })
    {
      throw ValidationError("several objects need a destination that ends in /")
    }
    try filters.validate(isRecursive: recursive, sources, glob)
  }

  func run(
    _ context: CommandContext, isMove: Bool, attributes: ObjectAttributes, partSize: SizeArgument?
  ) async throws {
    guard let destination = places.last else { return }
    let session = try await context.openSession()
    var meant: [(S3URI, KeyTarget)] = []
    for place in sources {
      let target: KeyTarget =
        if recursive {
          .recursive(place, glob, filters.filter)
        } else if versionID != nil {
          .key(place)
        } else {
          try await .single(place, glob, filters.filter, session)
        }
      meant.append((place, target))
    }
    var sources = try CopySources(
      meant, versionID: versionID.map { VersionID($0) }, to: destination,
      isRecursive: recursive, session)
    var options = CopyOptions(
      ifExists: noOverwrite ? .skip : .overwrite, attributes: attributes)
    if let partSize { options.multipartThreshold = partSize.count }
    let runner = CopyRunner(context, session, options, isMove: isMove, isDryRun: dryRun)
    try await runner.run { try await sources.next() }
  }
}

/// The objects that `cp` and `mv` name, each with what it becomes.
struct CopySources {
  /// The size as a listing tells it; nil where none was asked.
  typealias Pair = (source: ObjectLocation, destination: ObjectLocation, size: ByteCount?)

  private enum Source {
    case key(ObjectLocation, ObjectKey)
    /// - Parameter skipped: how many bytes of a key the destination's key replaces.
    case selection(S3URI, KeySelection, skipped: Int)
  }

  private let bucket: BucketName
  /// What the new keys begin with.
  private let base: ObjectKey
  private let session: Session
  private var sources: ArraySlice<Source>

  private var page: ArraySlice<ObjectSummary> = []
  private var next: ContinuationToken?
  private var hasBegun = false
  private var found = 0

  /// - Throws: when two objects would become one, or a prefix would be copied into itself.
  init(
    _ places: [(S3URI, KeyTarget)], versionID: VersionID?, to destination: S3URI,
    isRecursive: Bool, _ session: Session
  ) throws(CommandFailure) {
    bucket = destination.bucket
    self.session = session
    let isInto =
      destination.key.isEmpty || destination.key.endsWithSlash || isRecursive
      || places.contains { if case .selection = $0.1 { true } else { false } }
    var base = destination.key
    if isInto, !base.isEmpty, !base.endsWithSlash { base = base + ObjectKey("/") }
    self.base = base
    var seen: [ObjectKey: S3URI] = [:]
    var sources: [Source] = []
    for (place, target) in places {
      switch target {
      case .key(let key):
        let name = isInto ? base + ObjectKey(bytes: key.key.lastSegment) : base
        if let other = seen.updateValue(key, forKey: name) {
          throw CommandFailure(
            "\(Visible.text(other.bytes)) and \(Visible.text(key.bytes)) would become one object",
            recovery: "Copy them to different prefixes.")
        }
        var location = key.location
        location.versionID = versionID
        sources.append(.key(location, name))
      case .selection(_, let selection):
        if selection.pattern == nil, place.bucket == bucket, base.hasPrefix(selection.prefix) {
          throw CommandFailure(
            "\(Visible.text(place.bytes)) cannot be copied into itself",
            recovery: "Name another destination.")
        }
        let keepsName = places.count > 1 && selection.pattern == nil
        let start = keepsName ? selection.base.parentPrefix : selection.base
        sources.append(.selection(place, selection, skipped: start.bytes.count))
      }
    }
    self.sources = sources[...]
  }

  /// - Throws: ``CommandFailure`` for a place where there is nothing, and what a listing throws.
  mutating func next() async throws -> Pair? {
    while let source = sources.first {
      switch source {
      case .key(let location, let key):
        sources.removeFirst()
        return (location, ObjectLocation(bucket: bucket, key: key), nil)
      case .selection(let place, let selection, let skipped):
        if let object = page.popFirst() {
          found += 1
          let key = base + ObjectKey(bytes: object.key.bytes.dropFirst(skipped))
          return (
            ObjectLocation(bucket: place.bucket, key: object.key),
            ObjectLocation(bucket: bucket, key: key), object.size
          )
        }
        guard !hasBegun || next != nil else {
          let isEmpty = found == 0
          sources.removeFirst()
          (hasBegun, found) = (false, 0)
          guard !isEmpty else { throw CommandFailure.nothing(at: place, selection) }
          continue
        }
        let listed = try await session.service.recursivePage(
          bucket: place.bucket, prefix: selection.prefix, after: next)
        hasBegun = true
        next = listed.next
        // What lies in the destination may match as well: copies are not copied again.
        let leavesOut = place.bucket == bucket && !base.isEmpty
        page =
          listed.objects.filter { object in
            selection.contains(object.key) && !(leavesOut && object.key.hasPrefix(base))
          }[...]
      }
    }
    return nil
  }
}

/// Copies or moves pairs, some at a time, and tells of each.
struct CopyRunner {
  private static let atOnce = 16

  private let context: CommandContext
  private let service: S3Service
  private let options: CopyOptions
  private let isMove: Bool
  private let isDryRun: Bool

  init(
    _ context: CommandContext, _ session: Session, _ options: CopyOptions, isMove: Bool,
    isDryRun: Bool
  ) {
    self.context = context
    service = session.service
    self.options = options
    self.isMove = isMove
    self.isDryRun = isDryRun
  }

  /// - Throws: what `next` throws, once what is under way has ended; `CancellationError`.
  func run(_ next: () async throws -> CopySources.Pair?) async throws {
    let progress = CountProgress(context, verb: isMove ? "moved" : "copied")
    var isAtEnd = false
    var failure: (any Error)?
    var done = 0
    while !isAtEnd, failure == nil, !Task.isCancelled {
      var pairs: [CopySources.Pair] = []
      do {
        while pairs.count < Self.atOnce * 8 {
          guard let pair = try await next() else {
            isAtEnd = true
            break
          }
          pairs.append(pair)
        }
      } catch {
        failure = error
      }
      done += await run(pairs) { [done] in progress.show(done + $0) }
    }
    context.console.clearProgress()
    if let failure { throw failure }
    try Task.checkCancellation()
  }

  private enum Ended: Sendable {
    case looked(ByteCount, FoundThere)
    case copied(CopyResult)
    case failed(StorageError)
  }

  /// Tells of the pairs in their order.
  private func run(
    _ pairs: [CopySources.Pair], _ progress: @escaping @Sendable (Int) -> Void
  ) async -> Int {
    await withTaskGroup(of: (Int, Ended).self) { tasks in
      var ends: [Int: Ended] = [:]
      var next = 0
      var told = 0
      while told < pairs.count {
        while next < pairs.count, next - told < Self.atOnce * 4,
          next - ends.count - told < Self.atOnce
        {
          let (index, pair) = (next, pairs[next])
          tasks.addTask { (index, await work(pair)) }
          next += 1
        }
        guard let (index, end) = await tasks.next() else { break }
        ends[index] = end
        while let end = ends.removeValue(forKey: told) {
          tell(pairs[told], end)
          told += 1
        }
        progress(told)
      }
      return told
    }
  }

  private func work(_ pair: CopySources.Pair) async -> Ended {
    do throws(StorageError) {
      if isDryRun {
        let size =
          if let size = pair.size { size } else { try await service.details(pair.source).size }
        return .looked(size, try await look(pair.destination))
      }
      let result =
        isMove
        ? try await service.move(pair.source, to: pair.destination, options: options)
        : try await service.copy(pair.source, to: pair.destination, options: options)
      return .copied(result)
    } catch {
      return .failed(error)
    }
  }

  private func look(_ destination: ObjectLocation) async throws(StorageError) -> FoundThere {
    do {
      _ = try await service.details(destination)
      return options.ifExists == .skip ? .skipped : .replaced
    } catch  where error.kind == .noSuchKey {
      return .none
    }
  }

  private func tell(_ pair: CopySources.Pair, _ end: Ended) {
    let from = S3URI(bucket: pair.source.bucket, key: pair.source.key).bytes
    let to = S3URI(bucket: pair.destination.bucket, key: pair.destination.key).bytes
    switch end {
    case .looked(let size, let found):
      context.wouldMove(isMove ? "move" : "copy", from, to: to, size: size, existing: found)
    case .failed(let error) where error.isCancellation: break
    case .failed(let error): context.fail(from, error)
    case .copied(let result):
      context.warn(result.warning)
      context.report(result, from, to)
    }
  }
}

extension CommandContext {
  /// One line for an object that was copied, moved or skipped.
  fileprivate func report(_ result: CopyResult, _ from: [UInt8], _ to: [UInt8]) {
    if isJSON {
      var line = JSONLine()
      line.add("action", result.isMoved ? "move" : "copy")
      line.add("from", bytes: from)
      line.add("to", bytes: to)
      line.add("size", result.size.bytes)
      line.add("etag", result.etag?.text)
      line.add("versionID", result.destination.versionID?.text)
      line.add("checksum", result.checksum)
      line.add("isVerified", result.proof != nil)
      line.add("skipped", result.isSkipped)
      console.result(line.bytes)
      return
    }
    if result.isSkipped {
      console.confirmation(
        Array("Skipped ".utf8) + console.name(to) + Array(", which is there already".utf8))
      return
    }
    let doubt = result.proof == nil ? ", not verified" : ""
    console.confirmation(
      Array((result.isMoved ? "Moved " : "Copied ").utf8) + console.name(from)
        + Array(" to ".utf8) + console.name(to) + Array(doubt.utf8))
  }
}
