internal import HTTP

/// Why one attempt failed, with what the answer tells beside its error.
///
/// A class, so that a request which does not fail holds no room for it.
final class Failure: Error {
  let cause: S3Error.Cause
  let head: HTTPResponseHead?
  /// Where the bucket lives, as far as the answer says.
  let bucketRegion: Region?

  init(cause: S3Error.Cause, head: HTTPResponseHead? = nil) {
    self.cause = cause
    self.head = head
    bucketRegion = nil
  }

  /// From an answer that is not a success.
  init(answer: HTTPResponse, to call: S3Call) {
    head = answer.head
    let document = try? XMLElement(parsing: answer.body)
    var error = ServiceError(document: document, head: answer.head)
    if error.code.rawValue.isEmpty { error.code = S3ErrorCode(status: answer.status, call: call) }
    cause = .service(error)
    let isAboutRegion =
      [301, 307, 400].contains(answer.status) || error.code == .authorizationHeaderMalformed
    let region =
      isAboutRegion
      ? answer.headers["x-amz-bucket-region"] ?? document?.string("Region") : nil
    bucketRegion = region.flatMap(Region.init(fromServer:))
  }

  /// The server's clock.
  var date: Timestamp? { head?.headers["Date"].flatMap { Timestamp(httpDate: $0) } }

  /// How long the server asks to be left alone (RFC 9110, section 10.2.3).
  func retryAfter(now: Timestamp) -> Duration? {
    guard let text = head?.headers["Retry-After"] else { return nil }
    if let seconds = Int64(text), seconds >= 0 { return .seconds(seconds) }
    return Timestamp(httpDate: text).map { max($0.since(now), .zero) }
  }

  /// Whether no connection could be made, or no keys were to be had, so that nothing was asked.
  var leftServerUnasked: Bool {
    switch cause {
    case .transport(.noConnection), .transport(.unresolvedHost),
      .transport(.proxy(_, isPassing: true)), .credentials(.unavailable):
      true
    default: false
    }
  }

  /// Whether the same request may well succeed a moment later, and does no harm twice.
  func isTransient(for call: S3Call) -> Bool {
    switch cause {
    case .transport(let error): error.isTransient
    case .service(let error): error.isTransient
    case .malformedAnswer:
      [.completeMultipartUpload, .uploadPart, .uploadPartCopy].contains(call.operation)
        || ([.putObject, .copyObject].contains(call.operation) && !call.isConditional)
    case .checksumMismatch:
      [.putObject, .uploadPart].contains(call.operation) && !call.isConditional
    case .credentials(let error): error.isTransient
    case .invalidRequest: false
    }
  }

  /// Whether the server may have carried out the request although no answer says so.
  var leavesDoubt: Bool {
    switch cause {
    case .transport(.connectionLost), .transport(.stalled), .transport(.malformedAnswer),
      .malformedAnswer:
      true
    case .service(let error):
      // 501 says that the server cannot do it at all.
      (error.status >= 500 && error.status != 501) || error.status == 200
    default: false
    }
  }
}

extension ServiceError {
  /// - Parameter document: what the answer's body holds, when it is XML.
  init(document: XMLElement?, head: HTTPResponseHead) {
    let document = document?.name == "Error" ? document : document?["Error"]
    self.init(
      code: S3ErrorCode(document?.string("Code") ?? ""),
      message: document?.string("Message") ?? "", status: head.status,
      requestID: head.headers["x-amz-request-id"] ?? document?.string("RequestId"),
      hostID: head.headers["x-amz-id-2"] ?? document?.string("HostId"))
  }

  /// Source: S3 API Reference, "List of error codes"; 501 will be the same a moment later.
  var isTransient: Bool {
    switch code {
    case .slowDown, .requestTimeout, .internalError, .serviceUnavailable, .operationAborted,
      .badDigest, .conditionalRequestConflict, S3ErrorCode("Throttling"),
      S3ErrorCode("ThrottlingException"), S3ErrorCode("RequestThrottled"),
      S3ErrorCode("XAmzContentSHA256Mismatch"), S3ErrorCode("ContentSHA256Mismatch"):
      true
    default: [408, 429].contains(status) || (status >= 500 && status != 501)
    }
  }
}

extension ServiceError {
  /// Whether the server says that it knows no such request, rather than that this one is wrong.
  var isNotImplemented: Bool {
    [.notImplemented, .methodNotAllowed].contains(code) || [405, 501].contains(status)
  }
}

extension S3Error {
  /// Whether the server may refuse the form of the request, and would take a plainer one.
  var mayRefuseForm: Bool {
    guard case .service(let refusal) = cause else { return false }
    return refusal.isNotImplemented
      || [S3ErrorCode("InvalidArgument"), S3ErrorCode("InvalidRequest"), S3ErrorCode("HTTP400")]
        .contains(refusal.code)
  }
}

extension S3ErrorCode {
  /// Stands for the code where an answer has none, as those to HEAD.
  init(status: Int, call: S3Call) {
    self =
      switch status {
      case 301: .permanentRedirect
      case 307: .temporaryRedirect
      case 403: .accessDenied
      case 404 where call.key == nil: .noSuchBucket
      case 404: call.method == .head || call.method == .get ? .noSuchKey : S3ErrorCode("NotFound")
      case 405: .methodNotAllowed
      case 408: .requestTimeout
      case 412: .preconditionFailed
      case 416: .invalidRange
      case 500: .internalError
      case 501: .notImplemented
      case 503: .serviceUnavailable
      default: S3ErrorCode("HTTP\(status)")
      }
  }
}

extension Region {
  /// nil for a text that can be no region: it becomes part of a host name of Amazon S3.
  init?(fromServer text: String) {
    let isName = text.utf8.allSatisfy { byte in
      (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
    }
    guard isName, (1...40).contains(text.utf8.count), !text.hasPrefix("-"), !text.hasSuffix("-")
    else { return nil }
    self.init(text)
  }
}
