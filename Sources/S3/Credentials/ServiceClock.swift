internal import HTTP
internal import Synchronization

/// The system's clock, corrected by what the services that lend credentials date their answers with:
/// they refuse what is dated far from their own time, and what they lend ends by it.
final class ServiceClock: Sendable {
  private let system: @Sendable () -> Timestamp
  private let offset = Mutex(Duration.zero)

  init(_ system: @escaping @Sendable () -> Timestamp) {
    self.system = system
  }

  /// Services refuse what is dated further off. A smaller difference is none: their dates have whole
  /// seconds, and take their time to come here.
  static let tolerance = Duration.seconds(5 * 60)

  var now: Timestamp { system().advanced(by: offset.withLock { $0 }) }

  func note(_ head: HTTPResponseHead) {
    guard let date = head.headers["Date"].flatMap({ Timestamp(httpDate: $0) }) else { return }
    let difference = date.since(system())
    let isOff = difference > Self.tolerance || difference < .zero - Self.tolerance
    offset.withLock { $0 = isOff ? difference : .zero }
  }
}

/// Tells a clock of the answers that come.
struct ClockedTransport: HTTPTransport {
  let transport: any HTTPTransport
  let clock: ServiceClock

  func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let answer = try await transport.send(request)
    clock.note(answer.head)
    return answer
  }
}
