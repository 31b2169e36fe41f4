internal import CCurl
internal import SystemPackage

/// One request under way, and what has come of it so far.
///
/// Lives on the thread of ``CurlLoop``, and so do libcurl's calls that feed it.
final class Exchange {
  typealias ID = UInt64

  /// The head of an answer may have this many bytes, over all its fields.
  static let headLimit = 256 * 1024
  private static let usualFieldCount = 16

  let id: ID
  let request: HTTPRequest
  let origin: HTTPRequest.Origin
  private let answer: CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>

  /// That of its origin.
  var queue: OriginQueue?
  /// The easy handle in use; `nil` while the exchange waits for its turn, and after its end.
  var slot: EasySlot?
  /// The last that libcurl opened for it, until a connection stands.
  var openedSocket: curl_socket_t?
  var stallWatch: StallWatch?
  private(set) var isEnded = false
  /// Shared with all that move bodies.
  private let limit: RateLimit?
  /// Whether libcurl has been told to pause it until the limit lets bytes move again.
  private(set) var isHeldBack = false
  /// Grows while it is held back, so that it does not count as stalled.
  private var holdCount: Int64 = 0

  private var timesStarted = 0
  private var readPosition: Int64 = 0
  /// The furthest that a start before the present one has read to.
  private var furthestRead: Int64 = 0
  private var isSentCountKept = false
  private var sentCount: Int64 = 0

  private var head = HTTPResponseHead(status: 0, headers: [])
  private var headByteCount = 0
  private var isHeadComplete = false
  private var body: [UInt8] = []
  private var bodyCount: Int64 = 0
  /// Where a large body waits to be written to its file.
  private var gathered: WriteBuffer?
  /// The rest of an error document was left where it is.
  private var isCutShort = false
  private var failure: HTTPError?

  init(
    id: ID, request: HTTPRequest, origin: HTTPRequest.Origin, limit: RateLimit?,
    answer: CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>
  ) {
    self.limit = limit
    self.id = id
    self.request = request
    self.origin = origin
    self.answer = answer
  }

  /// Whether the connection stands. Until then the connect timeout counts, not the stall timeout.
  var isConnected: Bool { timesStarted > 0 }
  var wasStartedAgain: Bool { timesStarted > 1 }

  /// Grows whenever a byte has been handed to the kernel or come from there, and while none may.
  var movedByteCount: Int64 { Int64(headByteCount) + bodyCount + sentCount + holdCount }

  // MARK: Holding back

  /// Whether bytes of its body may move now. Otherwise libcurl is to be told to pause, and
  /// ``CurlLoop`` goes on with it when they may.
  func mayMove() -> Bool {
    guard let limit, !limit.isOpen() else { return true }
    isHeldBack = true
    return false
  }

  func goOn() { isHeldBack = false }

  func noteHold() {
    if isHeldBack { holdCount += 1 }
  }

  // MARK: State

  /// Whether the body has been sent, and nothing has come back for it.
  var isServerAtWork: Bool {
    request.body.count > 0 && sentCount == request.body.count && head.headers.isEmpty
  }

  /// Whether some of its body has been sent, and some has not.
  var isSending: Bool { (1..<max(request.body.count, 1)).contains(sentCount) }

  /// Gives the caller its answer, once.
  func end(with result: Result<HTTPResponse, HTTPError>) {
    guard !isEnded else { return }
    isEnded = true
    // The caller may have the same bytes fetched again, or the file removed.
    gathered?.discard()
    answer.resume(returning: result)
  }

  // MARK: Sending

  /// Called when a connection stands and nothing has been sent over it.
  ///
  /// libcurl starts again by itself when a reused connection turns out to be closed. It cannot
  /// know whether the request was carried out before that, so only a reading one may go out twice;
  /// for the others the caller decides, and signs anew.
  func isReadyToSend() -> Bool {
    if timesStarted > 0 {
      // 417 is the server's word that it did nothing but dislike the Expect field.
      guard request.method == .get || request.method == .head || head.status == 417 else {
        failure = .connectionLost(reason: "the connection was closed before an answer came")
        keepSentCount()
        return false
      }
      head = HTTPResponseHead(status: 0, headers: [])
      isHeadComplete = false
      body = []
      bodyCount = 0
    }
    timesStarted += 1
    return true
  }

  /// Fills `buffer` with the next bytes of the body.
  ///
  /// - Returns: how many, 0 at the end; `nil` when there is none to be had.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    var count = Int(min(Int64(buffer.count), request.body.count - readPosition))
    guard count > 0 else { return 0 }
    if let allowance = limit?.allowance() { count = min(count, max(allowance, 1)) }
    let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
    switch request.body {
    case .none:
      return 0
    case .bytes(let bytes):
      let start = Int(readPosition)
      bytes.withUnsafeBytes {
        piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
      }
      readPosition += Int64(count)
      limit?.spend(count)
      return count
    case .file(let slice):
      do {
        let read = try slice.file.descriptor.read(
          fromAbsoluteOffset: slice.offset + readPosition, into: piece)
        guard read > 0 else {
          failure = .fileTooShort
          return nil
        }
        readPosition += Int64(read)
        limit?.spend(read)
        return read
      } catch {
        failure = .file(error as? Errno ?? .ioError)
        return nil
      }
    }
  }

  func rewind(to offset: Int64) {
    furthestRead = max(furthestRead, readPosition)
    readPosition = offset
  }

  /// Leaves the count at what may have left at the first start, now that there is no second one:
  /// libcurl counts from 0 again, and who asks whether the whole body has left must not hear no.
  private func keepSentCount() {
    let furthest = max(furthestRead, readPosition)
    let mayBeWhole = request.bodySentAtOnce != nil || furthest >= request.body.count
    noteSent(mayBeWhole ? request.body.count : max(furthest, sentCount))
    isSentCountKept = true
  }

  /// - Parameter count: bytes of the body in the kernel's hands; less than before after a rewind.
  func noteSent(_ count: Int64) {
    guard count != sentCount, !isSentCountKept else { return }
    request.progress?.add(count - sentCount)
    sentCount = count
  }

  // MARK: Receiving

  /// Takes one line of the head, its line break included.
  ///
  /// - Returns: false to end the request, with `failure` set.
  func receiveHeaderLine(_ line: UnsafeRawBufferPointer) -> Bool {
    headByteCount += line.count
    guard headByteCount <= Self.headLimit else {
      failure = .malformedAnswer(reason: "the head of the answer is longer than 256 KiB")
      return false
    }
    // What comes after the body is a trailer; nothing here waits for one.
    guard !isHeadComplete else { return true }
    var end = line.count
    while end > 0, line[end - 1] == 0x0a || line[end - 1] == 0x0d { end -= 1 }
    guard let first = line[..<end].first else { return headEnded() }
    if line[..<end].starts(with: "HTTP/".utf8) {
      let status = line[..<end].drop { $0 != UInt8(ascii: " ") }.dropFirst()
        .prefix { $0 != UInt8(ascii: " ") }
      head = HTTPResponseHead(
        status: Int(String(decoding: status, as: UTF8.self)) ?? 0, headers: [])
      head.headers.reserveCapacity(Self.usualFieldCount)
    } else if first.isBlank, let last = head.headers.indices.last {
      // RFC 9112, section 5.2: a folded line goes on with the field before.
      head.headers[last].value += " " + line.text(0..<end)
    } else if let colon = line.firstIndex(of: UInt8(ascii: ":"), before: end) {
      head.headers.append(HTTPHeader(line.text(0..<colon), line.text(colon + 1..<end)))
    }
    return true
  }

  private func headEnded() -> Bool {
    // 100 Continue and its like: the answer is yet to come.
    guard !(100..<200).contains(head.status) else { return true }
    isHeadComplete = true
    guard head.isSuccess else { return true }
    if let accepts = request.accepts, !accepts(head) {
      failure = .refused(head)
      return false
    }
    let length = head.headers["content-length"].flatMap { Int64($0) }
    if case .file(let file, let offset, limit: _, let digest) = request.responseBody {
      digest?.begin(head)
      let isSmall = (length ?? .max) <= Int64(WriteBuffer.enough) / 4
      gathered = isSmall ? nil : WriteBuffer(file, at: offset)
    }
    guard request.method != .head, let length else { return true }
    if let limit = request.responseBody.limit, length > limit {
      failure = .bodyTooLarge(limit: limit)
      return false
    }
    if case .memory = request.responseBody {
      body.reserveCapacity(Int(length))
    }
    return true
  }

  /// Takes the next bytes of the body.
  ///
  /// - Returns: false to end the request, with `failure` or `isCutShort` set.
  func receiveBody(_ piece: UnsafeRawBufferPointer) -> Bool {
    guard head.isSuccess else {
      body.append(contentsOf: piece.prefix(HTTPRequest.errorBodyLimit - body.count))
      bodyCount = Int64(body.count)
      isCutShort = body.count == HTTPRequest.errorBodyLimit
      return !isCutShort
    }
    if let limit = request.responseBody.limit, bodyCount + Int64(piece.count) > limit {
      failure = .bodyTooLarge(limit: limit)
      return false
    }
    switch request.responseBody {
    case .memory:
      body.append(contentsOf: piece)
    case .file(let file, let offset, limit: _, let digest):
      do {
        if let gathered {
          try gathered.add(piece)
        } else {
          try file.descriptor.writeAll(toAbsoluteOffset: offset + bodyCount, piece)
        }
      } catch {
        failure = .file(error as? Errno ?? .ioError)
        return false
      }
      digest?.update(piece)
    case .pieces(let take):
      guard take(piece) else {
        failure = .refused(head)
        return false
      }
    }
    bodyCount += Int64(piece.count)
    request.progress?.add(Int64(piece.count))
    limit?.spend(piece.count)
    return true
  }

  // MARK: Ending

  /// What came of the request once libcurl is done with it; `nil` for `error` is libcurl's success.
  func result(error: HTTPError?) -> Result<HTTPResponse, HTTPError> {
    if let failure { return .failure(failure) }
    if let error, !isCutShort { return .failure(error) }
    guard isHeadComplete else {
      return .failure(.malformedAnswer(reason: "the answer has no complete head"))
    }
    if head.isSuccess, sentCount < request.body.count {
      return .failure(
        .connectionLost(reason: "the server said done before it had the whole body"))
    }
    do {
      try gathered?.flush()
    } catch {
      return .failure(.file(error as? Errno ?? .ioError))
    }
    return .success(HTTPResponse(head: head, body: body, bodyCount: bodyCount))
  }
}

/// An easy handle that one exchange after another makes use of.
final class EasySlot {
  var easy: EasyHandle

  init?() {
    guard let easy = EasyHandle() else { return nil }
    self.easy = easy
  }
}

extension HTTPResponseBody {
  /// In bytes; `nil` where the receiver of the pieces decides.
  var limit: Int64? {
    switch self {
    case .memory(let limit): Int64(limit)
    case .file(_, offset: _, let limit, digest: _): limit
    case .pieces: nil
    }
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }
}

// By position: a slice of it takes several times as long, and each answer has a dozen lines.
extension UnsafeRawBufferPointer {
  /// As text, without the blanks and tabs around it.
  fileprivate func text(_ range: Range<Int>) -> String {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, self[start].isBlank { start += 1 }
    while end > start, self[end - 1].isBlank { end -= 1 }
    return String(decoding: UnsafeRawBufferPointer(rebasing: self[start..<end]), as: UTF8.self)
  }

  fileprivate func firstIndex(of byte: UInt8, before end: Int) -> Int? {
    (0..<end).first { self[$0] == byte }
  }
}
