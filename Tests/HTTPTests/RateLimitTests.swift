import Testing

@testable import HTTP

@Suite("Rate limit")
struct RateLimitTests {
  private let start = ContinuousClock.now

  /// How many bytes move within `seconds`, when pieces of `piece` bytes always wait.
  private func moved(
    _ bucket: inout TokenBucket, piece: Int, from begin: Double = 0, seconds: Double
  ) -> Int {
    var total = 0
    var time = start + .seconds(begin)
    let end = time + .seconds(seconds)
    while time < end {
      while bucket.isOpen(at: time) {
        bucket.spend(piece)
        total += piece
      }
      time += bucket.wait(at: time) ?? .milliseconds(1)
    }
    return total
  }

  @Test(
    "As many bytes move as are allowed, however large the pieces",
    arguments: [(20_000, 1_000), (1_000_000, 16_384), (1_000_000, 524_288), (100_000_000, 65_536)])
  func rate(rate: Int, piece: Int) {
    var bucket = TokenBucket(rate: rate, at: start)
    let total = moved(&bucket, piece: piece, seconds: 20)
    let most = 20 * rate + max(rate / 10, 16_384) + piece
    #expect(total <= most && total >= 20 * rate - piece)
  }

  @Test("What was held back does not sleep once bytes may move again")
  func nap() {
    let limit = RateLimit(bytesPerSecond: 1_000_000)
    #expect(limit.nap() == .zero)
    limit.spend(500_000)
    let now = ContinuousClock.now
    #expect(limit.nap(at: now) == .milliseconds(100))
    #expect(limit.nap(at: now + .seconds(10)) == .zero)
    limit.spend(500_000)
    limit.bytesPerSecond = nil
    #expect(limit.nap() == .zero)
  }

  @Test("What stands still saves no more than a tenth of a second")
  func idle() {
    var bucket = TokenBucket(rate: 1_000_000, at: start)
    bucket.spend(100_000)
    let allowance = bucket.allowance(at: start + .seconds(3600))
    #expect(allowance == 100_000)
  }

  @Test("A new limit is felt at once, a debt under the old one is forgiven")
  func change() {
    var bucket = TokenBucket(rate: 1_000, at: start)
    bucket.spend(1_000_000)
    let wasOpen = bucket.isOpen(at: start + .seconds(1))
    bucket.setRate(10_000_000, at: start + .seconds(1))
    let isOpen = bucket.isOpen(at: start + .seconds(1.1))
    #expect(!wasOpen && isOpen)
    let total = moved(&bucket, piece: 1_000, from: 1.1, seconds: 1)
    #expect(total > 9_000_000)
  }

  @Test("Without a limit everything may move")
  func none() {
    let limit = RateLimit()
    limit.spend(1 << 40)
    #expect(limit.isOpen() && limit.allowance() == nil && limit.nap() == .zero)
    limit.bytesPerSecond = 5
    limit.spend(1 << 20)
    #expect(!limit.isOpen() && limit.nap() > .zero)
    limit.bytesPerSecond = nil
    #expect(limit.isOpen())
  }
}

@Suite("Rate limit on the line", .timeLimit(.minutes(5)))
struct RateLimitTransportTests {
  @Test("What is held back goes on once the limit is gone, and arrives whole both ways")
  func lifted() async throws {
    let body = [UInt8](repeating: 7, count: 400_000)
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
        connection.send(request.body.isEmpty ? body : request.body)
      }
    }
    let limit = RateLimit()
    let transport = CurlTransport(configuration: .init(rateLimit: limit))
    for sent in [[], body] {
      limit.bytesPerSecond = 1
      let counter = ByteCounter()
      async let response = transport.send(
        HTTPRequest(
          method: sent.isEmpty ? .get : .put, url: server.url + "/",
          body: sent.isEmpty ? .none : .bytes(sent), progress: counter,
          stallTimeout: .milliseconds(200)))
      while counter.value == 0 { await Task.yield() }
      // At this rate it would take days, and looks stalled for longer than it may.
      #expect(counter.value < Int64(body.count))
      limit.bytesPerSecond = nil
      #expect(try await response.body == body)
    }
  }
}
