import ArgumentParser
import S3
import Storage
import Synchronization

/// `--include` and `--exclude`, whose order on the command line matters.
struct FilterOptions: ParsableArguments {
  /// A pattern, and its place among all of them: the parser keeps two options apart.
  struct Ordered: Sendable {
    private static let count = Atomic(0)

    let pattern: KeyPattern
    let place: Int

    /// Called in the order of the arguments.
    ///
    /// - Throws: for an empty one, which matches no name, and so leaves nothing out of a deletion.
    init(_ argument: String) throws(ArgumentProblem) {
      guard !argument.isEmpty else { throw ArgumentProblem("the pattern is empty") }
      pattern = KeyPattern(bytes: RawArguments.bytes(of: argument))
      place = Self.count.add(1, ordering: .relaxed).newValue
    }
  }

  @Option(
    help: ArgumentHelp(
      "Take names that match after all, behind an --exclude; the last that matches decides.",
      valueName: "pattern"),
    transform: Ordered.init)
  var include: [Ordered] = []

  @Option(
    help: ArgumentHelp(
      "Leave out names that match, * for any characters, ? for one.", valueName: "pattern"),
    transform: Ordered.init)
  var exclude: [Ordered] = []

  var isEmpty: Bool { include.isEmpty && exclude.isEmpty }

  /// - Throws: where an `--include` comes first. It leaves nothing out, and whoever knows s5cmd means
  ///   by it that nothing else is taken.
  func validate() throws {
    guard let first = include.first, exclude.allSatisfy({ first.place < $0.place }) else { return }
    let quoted = Self.quoted(first.pattern.bytes)
    throw ValidationError(
      "--include \(quoted) comes first and leaves nothing out. To take only what matches it write "
        + "--exclude '*' --include \(quoted)")
  }

  /// A pattern as a shell takes it.
  static func quoted(_ pattern: [UInt8]) -> String {
    // Within single quotes a POSIX shell reads every character as itself.
    "'\(Visible.text(pattern).replacing("'", with: "'\\''"))'"
  }

  /// - Throws: where there is only one key, which needs no filter.
  func validate(isRecursive: Bool, _ places: [S3URI], _ glob: GlobOption) throws {
    if !isEmpty, !isRecursive, places.contains(where: { glob.pattern($0) == nil }) {
      throw ValidationError("--include and --exclude go with --recursive or a pattern")
    }
  }

  var filter: KeyFilter {
    let rules =
      include.map { ($0.place, KeyFilter.Rule($0.pattern, isIncluded: true)) }
      + exclude.map { ($0.place, KeyFilter.Rule($0.pattern, isIncluded: false)) }
    return KeyFilter(rules.sorted { $0.0 < $1.0 }.map(\.1))
  }
}

/// `--no-glob`, and what a place means with or without it.
struct GlobOption: ParsableArguments {
  @Flag(
    name: [.customLong("no-glob"), .customLong("raw")],
    help: "Take * and ? in a key as they are.")
  var noGlob = false

  /// The pattern that `place` is.
  func pattern(_ place: S3URI) -> KeyPattern? {
    let pattern = KeyPattern(bytes: place.key.bytes)
    return noGlob || !pattern.hasWildcard ? nil : pattern
  }

  /// What a hint to give the same command again has to add: an object that was meant by its name may
  /// be gone then.
  func hint(toRepeat places: [S3URI]) -> String {
    places.contains { pattern($0) != nil }
      ? " Where a key of just that name was meant, add --no-glob." : ""
  }

  /// What to say where a listing of `place` shows nothing.
  func emptyNotice(_ place: S3URI, _ filters: FilterOptions) -> String {
    let shown = Visible.text(place.bytes)
    guard filters.isEmpty else { return "pail: the filters leave nothing of \(shown)" }
    if pattern(place) != nil { return "pail: nothing matches \(shown)" }
    return "pail: " + (place.key.isEmpty ? "\(shown) is empty" : "nothing begins with \(shown)")
  }
}

extension S3URI {
  /// Of everything under the key: as in `aws s3`, `s3://b/foo` means `s3://b/foo/`.
  var prefixUnder: ObjectKey {
    key.isEmpty || key.endsWithSlash ? key : key + ObjectKey("/")
  }
}

/// What one place on the command line means.
enum KeyTarget: Sendable, Hashable {
  case key(S3URI)
  case selection(BucketName, KeySelection)

  /// Everything under the key, as in `aws s3`: `s3://b/foo` means `s3://b/foo/`, and never
  /// `foobar`. Of a pattern everything under what matches it.
  static func recursive(_ place: S3URI, _ glob: GlobOption, _ filter: KeyFilter) -> KeyTarget {
    let under = place.prefixUnder
    guard let pattern = glob.pattern(place) else {
      return .selection(place.bucket, KeySelection(prefix: under, filter: filter))
    }
    let star = UInt8(ascii: "*")
    let whole = pattern.bytes.last == star ? pattern.bytes : under.bytes + [star]
    return .selection(place.bucket, KeySelection(KeyPattern(bytes: whole), filter: filter))
  }

  /// One key, or what matches it where it is a pattern. A key that is named exactly so wins, so
  /// that it can be reached, and nothing else is taken for it.
  ///
  /// - Parameter withVersions: whether a key of which only older versions are left is there too.
  static func single(
    _ place: S3URI, _ glob: GlobOption, _ filter: KeyFilter, _ session: Session,
    withVersions: Bool = false
  ) async throws(StorageError) -> KeyTarget {
    guard let pattern = glob.pattern(place) else { return .key(place) }
    // By listing, which a pattern needs to be allowed in any case.
    let isThere =
      withVersions
      ? try await session.service.hasVersions(of: place.key, in: place.bucket)
      : try await session.service.recursivePage(bucket: place.bucket, prefix: place.key)
        .objects.first?.key == place.key
    let selection = KeySelection(pattern, filter: filter)
    guard isThere else { return .selection(place.bucket, selection) }
    // It is meant alone, and where it is left out nothing is.
    return selection.contains(place.key)
      ? .key(place) : .selection(place.bucket, KeySelection(pattern, filter: .none))
  }

  /// What each of `places` means. One that cannot be looked at is told to `context`, and is none of
  /// them.
  ///
  /// - Parameter removes: whether what is meant will be gone, and the same words a pattern then.
  /// - Throws: what is about more than one place: the line, the keys, an interruption.
  static func each(
    of places: [S3URI], isRecursive: Bool, withVersions: Bool = false, removes: Bool = false,
    _ glob: GlobOption, _ filter: KeyFilter, _ session: Session, _ context: CommandContext
  ) async throws(StorageError) -> [(S3URI, KeyTarget)] {
    var meant: [(S3URI, KeyTarget)] = []
    for place in places {
      do throws(StorageError) {
        let target =
          isRecursive
          ? recursive(place, glob, filter)
          : try await single(place, glob, filter, session, withVersions: withVersions)
        if removes, case .key = target, glob.pattern(place) != nil {
          context.console.notice(
            "pail: \(Visible.text(place.bytes)) is there under just that name, and is meant alone. "
              + "Once it is gone the same words are a pattern; with --no-glob they stay the name.")
        }
        meant.append((place, target))
      } catch  where error.isOfOnePlace {
        context.fail(place.bytes, error)
      }
    }
    return meant
  }
}

extension CommandFailure {
  /// What `place` means holds nothing.
  static func nothing(at place: S3URI, _ selection: KeySelection) -> CommandFailure {
    let shown = Visible.text(place.bytes)
    guard selection.filter.rules.isEmpty else {
      return CommandFailure("The filters leave nothing of \(shown)")
    }
    if let pattern = selection.pattern {
      guard pattern.bytes != place.key.bytes else {
        return CommandFailure("Nothing matches \(shown)")
      }
      return CommandFailure(
        "Nothing is under what matches \(shown)",
        recovery: "Without -r the pattern means the objects themselves.")
    }
    let prefix = S3URI(bucket: place.bucket, key: selection.prefix)
    return CommandFailure(
      "Nothing is under \(Visible.text(prefix.bytes))",
      recovery: place.key == selection.prefix
        ? nil : "Without -r \(Visible.text(place.bytes)) means that one object.")
  }
}

extension Session {
  /// Calls `body` with each page of what `selection` contains, in key order.
  func forEachPage(
    of selection: KeySelection, in bucket: BucketName,
    _ body: ([ObjectSummary]) async throws -> Void
  ) async throws {
    let listing = service.recursiveListing(bucket: bucket, prefix: selection.prefix)
    while let page = try await listing.next() {
      // Most selections take all of a page, which is not copied then.
      let isWhole = page.allSatisfy { selection.contains($0.key) }
      try await body(isWhole ? page : page.filter { selection.contains($0.key) })
    }
  }
}
