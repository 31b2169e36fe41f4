import HTTP
import History
import Synchronization
import SystemPackage
import Testing

@testable import S3
@testable import Storage

@Suite("Retries of an undertaking")
struct RetriesTests {
  private static func failed(_ request: Int, _ attempt: Int) -> RetryEvent {
    .failed(
      RetryNotice(
        request: request, operation: .copyObject, attempt: attempt, maxAttempts: 6,
        cause: .transport(.stalled), wait: .seconds(1)))
  }

  @Test("What failed most often is shown, until the last request in trouble has ended")
  func shown() {
    let shown = Mutex<[String?]>([])
    let retries = Retries { status in shown.withLock { $0.append(status?.words) } }
    for event in [
      Self.failed(1, 1), Self.failed(2, 1), Self.failed(2, 2), .ended(request: 1),
      .ended(request: 3), Self.failed(3, 1), .ended(request: 2), .ended(request: 3),
    ] { retries.note(event) }
    #expect(
      shown.withLock { $0 } == [
        "retrying 2/6: Stalled", "retrying 3/6: Stalled", "retrying 2/6: Stalled", nil,
      ])
  }
}

@Suite("Questions that are sent again")
struct QuestionRetriesTests {
  private static let policy = RetryPolicy(
    maxAttempts: 3, base: .milliseconds(1), cap: .milliseconds(1), deadline: .seconds(5))

  /// What there is to show, oldest first.
  private final class Shown: Sendable {
    private let words = Mutex<[String?]>([])

    func service(of service: S3Service) -> S3Service {
      service.tellingRetries(
        to: Retries { status in self.words.withLock { $0.append(status?.words) } })
    }

    var all: [String?] { words.withLock { $0 } }
  }

  @Test("Each says so, until it has been answered")
  func told() async throws {
    let bucket = BucketName("reports")
    let object = ObjectLocation(bucket: bucket, key: ObjectKey("q3.csv"))
    let questions: [(String, (S3Service) async throws -> Void)] = [
      ("buckets", { _ = try await $0.buckets() }),
      ("page", { _ = try await $0.page(bucket: bucket, prefix: .empty) }),
      ("recursivePage", { _ = try await $0.recursivePage(bucket: bucket, prefix: .empty) }),
      (
        "recursiveListing",
        { _ = try await $0.recursiveListing(bucket: bucket, prefix: .empty).next() }
      ), ("versionPage", { _ = try await $0.versionPage(bucket: bucket, prefix: .empty) }),
      ("details", { _ = try await $0.details(object) }),
      ("versioning", { _ = try await $0.versioning(bucket) }),
      // Where the region is not known, the server is asked for it.
      ("presign", { _ = try await $0.presign(.get, object, expires: .seconds(60)) }),
      ("createBucket", { _ = try await $0.createBucket(bucket, region: nil) }),
      ("removeBucket", { _ = try await $0.removeBucket(bucket) }),
      ("stream", { _ = try await $0.stream(object) { _ in true } }),
    ]
    let local = try LocalFolder()
    let history = HistoryStore(openingAtFirstUse: local.path.appending("history.sqlite"))
    for (name, ask) in questions {
      let transport = WatchedTransport()
      let countdown = Countdown(1)
      transport.answerInPlace { _ in
        countdown.next() ? .refusal(503, "SlowDown") : .refusal(403, "AccessDenied")
      }
      let client = S3Client(
        endpoint: .aws(region: .usEast1, EndpointOptions()), region: .usEast1,
        credentials: StaticCredentials(accessKeyID: "A", secretAccessKey: Secret("S")),
        transport: transport, retryPolicy: Self.policy, isRegionAssumed: true)
      let service = S3Service(
        interactive: client, transfers: client, history: history,
        author: Author.current(user: "ana"))
      let shown = Shown()
      do {
        try await ask(shown.service(of: service))
      } catch {
        #expect((error as? StorageError)?.kind == .accessDenied, "\(name): \(error)")
      }
      #expect(shown.all == ["retrying 2/3: SlowDown", nil], "\(name)")
    }
  }

  @Test("A stream is through with its first byte, and not only with its last")
  func stream() async throws {
    try await ServerFixture.with(retryPolicy: Self.policy) { fixture in
      try await fixture.put("k")
      let countdown = Countdown(1)
      fixture.transport.answerInPlace { request in
        request.method == .get && countdown.next() ? .refusal(503, "SlowDown") : nil
      }
      let shown = Shown()
      let atFirstByte = Mutex<[String?]>([])
      _ = try await shown.service(of: fixture.service).stream(fixture.location("k")) { _ in
        atFirstByte.withLock { if $0.isEmpty { $0 = shown.all } }
        return true
      }
      #expect(atFirstByte.withLock { $0 } == ["retrying 2/3: SlowDown", nil])
      #expect(shown.all == ["retrying 2/3: SlowDown", nil])
    }
  }
}
