import HTTP
import Synchronization
import Testing

@testable import S3

@Suite("Credential cache")
struct CredentialCacheTests {
  private static let start = Timestamp(seconds: 1_795_183_327)

  /// A source that answers when told to, and a clock that is set.
  private final class Source: CredentialProvider {
    private struct State {
      var asked: [CheckedContinuation<Result<Credentials, CredentialError>, Never>] = []
      var count = 0
      var now = CredentialCacheTests.start
      var awaiting: [(count: Int, CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }
    var now: Timestamp { state.withLock { $0.now } }
    func advance(_ duration: Duration) {
      state.withLock { $0.now = $0.now.advanced(by: duration) }
    }

    func credentials() async throws(CredentialError) -> Credentials {
      let result: Result<Credentials, CredentialError> = await withCheckedContinuation { asked in
        let ready = state.withLock { state in
          state.asked.append(asked)
          state.count += 1
          let count = state.count
          let ready = state.awaiting.filter { $0.count <= count }.map(\.1)
          state.awaiting.removeAll { $0.count <= count }
          return ready
        }
        for continuation in ready { continuation.resume() }
      }
      return try result.get()
    }

    func wasAsked(times count: Int) async {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if state.count < count { state.awaiting.append((count, continuation)) }
          return state.count >= count
        }
        if isReady { continuation.resume() }
      }
    }

    func answer(_ result: Result<Credentials, CredentialError>) {
      let asked = state.withLock { $0.asked.removeFirst() }
      asked.resume(returning: result)
    }

    func answer(_ id: String, lasting life: Duration?) {
      answer(
        .success(
          Credentials(
            accessKeyID: id, secretAccessKey: Secret("s"), sessionToken: Secret("t"),
            expires: life.map { now.advanced(by: $0) })))
    }
  }

  private let source = Source()
  private let cache: CredentialCache

  init() {
    cache = CredentialCache(source, now: { [source] in source.now })
  }

  private func id() async throws -> String { try await cache.credentials().accessKeyID }

  /// Asks until `id` is handed out; what was fetched beside arrives when it arrives.
  private func waits(for id: String) async throws {
    for _ in 0..<100_000 where try await self.id() != id { await Task.yield() }
    #expect(try await self.id() == id)
  }

  @Test("All who wait get what one fetch brings")
  func once() async throws {
    let answers = (0..<20).map { _ in Task { try await id() } }
    await source.wasAsked(times: 1)
    source.answer("A", lasting: .seconds(3600))
    for answer in answers { #expect(try await answer.value == "A") }
    #expect(source.count == 1)
  }

  @Test("What has to last longer than those kept is fetched anew, and a failure leaves the kept")
  func lasting() async throws {
    let first = Task { try await id() }
    await source.wasAsked(times: 1)
    source.answer("A", lasting: .seconds(3600))
    _ = try await first.value
    let hour = source.now.advanced(by: .seconds(3600))
    #expect(try await cache.credentials(lastingUntil: hour).accessKeyID == "A")
    #expect(source.count == 1)

    let longer = Task { try await cache.credentials(lastingUntil: hour.advanced(by: .seconds(1))) }
    await source.wasAsked(times: 2)
    source.answer("B", lasting: .seconds(7200))
    #expect(try await longer.value.accessKeyID == "B")

    let tooLong = Task {
      try await cache.credentials(lastingUntil: hour.advanced(by: .seconds(9999)))
    }
    await source.wasAsked(times: 3)
    source.answer(.failure(.missing))
    #expect(try await tooLong.value.accessKeyID == "B")
  }

  @Test("They are renewed ahead of their end, while the old ones are handed out")
  func ahead() async throws {
    async let first = id()
    await source.wasAsked(times: 1)
    source.answer("A", lasting: .seconds(3600))
    #expect(try await first == "A")

    source.advance(.seconds(3600 - 901))
    #expect(try await id() == "A")
    #expect(source.count == 1)
    source.advance(.seconds(2))
    #expect(try await id() == "A")
    await source.wasAsked(times: 2)
    #expect(try await id() == "A")
    source.answer("B", lasting: .seconds(3600))
    try await waits(for: "B")
    #expect(source.count == 2)
  }

  @Test("When they have ended, one waits for the next ones")
  func ended() async throws {
    async let first = id()
    await source.wasAsked(times: 1)
    source.answer("A", lasting: .seconds(100))
    #expect(try await first == "A")

    source.advance(.seconds(90))
    async let second = id()
    await source.wasAsked(times: 2)
    source.answer("B", lasting: nil)
    #expect(try await second == "B")
    source.advance(.seconds(1_000_000))
    #expect(try await id() == "B")
    #expect(source.count == 2)
  }

  @Test("A renewal that fails is tried again later, and only matters once the old ones end")
  func failedRenewal() async throws {
    async let first = id()
    await source.wasAsked(times: 1)
    source.answer("A", lasting: .seconds(3600))
    _ = try await first

    source.advance(.seconds(3000))
    _ = try await id()
    await source.wasAsked(times: 2)
    let refusal = CredentialError.unusable(source: "x", reason: "y")
    source.answer(.failure(refusal))
    // When the failure has arrived nobody is told; the pause is counted from then.
    for _ in 0..<100_000 where source.count < 3 {
      #expect(try await id() == "A")
      source.advance(.milliseconds(5))
      await Task.yield()
    }
    try #require(source.count == 3)
    #expect(source.now >= Self.start.advanced(by: .seconds(3030)))

    source.advance(.seconds(600))
    let late = Task { try await id() }
    source.answer(.failure(refusal))
    await #expect(throws: refusal) { try await late.value }
  }

  @Test("A source in trouble is left alone for a moment, and those who ask meanwhile are told")
  func trouble() async throws {
    let refusing = Refusing()
    let cache = CredentialCache(refusing, now: { [source] in source.now })
    for (pause, count) in [(0, 1), (249, 1), (1, 2), (249, 2), (1, 3)] {
      source.advance(.milliseconds(pause))
      await #expect(throws: Refusing.error) { try await cache.credentials() }
      #expect(refusing.count == count)
    }
  }

  private final class Refusing: CredentialProvider {
    static let error = CredentialError.unavailable(source: "x", reason: "y")
    private let asked = Mutex(0)
    var count: Int { asked.withLock { $0 } }
    func credentials() async throws(CredentialError) -> Credentials {
      asked.withLock { $0 += 1 }
      throw Self.error
    }
  }

  @Test("What has ended when it comes is an error, not handed out")
  func staleFetch() async throws {
    let end = source.now.advanced(by: .seconds(-1))
    let answer = Task { try await id() }
    await source.wasAsked(times: 1)
    source.answer("A", lasting: .seconds(-1))
    await #expect(throws: CredentialError.expired(end)) { try await answer.value }
  }

  @Test("Cancelling one who waits leaves the fetch to the others")
  func cancelling() async throws {
    let impatient = Task { try await id() }
    await source.wasAsked(times: 1)
    async let patient = id()
    impatient.cancel()
    await #expect(throws: CredentialError.cancelled) { try await impatient.value }
    source.answer("A", lasting: nil)
    #expect(try await patient == "A")
    #expect(source.count == 1)
  }

  @Test("What a server calls expired is fetched anew, unless that has happened already")
  func discarding() async throws {
    async let first = cache.credentials()
    await source.wasAsked(times: 1)
    source.answer("A", lasting: nil)
    let old = try await first
    await cache.discard(old)
    async let second = id()
    await source.wasAsked(times: 2)
    source.answer("B", lasting: nil)
    #expect(try await second == "B")
    await cache.discard(old)
    #expect(try await id() == "B")
  }

  @Test("A request that is answered ExpiredToken goes out again with new credentials, once")
  func expiredToken() async throws {
    let expired = ScriptedTransport.Answer.response(
      400, [], "<Error><Code>ExpiredToken</Code></Error>")
    let scripted = try ScriptedClient([expired, .response(204)], credentials: cache)
    let location = ObjectLocation(bucket: BucketName("b"), key: ObjectKey("k"))
    async let deletion = scripted.client.deleteObject(location)
    await source.wasAsked(times: 1)
    source.answer("A", lasting: .seconds(3600))
    await source.wasAsked(times: 2)
    source.answer("B", lasting: .seconds(3600))
    _ = try await deletion
    let signers = scripted.requests.compactMap {
      $0.headers["Authorization"]?.split(separator: "/").first
    }
    #expect(signers == ["AWS4-HMAC-SHA256 Credential=A", "AWS4-HMAC-SHA256 Credential=B"])
  }
}
