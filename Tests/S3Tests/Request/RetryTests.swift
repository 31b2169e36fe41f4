import HTTP
import Synchronization
import Testing

@testable import S3

@Suite("Retries")
struct RetryTests {
  private let bucket = BucketName("bucket")
  private let location = ObjectLocation(bucket: BucketName("bucket"), key: ObjectKey("key"))

  private func error(_ code: String, region: String = "") -> String {
    "<Error><Code>\(code)</Code><Message></Message><Region>\(region)</Region>"
      + "<RequestId>R1</RequestId></Error>"
  }

  /// Of a client that waits a minute for a server that is away.
  private static var persistent: RetryPolicy {
    var policy = RetryPolicy.standard
    policy.cap = .seconds(1)
    policy.persistence = .seconds(60)
    return policy
  }

  @Test("A long body that stalls is given longer each time, and the next one begins there")
  func longerStalls() async throws {
    let stalls = Array(repeating: ScriptedTransport.Answer.failure(.stalled), count: 6)
    let etag = HTTPHeader("ETag", "\"e\"")
    let scripted = try ScriptedClient(
      stalls + [.response(200, [etag]), .response(200, [etag]), .response(200, [etag])])
    let location = ObjectLocation(bucket: BucketName("bucket"), key: ObjectKey("key"))
    func put(_ count: Int) async throws(S3Error) {
      _ = try await scripted.client.putObject(
        location, body: .bytes(Array(repeating: 0, count: count)), attributes: ObjectAttributes(),
        progress: nil)
    }
    #expect(await failure { () async throws(S3Error) in try await put(1 << 20) } != nil)
    try await put(1)
    try await put(1 << 20)
    try await put(1 << 20)
    let usual = scripted.client.stallTimeout
    let factors = scripted.requests.map { Int($0.stallTimeout / usual) }
    #expect(factors == [1, 3, 9, 9, 9, 9, 1, 9, 1])
  }

  @Test(
    "What may pass is tried again",
    arguments: [
      .response(500), .response(503, [], "<Error><Code>SlowDown</Code></Error>"), .response(408),
      .response(429), .response(400, [], "<Error><Code>RequestTimeout</Code></Error>"),
      .response(502, [], "<html>Bad Gateway</html>"), .failure(.connectionLost(reason: "reset")),
      .failure(.stalled), .failure(.noConnection(host: "h", reason: "refused")),
      .failure(.unresolvedHost("h")), .failure(.proxy(reason: "502", isPassing: true)),
    ] as [ScriptedTransport.Answer])
  func transient(_ answer: ScriptedTransport.Answer) async throws {
    let scripted = try ScriptedClient([answer, answer, .response(204)])
    _ = try await scripted.client.deleteObject(location)
    #expect(scripted.requests.count == 3)
    #expect(scripted.waited.count == 2)
  }

  @Test(
    "What will not pass is not",
    arguments: [
      .response(403, [], "<Error><Code>AccessDenied</Code></Error>"), .response(404),
      .response(501), .response(301), .response(400), .failure(.cancelled),
      .failure(.tls(host: "h", reason: "expired")), .failure(.invalidRequest(reason: "x")),
      .failure(.proxy(reason: "403", isPassing: false)),
    ] as [ScriptedTransport.Answer])
  func final(_ answer: ScriptedTransport.Answer) async throws {
    let scripted = try ScriptedClient([answer])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.deleteObject(location)
    }
    #expect(error?.attempts == 1)
    #expect(scripted.waited.isEmpty)
  }

  @Test("After the last attempt the error tells how many there were, and what the server said")
  func givesUp() async throws {
    var policy = RetryPolicy.standard
    policy.maxAttempts = 3
    let headers = [HTTPHeader("x-amz-request-id", "R2"), HTTPHeader("x-amz-id-2", "H2")]
    let answer = ScriptedTransport.Answer.response(
      503, headers, "<Error><Code>SlowDown</Code><Message>easy</Message></Error>")
    let scripted = try ScriptedClient([answer, answer, answer, .response(204)], policy: policy)
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.deleteObject(location)
    }
    let expected = ServiceError(
      code: .slowDown, message: "easy", status: 503, requestID: "R2", hostID: "H2")
    // A server that fails may have done the work all the same.
    #expect(
      error
        == S3Error(
          operation: .deleteObject, cause: .service(expected), attempts: 3, isInDoubt: true))
    #expect(scripted.transport.leftOver == 1)
  }

  @Test("Waits grow to the cap, are never negative, and obey the server")
  func waits() {
    let policy = RetryPolicy(
      maxAttempts: 9, base: .milliseconds(100), cap: .seconds(1), deadline: .seconds(60))
    func longest(_ attempt: Int) -> Duration {
      policy.wait(afterAttempt: attempt, retryAfter: nil, random: 1)
    }
    #expect(
      (1...6).map(longest)
        == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
    #expect(longest(1000) == .seconds(1))
    #expect(policy.wait(afterAttempt: 3, retryAfter: nil, random: 0) == .zero)
    #expect(policy.wait(afterAttempt: 1, retryAfter: .seconds(7), random: 1) == .seconds(7))
  }

  @Test(
    "Retry-After is obeyed in both of its forms",
    arguments: ["7", "Fri, 20 Nov 2026 14:02:14 GMT"])
  func retryAfter(_ value: String) async throws {
    let scripted = try ScriptedClient([
      .response(503, [HTTPHeader("Retry-After", value)]), .response(204),
    ])
    _ = try await scripted.client.deleteObject(location)
    #expect(scripted.waited == [.seconds(7)])
  }

  @Test("A wait that would pass the deadline is not begun")
  func deadline() async throws {
    let scripted = try ScriptedClient([
      .response(503, [HTTPHeader("Retry-After", "61")]), .response(204),
    ])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.deleteObject(location)
    }
    #expect(error?.code == .serviceUnavailable)
    #expect(scripted.requests.count == 1)
  }

  @Test("A server that has answered and cannot be reached is waited for")
  func persistence() async throws {
    let policy = Self.persistent
    let away = Array(
      repeating: ScriptedTransport.Answer.failure(.noConnection(host: "h", reason: "refused")),
      count: 20)
    let answer = ScriptedTransport.Answer.response(
      204, [HTTPHeader("Date", "Fri, 20 Nov 2026 14:02:07 GMT")])
    let known = try ScriptedClient([answer] + away + [answer], policy: policy)
    _ = try await known.client.deleteObject(location)
    _ = try await known.client.deleteObject(location)
    #expect(known.requests.count == 22)
    // One that never answered is likely a wrong one.
    let unknown = try ScriptedClient(away, policy: policy)
    let error = await failure { () async throws(S3Error) in
      try await unknown.client.deleteObject(location)
    }
    #expect(error?.attempts == policy.maxAttempts)
  }

  @Test("The observer hears of each attempt that will be followed by another, and of the end")
  func observer() async throws {
    var client = try ScriptedClient(
      [
        .response(503, [], "<Error><Code>SlowDown</Code></Error>"), .response(500), .response(204),
        .response(204), .response(500), .response(403),
      ]
    ).client
    let heard = Heard()
    client.retryObserver = { heard.add($0) }
    _ = try await client.deleteObject(location)
    let first = try #require(heard.notices.first?.request)
    #expect(heard.notices.map(\.attempt) == [1, 2])
    #expect(heard.notices.allSatisfy { $0.operation == .deleteObject && $0.request == first })
    #expect(heard.all.last == .ended(request: first) && heard.all.count == 3)
    // What succeeds at once is nothing to hear of, and what fails for good is over as well.
    _ = try await client.deleteObject(location)
    #expect(heard.all.count == 3)
    let error = await failure { [client] () async throws(S3Error) in
      try await client.deleteObject(location)
    }
    let second = try #require(heard.notices.last?.request)
    #expect(error != nil && second != first && heard.all.count == 5)
    #expect(heard.all.last == .ended(request: second))
  }

  @Test("Copies are told of as well, of whole objects and of parts", arguments: [false, true])
  func copies(isPart: Bool) async throws {
    let answer =
      isPart
      ? "<CopyPartResult><ETag>e</ETag></CopyPartResult>"
      : "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>"
    // An error inside of a success is one, too.
    var client = try ScriptedClient(
      [.response(200, [], "<Error><Code>SlowDown</Code></Error>"), .response(200, [], answer)]
    ).client
    let heard = Heard()
    client.retryObserver = { heard.add($0) }
    if isPart {
      _ = try await client.uploadPartCopy(
        location, range: 0..<5, ifMatch: nil, to: location, uploadID: UploadID("u"),
        partNumber: PartNumber(1), algorithm: nil)
    } else {
      _ = try await client.copyObject(
        location, to: location, ifMatch: nil, attributes: ObjectAttributes(), replacing: false,
        condition: .none)
    }
    #expect(heard.notices.map(\.operation) == [isPart ? .uploadPartCopy : .copyObject])
    #expect(heard.all.count == 2)
  }

  @Test("Each attempt is signed anew, with the date of its moment")
  func signedAnew() async throws {
    let transport = ScriptedTransport([.response(500), .response(204)])
    let ticks = Ticks()
    var client = S3Client(
      endpoint: try Endpoint(parsing: "http://h"), region: .usEast1,
      credentials: StaticCredentials(accessKeyID: "A", secretAccessKey: Secret("s")),
      transport: transport, now: { ticks.next() })
    client.wait = { (_) async throws(CancellationError) in }
    _ = try await client.deleteObject(location)
    let dates = transport.requests.compactMap { $0.headers["x-amz-date"] }
    let signatures = transport.requests.compactMap { $0.headers["Authorization"] }
    #expect(Set(dates).count == 2)
    #expect(Set(signatures).count == 2)
  }

  @Test("A counter loses what a failed attempt had counted")
  func progress() async throws {
    let counter = ByteCounter()
    let scripted = try ScriptedClient([
      .failure(.connectionLost(reason: "reset")), .response(200, [HTTPHeader("ETag", "\"e\"")]),
    ])
    _ = try await scripted.client.putObject(
      location, body: .bytes([1]), attributes: ObjectAttributes(), progress: counter)
    #expect(counter.value == 0)
  }

  @Test("Cancelling during a wait ends the operation as cancelled")
  func cancelled() async throws {
    var scripted = try ScriptedClient([.response(500), .response(204)]).client
    scripted.wait = { (_) async throws(CancellationError) in throw CancellationError() }
    let client = scripted
    let error = await failure { () async throws(S3Error) in
      try await client.deleteObject(location)
    }
    #expect(error?.isCancellation == true)
  }

  @Test(
    "A bucket's region is learnt, signed for, and remembered",
    arguments: [
      (400, "AuthorizationHeaderMalformed", "eu-central-1", nil),
      (301, "PermanentRedirect", "", "eu-central-1"), (400, "", "", "eu-central-1"),
    ] as [(Int, String, String, String?)])
  func region(status: Int, code: String, inBody: String, inHeader: String?) async throws {
    let headers = inHeader.map { [HTTPHeader("x-amz-bucket-region", $0)] } ?? []
    let scripted = try ScriptedClient([
      .response(status, headers, error(code, region: inBody)), .response(204), .response(204),
    ])
    _ = try await scripted.client.deleteObject(location)
    _ = try await scripted.client.deleteObject(location)
    let scopes = scripted.requests.compactMap { $0.headers["Authorization"]?.split(separator: "/") }
    #expect(scopes.map { String($0[2]) } == ["us-east-1", "eu-central-1", "eu-central-1"])
    // Nothing leaves for a host that an answer names.
    #expect(scripted.requests.allSatisfy { $0.url.hasPrefix("http://store.test:9000/bucket/") })
    #expect(scripted.waited.isEmpty)
  }

  @Test("On Amazon S3 the region's own host is asked")
  func regionHost() async throws {
    let redirect = [
      HTTPHeader("x-amz-bucket-region", "eu-west-1"), HTTPHeader("Location", "https://evil.test/"),
    ]
    let scripted = try ScriptedClient(
      [.response(301, redirect), .response(204)], endpoint: .aws(region: .usEast1))
    _ = try await scripted.client.deleteObject(location)
    #expect(
      scripted.requests.map(\.url) == [
        "https://bucket.s3.us-east-1.amazonaws.com/key",
        "https://bucket.s3.eu-west-1.amazonaws.com/key",
      ])
  }

  @Test("A region that is none is not believed, and two that contradict each other end it")
  func badRegions() async throws {
    let evil = [HTTPHeader("x-amz-bucket-region", "x.evil.test/")]
    let scripted = try ScriptedClient([.response(301, evil)], endpoint: .aws(region: .usEast1))
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.deleteObject(location)
    }
    #expect(error?.code == .permanentRedirect)

    let first = [HTTPHeader("x-amz-bucket-region", "eu-west-1")]
    let second = [HTTPHeader("x-amz-bucket-region", "us-east-1")]
    let round = try ScriptedClient([.response(301, first), .response(301, second)])
    let circle = await failure { () async throws(S3Error) in
      try await round.client.deleteObject(location)
    }
    #expect(circle?.attempts == 2)
  }

  @Test("A clock that is off is corrected once, and stays corrected")
  func skew() async throws {
    let serverDate = [HTTPHeader("Date", "Fri, 20 Nov 2026 15:02:07 GMT")]
    let scripted = try ScriptedClient([
      .response(403, serverDate, error("RequestTimeTooSkewed")), .response(204), .response(204),
    ])
    let corrections = Mutex<[Duration]>([])
    var client = scripted.client
    client.clockObserver = { offset in corrections.withLock { $0.append(offset) } }
    _ = try await client.deleteObject(location)
    _ = try await client.sending(through: scripted.transport).deleteObject(location)
    #expect(
      scripted.requests.compactMap { $0.headers["x-amz-date"] }
        == ["20261120T140207Z", "20261120T150207Z", "20261120T150207Z"])
    #expect(corrections.withLock { $0 } == [.seconds(3600)])
  }

  @Test(
    "A HEAD that is refused by a server with another time is dated by that time, once",
    arguments: [("15:02:07", 2), ("14:10:00", 1)])
  func skewOfHead(time: String, attempts: Int) async throws {
    let date = [HTTPHeader("Date", "Fri, 20 Nov 2026 \(time) GMT")]
    let refusal = ScriptedTransport.Answer.response(403, date)
    let scripted = try ScriptedClient([refusal, refusal])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.headObject(location)
    }
    #expect(error?.code == .accessDenied && scripted.requests.count == attempts)
    if attempts == 2 {
      #expect(scripted.requests.last?.headers["x-amz-date"] == "20261120T150207Z")
    }
  }

  @Test("Without credentials nothing is sent")
  func noCredentials() async throws {
    let scripted = try ScriptedClient([], credentials: NoCredentials())
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.listBuckets()
    }
    #expect(
      error == S3Error(operation: .listBuckets, cause: .credentials(.missing), attempts: 0))
  }

  @Test("Credentials whose source is in trouble are waited for, and one that refuses is not")
  func credentialsInTrouble() async throws {
    let trouble = CredentialError.unavailable(source: "x", reason: "y")
    let heard = Heard()
    let passing = try ScriptedClient(
      [.response(204)], credentials: Lender([trouble, trouble, nil]))
    var client = passing.client
    client.retryObserver = { heard.add($0) }
    _ = try await client.deleteObject(location)
    #expect(passing.requests.count == 1)
    #expect(passing.waited.count == 2)
    #expect(heard.notices.map(\.attempt) == [1, 2])
    #expect(heard.notices.map(\.cause) == [.credentials(trouble), .credentials(trouble)])

    let lasting = try ScriptedClient([], credentials: Lender([trouble]))
    let error = await failure { () async throws(S3Error) in
      try await lasting.client.deleteObject(location)
    }
    #expect(
      error == S3Error(operation: .deleteObject, cause: .credentials(trouble), attempts: 0))
    #expect(error?.isTransient == true)
    #expect(lasting.waited.count == RetryPolicy.standard.maxAttempts - 1)

    let refusal = CredentialError.unusable(source: "x", reason: "y")
    let refused = try ScriptedClient([], credentials: Lender([refusal]))
    let final = await failure { () async throws(S3Error) in
      try await refused.client.deleteObject(location)
    }
    #expect(final?.isTransient == false)
    #expect(refused.waited.isEmpty)
  }

  @Test("Between requests that got through they are waited for as long as a server that is away")
  func credentialsAway() async throws {
    let policy = Self.persistent
    let trouble = Array(
      repeating: CredentialError.unavailable(source: "x", reason: "y") as CredentialError?,
      count: 20)
    let answer = ScriptedTransport.Answer.response(
      204, [HTTPHeader("Date", "Fri, 20 Nov 2026 14:02:07 GMT")])
    let known = try ScriptedClient(
      [answer, answer], credentials: Lender([nil] + trouble + [nil]), policy: policy)
    _ = try await known.client.deleteObject(location)
    _ = try await known.client.deleteObject(location)
    #expect(known.waited.count == 20)
  }

  @Test(
    "While the source of the credentials is in trouble the last access key is told, or waited for")
  func lastAccessKey() async throws {
    let trouble = CredentialError.unavailable(source: "x", reason: "y")
    let scripted = try ScriptedClient([], credentials: Lender([trouble, nil, trouble, .missing]))
    #expect(await scripted.client.accessKeyID() == "AKID")
    #expect(scripted.waited.count == 1)
    #expect(await scripted.client.accessKeyID() == "AKID")
    #expect(scripted.waited.count == 1)
    #expect(await scripted.client.accessKeyID() == nil)
    let never = try ScriptedClient([], credentials: Lender([trouble]))
    #expect(await never.client.accessKeyID() == nil)
    #expect(never.waited.count == RetryPolicy.standard.maxAttempts - 1)
  }

  @Test("A URL is signed when the source of the credentials is through its trouble")
  func presigning() async throws {
    let trouble = CredentialError.unavailable(source: "x", reason: "y")
    let scripted = try ScriptedClient([], credentials: Lender([trouble, nil]))
    _ = try await scripted.client.presign(
      .get, location, expires: .seconds(60), fileName: nil, contentType: nil)
    #expect(scripted.waited.count == 1)
  }

  /// Fails as listed, where nil stands for credentials; the last for ever.
  private final class Lender: CredentialProvider {
    private let outcomes: Mutex<[CredentialError?]>
    init(_ outcomes: [CredentialError?]) { self.outcomes = Mutex(outcomes) }
    func credentials() async throws(CredentialError) -> Credentials {
      let error = outcomes.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
      if let error { throw error }
      return Credentials(accessKeyID: "AKID", secretAccessKey: Secret("secret"))
    }
  }

  private final class Heard: Sendable {
    private let state = Mutex<[RetryEvent]>([])
    var all: [RetryEvent] { state.withLock { $0 } }
    var notices: [RetryNotice] {
      all.compactMap { if case .failed(let notice) = $0 { notice } else { nil } }
    }
    func add(_ event: RetryEvent) { state.withLock { $0.append(event) } }
  }

  /// A clock that goes on by a second whenever it is read.
  private final class Ticks: Sendable {
    private let state = Mutex(ScriptedClient.moment)
    func next() -> Timestamp {
      state.withLock { moment in
        moment = moment.advanced(by: .seconds(1))
        return moment
      }
    }
  }

  private struct NoCredentials: CredentialProvider {
    func credentials() async throws(CredentialError) -> Credentials { throw .missing }
  }
}
