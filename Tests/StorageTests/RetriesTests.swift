import HTTP
import Synchronization
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
