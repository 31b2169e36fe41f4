import S3
import Synchronization
import Testing

@testable import Storage

@Suite("Patience")
struct PatienceTests {
  private final class Waits: Sendable {
    let all = Mutex<[Duration]>([])
  }

  private let waits = Waits()
  private let patience: Patience

  init() {
    patience = Patience(.seconds(60)) { [waits] duration in
      waits.all.withLock { $0.append(duration) }
    }
  }

  private func error(_ status: Int, retryAfter: Duration? = nil) -> S3Error {
    S3Error(
      operation: .putObject,
      cause: .service(ServiceError(code: S3ErrorCode(rawValue: "Any"), status: status)),
      attempts: 6, retryAfter: retryAfter)
  }

  @Test("There is none before anything has succeeded, nor for what will stay")
  func none() async {
    var trouble = Patience.Trouble()
    #expect(await !patience.isLeft(after: error(503), &trouble))
    patience.succeeded()
    #expect(await patience.isLeft(after: error(503), &trouble))
    #expect(await !patience.isLeft(after: error(403), &trouble))
  }

  @Test("A server that fails at one request while it answers others is not asked for ever")
  func failing() async {
    patience.succeeded()
    var trouble = Patience.Trouble()
    #expect(await patience.isLeft(after: error(500), &trouble))
    patience.succeeded()
    #expect(await patience.isLeft(after: error(500), &trouble))
    patience.succeeded()
    #expect(await !patience.isLeft(after: error(500), &trouble))
    // One that is busy, or a line that breaks, is another matter.
    var other = Patience.Trouble()
    for _ in 0..<5 {
      #expect(await patience.isLeft(after: error(503), &other))
      patience.succeeded()
    }
  }

  @Test("It is exhausted once nothing has got through for its length, and no more with a success")
  func exhausted() async {
    for limit in [Duration.zero, .seconds(60)] {
      let patience = Patience(limit) { _ in }
      #expect(!patience.isExhausted)
      var trouble = Patience.Trouble()
      // Who has never had an answer waits for none.
      _ = await patience.isLeft(after: error(500), &trouble)
      #expect(patience.isExhausted)
      patience.succeeded()
      #expect(!patience.isExhausted)
      _ = await patience.isLeft(after: error(500), &trouble)
      #expect(patience.isExhausted == (limit == .zero))
    }
  }

  @Test("Time in which all transfers stand still does not count")
  func still() async {
    let now = Mutex(ContinuousClock.now)
    let patience = Patience(.seconds(60)) { _ in
    } clock: {
      now.withLock { $0 }
    }
    func pass(_ duration: Duration) { now.withLock { $0 += duration } }
    patience.succeeded()
    pass(.seconds(1))
    var trouble = Patience.Trouble()
    #expect(await patience.isLeft(after: error(503), &trouble))
    pass(.seconds(30))
    patience.note(isStill: true)
    pass(.seconds(600))
    patience.note(isStill: true)
    pass(.seconds(600))
    #expect(!patience.isExhausted)
    patience.note(isStill: false)
    #expect(!patience.isExhausted)
    #expect(await patience.isLeft(after: error(503), &trouble))
    pass(.seconds(30))
    #expect(patience.isExhausted)
    #expect(await !patience.isLeft(after: error(503), &trouble))
  }

  @Test("What an earlier round left open stays open, and later rounds are told of it")
  func doubt() async {
    patience.succeeded()
    var lost = error(503)
    lost.isInDoubt = true
    let answers = [lost, error(429), error(403)]
    var told: [S3Error.Cause?] = []
    let thrown = await #expect(throws: S3Error.self) {
      try await patience.keepTrying { (doubt) async throws(S3Error) in
        defer { told.append(doubt) }
        throw answers[told.count]
      }
    }
    #expect(told == [nil, lost.cause, lost.cause])
    #expect(thrown?.cause == answers.last?.cause && thrown?.isInDoubt == true)
  }

  @Test("The server is left alone for as long as it asks, when that is not too long")
  func retryAfter() async {
    patience.succeeded()
    var trouble = Patience.Trouble()
    #expect(await patience.isLeft(after: error(503, retryAfter: .seconds(30)), &trouble))
    #expect(waits.all.withLock { $0 } == [.seconds(30)])
    #expect(await !patience.isLeft(after: error(503, retryAfter: .seconds(120)), &trouble))
    #expect(waits.all.withLock { $0.count } == 1)
  }
}
