import HTTP
import History
import S3
import Storage
import Synchronization
import SystemPackage
import Testing

@Suite("Upload of a stream")
struct StreamUploadTests {
  @Test("No more parts are sent at a time than requests are allowed", arguments: [1, 3])
  func requestsAtOnce(most: Int) async throws {
    var settings = TransferSettings.small
    settings.concurrentRequests = most
    try await ServerFixture.with(settings: settings) { fixture in
      let parts = Mutex((underWay: 0, most: 0, count: 0))
      fixture.transport.beforeEach { request in
        guard SentRequest(request).isPart else { return }
        parts.withLock { parts in
          parts.underWay += 1
          parts.most = max(parts.most, parts.underWay)
          parts.count += 1
        }
      }
      fixture.transport.afterEach { request in
        if SentRequest(request).isPart { parts.withLock { $0.underWay -= 1 } }
      }
      let stream = try FileDescriptor.open(try fixture.file("up", size: 31 << 20), .readOnly)
      defer { try? stream.close() }
      let result = try await fixture.service.upload(
        from: stream, to: fixture.location("up"), partSize: .mebibytes(5))
      #expect(result.size == .mebibytes(31))
      #expect(parts.withLock { $0.count } == 7)
      #expect(parts.withLock { $0.most } <= most)
    }
  }

  private static let once = RetryPolicy(
    maxAttempts: 1, base: .zero, cap: .zero, deadline: .seconds(60))

  private static var patient: TransferSettings {
    var settings = TransferSettings.small
    settings.patience = .seconds(60)
    return settings
  }

  @Test("A server that is busy is waited for once it has answered, since nothing can be read again")
  func busy() async throws {
    try await ServerFixture.with(settings: Self.patient, retryPolicy: Self.once) { fixture in
      let (parts, completions) = (Countdown(1), Countdown(1))
      fixture.transport.answerInPlace { request in
        let isRefused =
          (request.isPart && parts.next()) || (request.isCompleteUpload && completions.next())
        return isRefused ? .refusal(503, "SlowDown") : nil
      }
      let stream = try FileDescriptor.open(try fixture.file("up", size: 11 << 20), .readOnly)
      defer { try? stream.close() }
      let result = try await fixture.service.upload(
        from: stream, to: fixture.location("up"), partSize: .mebibytes(5))
      #expect(result.size == .mebibytes(11) && result.warning == nil)
      #expect(try await fixture.rows().map(\.outcome) == [.done])
    }
  }

  @Test("A completion whose answer is lost is known by its object when it is sent again later")
  func lostCompletion() async throws {
    try await ServerFixture.with(settings: Self.patient, retryPolicy: Self.once) { fixture in
      let losses = Countdown(1)
      fixture.transport.afterEach { (request) async throws(HTTPError) in
        if SentRequest(request).isCompleteUpload, losses.next() {
          throw .connectionLost(reason: "reset by the test")
        }
      }
      // Most servers remember no upload once it is done.
      fixture.transport.changeAnswers { request, response in
        request.isCompleteUpload ? .refusal(404, "NoSuchUpload") : response
      }
      let stream = try FileDescriptor.open(try fixture.file("up", size: 6 << 20), .readOnly)
      defer { try? stream.close() }
      let result = try await fixture.service.upload(
        from: stream, to: fixture.location("up"), partSize: .mebibytes(5))
      #expect(result.size == .mebibytes(6))
      #expect(fixture.transport.sent.count(where: \.isCompleteUpload) == 2)
      #expect(try await fixture.rows().map(\.outcome) == [.done])
    }
  }
}
