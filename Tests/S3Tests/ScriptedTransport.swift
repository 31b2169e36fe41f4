import HTTP
import Synchronization

/// Replays listed answers, one a request, and keeps the requests. It knows nothing of S3.
final class ScriptedTransport: HTTPTransport {
  enum Answer: Sendable {
    case response(Int, [HTTPHeader] = [], String = "")
    case failure(HTTPError)
    /// The connection breaks after these bytes of a successful body.
    case broken(Int, [HTTPHeader] = [], String)
  }

  private struct State {
    var answers: ArraySlice<Answer>
    var requests: [HTTPRequest] = []
  }

  private let state: Mutex<State>
  /// In bytes.
  private let pieceSize: Int

  init(_ answers: [Answer], pieceSize: Int = 4096) {
    state = Mutex(State(answers: answers[...]))
    self.pieceSize = pieceSize
  }

  var requests: [HTTPRequest] { state.withLock { $0.requests } }
  var leftOver: Int { state.withLock { $0.answers.count } }

  func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let answer = state.withLock { state in
      state.requests.append(request)
      return state.answers.popFirst()
    }
    switch answer {
    case nil: throw .invalidRequest(reason: "the script has no answer left")
    case .failure(let error):
      request.progress?.add(5)
      throw error
    case .response(let status, let headers, let body):
      return try deliver(HTTPResponseHead(status: status, headers: headers), body, to: request)
    case .broken(let status, let headers, let body):
      _ = try deliver(HTTPResponseHead(status: status, headers: headers), body, to: request)
      throw .connectionLost(reason: "scripted")
    }
  }

  private func deliver(
    _ head: HTTPResponseHead, _ text: String, to request: HTTPRequest
  ) throws(HTTPError) -> HTTPResponse {
    let body = Array(text.utf8)
    request.progress?.add(Int64(body.count))
    guard head.isSuccess else {
      return HTTPResponse(head: head, body: body, bodyCount: Int64(body.count))
    }
    if let accepts = request.accepts, !accepts(head) { throw .refused(head) }
    switch request.responseBody {
    case .memory, .file:
      return HTTPResponse(head: head, body: body, bodyCount: Int64(body.count))
    case .pieces(let take):
      for start in stride(from: 0, to: body.count, by: pieceSize) {
        let piece = body[start..<min(start + pieceSize, body.count)]
        guard piece.withUnsafeBytes(take) else { throw .refused(head) }
      }
      return HTTPResponse(head: head, bodyCount: Int64(body.count))
    }
  }
}
