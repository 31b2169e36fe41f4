import HTTP
import S3
import Synchronization

/// Sends through libcurl, writes down what is sent, and lets a test look or wait around it.
final class WatchedTransport: HTTPTransport {
  typealias Hook = @Sendable (HTTPRequest) async -> Void
  typealias AnswerHook = @Sendable (HTTPRequest) async throws(HTTPError) -> Void

  private struct State {
    var sent: [SentRequest] = []
    var before: Hook?
    var after: AnswerHook?
    var change: (@Sendable (SentRequest, HTTPResponse) -> HTTPResponse)?
    var stand: (@Sendable (SentRequest) -> HTTPResponse?)?
  }

  private static let curl = CurlTransport()
  private let state = Mutex(State())

  /// Called with each request before it is sent. A request that is cancelled there is not sent.
  func beforeEach(_ hook: @escaping Hook) {
    state.withLock { $0.before = hook }
  }

  /// Called with each request whose answer has come, before the answer is handed on. An answer
  /// for which it throws gets lost.
  func afterEach(_ hook: @escaping AnswerHook) {
    state.withLock { $0.after = hook }
  }

  /// Puts another answer in place of the server's.
  func changeAnswers(
    _ change: @escaping @Sendable (SentRequest, HTTPResponse) -> HTTPResponse
  ) {
    state.withLock { $0.change = change }
  }

  /// Answers in place of the server, to which nothing is sent then.
  func answerInPlace(_ stand: @escaping @Sendable (SentRequest) -> HTTPResponse?) {
    state.withLock { $0.stand = stand }
  }

  var sent: [SentRequest] { state.withLock { $0.sent } }
  var sentChanges: [SentRequest] { sent.filter(\.isChange) }

  func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let (before, after, change, stand) = state.withLock {
      ($0.before, $0.after, $0.change, $0.stand)
    }
    await before?(request)
    guard !Task.isCancelled else { throw .cancelled }
    state.withLock { $0.sent.append(SentRequest(request)) }
    if let response = stand?(SentRequest(request)) { return Self.delivered(response, to: request) }
    let response = try await Self.curl.send(request)
    try await after?(request)
    return change?(SentRequest(request), response) ?? response
  }
}

extension WatchedTransport {
  /// A listing is read piece by piece, as from a server.
  private static func delivered(
    _ response: HTTPResponse, to request: HTTPRequest
  ) -> HTTPResponse {
    guard response.head.isSuccess, case .pieces(let take) = request.responseBody else {
      return response
    }
    _ = response.body.withUnsafeBytes(take)
    return HTTPResponse(head: response.head, bodyCount: response.bodyCount)
  }
}

extension HTTPResponse {
  static func success(_ text: String) -> HTTPResponse {
    let body = Array(text.utf8)
    return HTTPResponse(
      head: HTTPResponseHead(status: 200, headers: []), body: body, bodyCount: Int64(body.count))
  }

  /// An error as S3 words it, which may come with 200 as well.
  static func refusal(_ status: Int, _ code: String) -> HTTPResponse {
    let body = Array("<Error><Code>\(code)</Code></Error>".utf8)
    return HTTPResponse(
      head: HTTPResponseHead(status: status, headers: []), body: body,
      bodyCount: Int64(body.count))
  }
}

/// What a request says it does.
struct SentRequest: Sendable, Hashable {
  var method: HTTPMethod
  var bucket: String
  /// Percent-decoded.
  var key: ObjectKey
  var query: [String: String]
  /// Those that a DeleteObjects names.
  var listedKeys: [String]
  /// Of the headers about the source of a copy, their names in lower case.
  var copySource: [String: String]

  init(_ request: HTTPRequest) {
    method = request.method
    let target =
      request.url.split(
        separator: "/", maxSplits: 3, omittingEmptySubsequences: false
      ).last ?? ""
    let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = (halves.first ?? "").split(
      separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    bucket = String(path.first ?? "")
    key = path.count > 1 ? ObjectKey(bytes: Self.decoded(path[1])) : .empty
    query = [:]
    for item in (halves.count > 1 ? halves[1] : "").split(separator: "&") {
      let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      query[String(pair[0])] = pair.count > 1 ? String(pair[1]) : ""
    }
    listedKeys = []
    copySource = [:]
    for header in request.headers where header.name.hasPrefix("x-amz-copy-source") {
      copySource[header.name] = header.value
    }
    if query["delete"] != nil, case .bytes(let body) = request.body {
      listedKeys = String(decoding: body, as: UTF8.self).split(separator: "<Key>").dropFirst()
        .compactMap { $0.split(separator: "</Key>").first.map(String.init) }
    }
  }

  var isChange: Bool { method != .get && method != .head }
  var isCopy: Bool { !copySource.isEmpty }
  var isPart: Bool { query["partNumber"] != nil }
  var isCreateUpload: Bool { method == .post && query["uploads"] != nil }
  var isCompleteUpload: Bool { method == .post && query["uploadId"] != nil }
  var isAbortUpload: Bool { method == .delete && query["uploadId"] != nil }

  private static func decoded(_ text: Substring) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}

/// Holds whoever comes to it, until the test opens it or their task is cancelled.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    /// One for each who stands there: a stream whose reader is cancelled ends for all its readers,
    /// and would let the others through.
    var waiting: [AsyncStream<Void>.Continuation] = []
  }

  private let arrivals = AsyncStream.makeStream(of: Void.self)
  private let state = Mutex(State())

  func pass() async {
    let own = AsyncStream.makeStream(of: Void.self)
    state.withLock { state in
      if state.isOpen {
        own.continuation.finish()
      } else {
        state.waiting.append(own.continuation)
      }
    }
    arrivals.continuation.yield()
    for await _ in own.stream {}
  }

  /// As ``pass()``, and does not care about cancellation: what the server has done stays done.
  func passUncancelled() async {
    await Task { await self.pass() }.value
  }

  /// Returns once somebody stands there.
  func arrived() async {
    for await _ in arrivals.stream { return }
  }

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.finish() }
  }
}

/// True a number of times, then never again.
final class Countdown: Sendable {
  private let left: Mutex<Int>

  init(_ count: Int) {
    left = Mutex(count)
  }

  func next() -> Bool {
    left.withLock { left in
      guard left > 0 else { return false }
      left -= 1
      return true
    }
  }
}
