import ArgumentParser
import S3
import Storage

struct MakeBucketCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "mb",
    abstract: "Create a bucket.",
    discussion: """
      The name is checked against the rules of S3 before anything is sent. With --region the bucket \
      is created there; otherwise the server decides.

      Examples:
        pail mb s3://reports
        pail mb s3://reports --region eu-central-1
      """)

  @Argument(
    help: ArgumentHelp("The bucket to create.", valueName: "s3://bucket"),
    transform: S3URI.bucket(parsing:))
  var bucket: BucketName

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func run(_ context: CommandContext) async throws {
    let session = try await context.openSession(using: .history)
    // Only the flag: a region that is merely set somewhere says where to sign, not where to create.
    context.warn(
      try await session.service.createBucket(bucket, region: shared.region.map { Region($0) }))
    if context.isJSON {
      var line = JSONLine()
      line.add("bucket", bucket.text)
      context.console.result(line.bytes)
    } else {
      context.console.confirmation("Created s3://\(bucket)")
    }
  }
}

struct RemoveBucketCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "rb",
    abstract: "Remove a bucket.",
    discussion: """
      A bucket with contents is left alone unless --force is given, which first deletes all of \
      them for ever: every version and delete marker, and uploads that were never completed.

      With --expected-owner it is the server that compares the bucket's owner and refuses; some \
      servers, SeaweedFS among them, ignore what is expected.

      Examples:
        pail rb s3://reports
        pail rb s3://reports --expected-owner 111122223333
        pail rb s3://scratch --force --dry-run
        pail rb s3://scratch --force
      """)

  @Argument(
    help: ArgumentHelp("The bucket to remove.", valueName: "s3://bucket"),
    transform: S3URI.bucket(parsing:))
  var bucket: BucketName

  @Flag(help: "Delete everything in it first, for ever.")
  var force = false

  @Option(
    help: ArgumentHelp(
      "Have the server refuse unless this account owns the bucket; not all servers do.",
      valueName: "account id"),
    transform: TextArgument.filled)
  var expectedOwner: String?

  @Flag(name: .shortAndLong, help: "Say what would be removed, and change nothing.")
  var dryRun = false

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  var wayOn: String? {
    force && !dryRun ? "What was deleted is recorded; the same command deletes the rest." : nil
  }

  func run(_ context: CommandContext) async throws {
    let progress = CountProgress(context, verb: "deleted")
    let session = progress.watching(
      try await context.openSession(using: dryRun ? [] : .history))
    context.tellReadOnly(isDryRun: dryRun)
    if dryRun { return try await preview(session, context) }
    let owner = expectedOwner.map { AccountID($0) }
    var report: DeletionReport?
    if force {
      let done = try await session.service.emptyAndRemoveBucket(bucket, expectedOwner: owner) {
        progress.show($0.deleted, failed: $0.failed)
      }
      context.report(done, in: bucket)
      if done.stoppedBy != nil || done.failed > 0 { return tellWhatIsGone(done, context) }
      report = done
    } else {
      context.warn(try await session.service.removeBucket(bucket, expectedOwner: owner))
    }
    if context.isJSON {
      var line = JSONLine()
      line.add("bucket", bucket.text)
      line.add("deleted", Int64(report?.deleted ?? 0))
      line.add("failed", Int64(0))
      line.add("removed", true)
      context.console.result(line.bytes)
    } else {
      let deleted = report?.deleted ?? 0
      let contents =
        deleted == 0 ? "" : ", with \(deleted) \(deleted == 1 ? "object" : "objects and versions")"
      context.console.confirmation("Removed s3://\(bucket)\(contents)")
    }
  }

  /// Of a bucket that stays.
  private func tellWhatIsGone(_ report: DeletionReport, _ context: CommandContext) {
    context.console.clearProgress()
    if context.isJSON {
      var line = JSONLine()
      line.add("bucket", bucket.text)
      line.add("deleted", Int64(report.deleted))
      line.add("failed", Int64(report.failed))
      line.add("unknown", report.shownUnknown)
      line.add("removed", false)
      context.console.result(line.bytes)
    } else {
      let deleted = Count(report.deleted, "object", plural: "objects and versions")
      let failed = report.failed > 0 ? ", \(report.failed) failed" : ""
      let unknown = report.unknown > 0 ? ", \(report.unknown) unknown" : ""
      let uploads = report.abortedUploads
      let aborted = uploads > 0 ? ", aborted \(Count(uploads, "upload"))" : ""
      context.console.confirmation(
        "Deleted \(deleted)\(failed)\(unknown)\(aborted); s3://\(bucket) was not removed")
    }
  }

  private func preview(_ session: Session, _ context: CommandContext) async throws {
    if let expectedOwner {
      try await session.service.checkOwner(of: bucket, is: AccountID(expectedOwner))
    }
    let uploads = force ? try await session.service.uploads(in: bucket) : []
    for upload in uploads {
      context.wouldAbort(S3URI(bucket: bucket, key: upload.key), upload.uploadID)
    }
    try await session.service.preview(everyVersionIn: bucket) { page in
      guard force || page.isEmpty else {
        throw CommandFailure(
          "Bucket \(bucket) is not empty", recovery: "--force deletes all that is in it first.")
      }
      for candidate in page { context.wouldDelete(candidate, in: bucket) }
      try context.stopWhenClosed()
    }
    if context.isJSON {
      var line = JSONLine()
      line.add("bucket", bucket.text)
      context.console.result(line.bytes)
    } else {
      context.console.result("would remove s3://\(bucket)")
    }
  }
}

extension S3URI {
  static func bucket(parsing argument: String) throws -> BucketName {
    let place = try S3URI(parsing: argument)
    guard place.key.isEmpty else {
      throw ArgumentProblem("expected a bucket alone: s3://\(place.bucket)")
    }
    return place.bucket
  }

  /// An object: a bucket and a key.
  static func object(parsing argument: String) throws -> S3URI {
    let place = try S3URI(parsing: argument)
    guard !place.key.isEmpty else {
      throw ArgumentProblem("a key is missing: s3://\(place.bucket)/key")
    }
    return place
  }
}
