import ArgumentParser
import S3
import Storage

struct RemoveCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Delete objects.",
    discussion: """
      In a bucket that keeps versions this adds a delete marker; --version-id deletes one version \
      for ever, --all-versions all of them. A key that is not there is no failure, and neither is \
      an empty prefix; a pattern that matches nothing is one. With -r everything under a prefix is \
      deleted: s3://reports/2026 is the same as s3://reports/2026/, and leaves \
      s3://reports/2026-old.csv alone.

      In a key, * stands for any characters, / among them, and ? for one: quote them, so that the \
      shell leaves them alone. A key that is named exactly so is meant alone.

      Examples:
        pail rm s3://reports/2026/q3.csv
        pail rm -r --dry-run s3://reports/2026/
        pail rm -r --exclude '*' --include '*.tmp' s3://reports/2026/
        pail rm 's3://logs/2025-*.gz'
      """)

  @Argument(
    help: ArgumentHelp("What to delete.", valueName: "s3://bucket/key"),
    transform: S3URI.init(parsing:))
  var places: [S3URI]

  @Flag(name: .shortAndLong, help: "Everything under the key.")
  var recursive = false

  @Option(
    name: .customLong("version-id"), help: ArgumentHelp("This version.", valueName: "id"),
    transform: VersionID.named)
  var versionID: VersionID?

  @Flag(help: "All versions and delete markers, for ever.")
  var allVersions = false

  @Flag(name: .shortAndLong, help: "Say what would be deleted, and delete nothing.")
  var dryRun = false

  @OptionGroup var filters: FilterOptions

  @OptionGroup var glob: GlobOption

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func validate() throws {
    if versionID != nil, recursive || places.count != 1 {
      throw ValidationError("--version-id goes with one key, and not with --recursive")
    }
    if versionID != nil, allVersions {
      throw ValidationError("--version-id and --all-versions exclude each other")
    }
    if !recursive, let place = places.first(where: \.key.isEmpty) {
      throw ValidationError(
        "s3://\(place.bucket) is a bucket: add a key, use -r for all objects in it, or pail rb")
    }
    try filters.validate(isRecursive: recursive, places, glob)
  }

  var wayOn: String? {
    guard !dryRun else { return nil }
    return "What was deleted is recorded; the same command deletes the rest."
      + (recursive ? "" : glob.hint(toRepeat: places))
  }

  func run(_ context: CommandContext) async throws {
    let progress = CountProgress(context, verb: "deleted")
    let session = progress.watching(
      try await context.openSession(using: dryRun ? [] : .history))
    context.tellReadOnly(isDryRun: dryRun)
    let now = Timestamp.now()
    var report = DeletionReport()
    for (bucket, meant) in try await meantByBucket(session, context) {
      let targets = meant.map(\.target)
      let done: DeletionReport
      do {
        if dryRun {
          let unmatched = try await preview(targets, in: bucket, session, context)
          tell(unmatched, of: meant, context)
          continue
        }
        done = try await session.service.delete(targets, in: bucket, confirmedAt: now) {
          [report] in
          progress.show(report.deleted + $0.deleted, failed: report.failed + $0.failed)
        }
      } catch let error as StorageError where !error.isCancellation {
        // Nothing was done in this bucket; the others are no worse for it.
        context.fail(nil, error)
        continue
      }
      context.report(done, in: bucket)
      tell(done.unmatched, of: meant, context)
      report.deleted += done.deleted
      report.failed += done.failed
      report.unknown += done.unknown
      report.leftNewer += done.leftNewer
      report.missing += done.missing
      if done.stoppedBy != nil { break }
    }
    context.console.clearProgress()
    let found =
      report.deleted + report.failed + report.unknown + report.leftNewer + report.missing
    guard !dryRun, found > 0 || !context.hasFailures else { return }
    if context.isJSON {
      var line = JSONLine()
      line.add("deleted", Int64(report.deleted))
      line.add("failed", Int64(report.failed))
      line.add("unknown", report.shownUnknown)
      line.add("leftNewer", Int64(report.leftNewer))
      line.add("missing", Int64(report.missing))
      context.console.result(line.bytes)
    } else {
      let one = allVersions || versionID != nil ? "version" : "object"
      let noun = report.deleted == 1 ? one : one + "s"
      let failed = report.failed > 0 ? ", \(report.failed) failed" : ""
      let unknown = report.unknown > 0 ? ", \(report.unknown) unknown" : ""
      let missing = report.missing > 0 ? ", \(report.missing) not there" : ""
      context.console.confirmation(
        "Deleted \(report.deleted) \(noun)\(failed)\(unknown)\(missing)")
    }
  }

  /// A place, and what it means.
  private struct Meant {
    var place: S3URI
    var target: DeletionTarget
  }

  /// In the order in which the buckets were first named. What cannot be looked at is told, and is
  /// none of them.
  private func meantByBucket(
    _ session: Session, _ context: CommandContext
  ) async throws -> [(BucketName, [Meant])] {
    var buckets: [(BucketName, [Meant])] = []
    for (place, target) in try await targets(session, context) {
      let meant = Meant(place: place, target: target)
      if let index = buckets.firstIndex(where: { $0.0 == place.bucket }) {
        buckets[index].1.append(meant)
      } else {
        buckets.append((place.bucket, [meant]))
      }
    }
    return buckets
  }

  private func targets(
    _ session: Session, _ context: CommandContext
  ) async throws(StorageError) -> [(S3URI, DeletionTarget)] {
    if let versionID { return places.map { ($0, .version($0.key, versionID)) } }
    return try await KeyTarget.each(
      of: places, isRecursive: recursive, withVersions: allVersions, removes: true, glob,
      filters.filter, session, context
    ).map { place, target in
      switch target {
      case .key(let key): (place, allVersions ? .everyVersion(key.key) : .object(key.key))
      case .selection(_, let selection):
        (place, allVersions ? .everyVersionOf(selection) : .selection(selection))
      }
    }
  }

  /// Names the places in which nothing was found. A prefix is as it was to be; who names a pattern
  /// has something in mind that it should match.
  private func tell(
    _ unmatched: Set<DeletionTarget>, of meant: [Meant], _ context: CommandContext
  ) {
    for meant in meant where unmatched.contains(meant.target) {
      let shown = Visible.text(meant.place.bytes)
      if recursive, glob.pattern(meant.place) == nil {
        context.console.notice(
          filters.isEmpty
            ? "pail: there is nothing to delete under \(shown)"
            : "pail: the filters leave nothing of \(shown)")
        continue
      }
      switch meant.target {
      case .selection(let selection), .everyVersionOf(let selection):
        context.fail(nil, CommandFailure.nothing(at: meant.place, selection))
      case .object, .version, .prefix, .everyVersion:
        context.console.notice("pail: \(shown) is not there")
      }
    }
  }

  /// - Returns: as ``DeletionReport/unmatched``.
  private func preview(
    _ targets: [DeletionTarget], in bucket: BucketName, _ session: Session,
    _ context: CommandContext
  ) async throws -> Set<DeletionTarget> {
    try await session.service.preview(targets, in: bucket) { page in
      for candidate in page {
        let place = S3URI(bucket: bucket, key: candidate.key)
        if candidate.isMissing {
          let version = candidate.versionID.map { ", version \($0.text)," } ?? ""
          context.console.notice(
            "pail: \(Visible.text(place.bytes + Array(version.utf8))) is not there")
          continue
        }
        context.wouldDelete(candidate, in: bucket)
        try context.stopWhenClosed()
      }
    }
  }
}

extension DeletionReport {
  /// In JSON; nil for none.
  var shownUnknown: Int64? { unknown > 0 ? Int64(unknown) : nil }
}

extension CommandContext {
  /// A line of a dry run.
  func wouldDelete(_ candidate: DeletionCandidate, in bucket: BucketName) {
    let place = S3URI(bucket: bucket, key: candidate.key)
    if isJSON {
      var line = JSONLine()
      line.add("bucket", bucket.text)
      line.add("key", bytes: candidate.key.bytes)
      line.add("size", candidate.size?.bytes)
      line.add("versionID", candidate.versionID?.text)
      console.result(line.bytes)
    } else {
      console.result(
        Array("would delete ".utf8) + console.name(place.bytes)
          + console.name(Array((candidate.versionID.map { "  version \($0.text)" } ?? "").utf8)))
    }
  }

  /// A line of a dry run, about an upload that is under way.
  func wouldAbort(_ place: S3URI, _ uploadID: UploadID) {
    if isJSON {
      var line = JSONLine()
      line.add("bucket", place.bucket.text)
      line.add("key", bytes: place.key.bytes)
      line.add("uploadID", uploadID.text)
      console.result(line.bytes)
    } else {
      console.result(
        Array("would abort the upload of ".utf8) + console.name(place.bytes)
          + console.name(Array("  (\(uploadID.text))".utf8)))
    }
  }

  /// Tells of everything in `report` that is not simply done.
  func report(_ report: DeletionReport, in bucket: BucketName) {
    for (index, failure) in report.failures.enumerated() {
      // What to do is mostly the same for all, and is said below the last.
      let isLast = !report.failures[(index + 1)...].contains { $0.recovery == failure.recovery }
      let words = failure.message.isEmpty ? "not deleted" : failure.message
      fail(
        S3URI(bucket: bucket, key: failure.key).bytes,
        CommandFailure("\(words) (\(failure.code))", recovery: isLast ? failure.recovery : nil))
    }
    if report.failed > report.failures.count {
      fail(nil, CommandFailure("\(report.failed - report.failures.count) more failed"))
    }
    if report.leftNewer > 0 {
      let what = report.leftNewer == 1 ? "1 object is" : "\(report.leftNewer) objects are"
      fail(
        nil,
        CommandFailure(
          "\(what) newer than this command, and left where they are",
          recovery: "They may have come meanwhile; the same command deletes them."))
    }
    warn(report.warning)
    if let stopped = report.stoppedBy, !stopped.isCancellation { fail(nil, stopped) }
  }

  func stopWhenClosed() throws {
    if console.isClosed || console.failure != nil { throw OutputClosed() }
  }
}
