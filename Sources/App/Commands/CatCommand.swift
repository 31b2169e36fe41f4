import ArgumentParser
import S3
import Storage

struct CatCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat",
    abstract: "Write the contents of objects to standard output.",
    discussion: """
      One after the other, those of a pattern in the order of their keys. The bytes are those that \
      are stored; what arrives damaged is an error, although it has been written by then.

      Examples:
        pail cat s3://reports/2026/q3.csv | head
        pail cat 's3://logs/2026-11-*.gz' | zcat
      """)

  @Argument(
    help: ArgumentHelp("What to write.", valueName: "s3://bucket/key"),
    transform: S3URI.object(parsing:))
  var places: [S3URI]

  @Option(
    name: .customLong("version-id"), help: ArgumentHelp("This version.", valueName: "id"),
    transform: VersionID.named)
  var versionID: VersionID?

  @OptionGroup var glob: GlobOption

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func validate() throws {
    if versionID != nil, places.count != 1 {
      throw ValidationError("--version-id goes with one key")
    }
  }

  func run(_ context: CommandContext) async throws {
    let progress = CountProgress(context)
    let session = progress.watching(try await context.openSession(tellsRetries: false))
    for place in places {
      do {
        try await write(place, session, progress, context)
      } catch  where error.isOfOnePlace {
        context.fail(place.bytes, error)
      }
    }
  }

  private func write(
    _ place: S3URI, _ session: Session, _ progress: CountProgress, _ context: CommandContext
  ) async throws {
    if let versionID {
      var location = place.location
      location.versionID = versionID
      return try await context.write(location, session, progress)
    }
    switch try await KeyTarget.single(place, glob, .all, session) {
    case .key(let place): try await context.write(place.location, session, progress)
    case .selection(let bucket, let selection):
      var isEmpty = true
      try await session.forEachPage(of: selection, in: bucket) { page in
        for object in page {
          isEmpty = false
          do {
            try await context.write(
              ObjectLocation(bucket: bucket, key: object.key), session, progress)
          } catch  where error.isOfOnePlace {
            context.fail(S3URI(bucket: bucket, key: object.key).bytes, error)
          }
        }
      }
      if isEmpty { throw CommandFailure("Nothing matches \(Visible.text(place.bytes))") }
    }
  }
}

extension CommandContext {
  /// Writes an object to standard output as it arrives.
  func write(
    _ object: ObjectLocation, _ session: Session, _ progress: CountProgress
  ) async throws {
    let console = console
    let stream = StreamProgress()
    do {
      let (_, verification) = try await progress.following(stream) {
        try await session.service.stream(object, progress: stream) { console.write($0) }
      }
      if !verification.isVerified {
        let place = S3URI(bucket: object.bucket, key: object.key)
        console.message("pail: \(Visible.text(place.bytes)) is \(verification)")
      }
    } catch {
      // The reader who left, or a full disk, is what ended it; that is told at the end.
      try stopWhenClosed()
      throw error
    }
  }
}
