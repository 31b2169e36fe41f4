import HTTP
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
}
