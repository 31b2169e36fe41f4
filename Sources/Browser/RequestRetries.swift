import Storage
import TextUI

/// Which requests failed and are being sent again. A view asks for the one that it waits for, so that
/// nothing shows of those that nobody waits for any more.
struct RequestRetries: Sendable {
  private var statuses: [RequestID: RetryStatus] = [:]

  /// - Parameter status: nil once the request is through, or given up.
  mutating func note(_ status: RetryStatus?, of request: RequestID) { statuses[request] = status }

  subscript(request: RequestID?) -> RetryStatus? { request.flatMap { statuses[$0] } }

  /// What goes on, and behind it what holds it up: `Signing…  retrying 2/5: SlowDown`.
  func line(_ words: String, _ request: RequestID?, _ style: StyleRole = .normal) -> Line {
    let line = Line(words, style)
    return self[request].map { line + Line("  \($0.words)", .warning) } ?? line
  }
}
