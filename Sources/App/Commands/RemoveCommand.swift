import ArgumentParser
import S3
import Storage

struct RemoveCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Delete objects.",
    discussion: """
      In a bucket that keeps versions this adds a delete marker; --version-id deletes one version \
      for ever. With -r everything whose key begins with the given one is deleted: \
      s3://reports/2026 also means 2026-old.csv, s3://reports/2026/ does not.

      Examples:
        pail rm s3://reports/2026/q3.csv
        pail rm -r --dry-run s3://reports/2026/
        pail rm -r s3://reports/2026/
      """)

  @Argument(
    help: ArgumentHelp("What to delete.", valueName: "s3://bucket/key"),
    transform: S3URI.init(parsing:))
  var places: [S3URI]

  @Flag(name: .shortAndLong, help: "Everything that begins with the key.")
  var recursive = false

  @Option(name: .customLong("version-id"), help: ArgumentHelp("This version.", valueName: "id"))
  var versionID: String?

  @Flag(help: "Say what would be deleted, and delete nothing.")
  var dryRun = false

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func validate() throws {
    if versionID != nil, recursive || places.count != 1 {
      throw ValidationError("--version-id goes with one key, and not with --recursive")
    }
    if !recursive, let place = places.first(where: \.key.isEmpty) {
      throw ValidationError(
        "s3://\(place.bucket) is a bucket: add a key, use -r for all objects in it, or pail rb")
    }
  }

  func run(_ context: CommandContext) async throws {
    let session = try await context.openSession()
    let now = Timestamp.now()
    var report = DeletionReport()
    for (bucket, targets) in targetsByBucket() {
      if dryRun {
        for target in targets {
          try await show(target, in: bucket, session, context)
        }
        continue
      }
      let progress = CountProgress(context, verb: "deleted")
      let done = try await session.service.delete(targets, in: bucket, confirmedAt: now) {
        progress.show($0.deleted, failed: $0.failed)
      }
      context.report(done, in: bucket)
      report.deleted += done.deleted
      report.failed += done.failed
      report.leftNewer += done.leftNewer
      if done.stoppedBy != nil { break }
    }
    guard !dryRun else { return }
    context.console.clearProgress()
    if context.isJSON {
      var line = JSONLine()
      line.add("deleted", Int64(report.deleted))
      line.add("failed", Int64(report.failed))
      line.add("leftNewer", Int64(report.leftNewer))
      context.console.result(line.bytes)
    } else {
      let noun = report.deleted == 1 ? "object" : "objects"
      let failed = report.failed > 0 ? ", \(report.failed) failed" : ""
      context.console.confirmation("Deleted \(report.deleted) \(noun)\(failed)")
    }
  }

  /// In the order in which the buckets were first named.
  private func targetsByBucket() -> [(BucketName, [DeletionTarget])] {
    var buckets: [(BucketName, [DeletionTarget])] = []
    for place in places {
      let target: DeletionTarget =
        if recursive { .prefix(place.key) } else if let versionID {
          .version(place.key, VersionID(versionID))
        } else { .object(place.key) }
      if let index = buckets.firstIndex(where: { $0.0 == place.bucket }) {
        buckets[index].1.append(target)
      } else {
        buckets.append((place.bucket, [target]))
      }
    }
    return buckets
  }

  private func show(
    _ target: DeletionTarget, in bucket: BucketName, _ session: Session, _ context: CommandContext
  ) async throws {
    func show(_ key: ObjectKey, size: ByteCount?, versionID: VersionID? = nil) throws {
      if context.isJSON {
        var line = JSONLine()
        line.add("bucket", bucket.text)
        line.add("key", bytes: key.bytes)
        line.add("size", size?.bytes)
        line.add("versionID", versionID?.text)
        context.console.result(line.bytes)
      } else {
        context.console.result(
          Array("would delete ".utf8)
            + context.console.name(S3URI(bucket: bucket, key: key).bytes))
      }
      try context.stopWhenClosed()
    }
    switch target {
    case .object(let key): try show(key, size: nil)
    case .version(let key, let version): try show(key, size: nil, versionID: version)
    case .prefix(let prefix):
      var next: ContinuationToken?
      repeat {
        let page = try await session.service.recursivePage(
          bucket: bucket, prefix: prefix, after: next)
        for object in page.objects { try show(object.key, size: object.size) }
        next = page.next
      } while next != nil
    }
  }
}

extension CommandContext {
  /// Tells of everything in `report` that is not simply done.
  func report(_ report: DeletionReport, in bucket: BucketName) {
    for failure in report.failures {
      let words = failure.message.isEmpty ? "not deleted" : failure.message
      fail(
        S3URI(bucket: bucket, key: failure.key).bytes,
        CommandFailure("\(words) (\(failure.code))"))
    }
    if report.failed > report.failures.count {
      fail(nil, CommandFailure("\(report.failed - report.failures.count) more failed"))
    }
    if report.leftNewer > 0 {
      console.notice("pail: \(report.leftNewer) objects newer than this command were left")
    }
    warn(report.warning)
    if let stopped = report.stoppedBy { fail(nil, stopped) }
  }

  func stopWhenClosed() throws {
    if console.isClosed || console.failure != nil { throw OutputClosed() }
  }
}
