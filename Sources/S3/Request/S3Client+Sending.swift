internal import HTTP

extension S3Client {
  /// Sends `call` until it succeeds, fails for good, or the retry policy gives up.
  ///
  /// - Parameters:
  ///   - reception: makes a new one for each attempt.
  ///   - settling: asked when a server refuses the request after an attempt that left in doubt
  ///     whether it was carried out.
  ///   - doubting: called before a request is sent again that may have been carried out.
  func send<Value>(
    _ call: S3Call, reception: () -> Reception<Value>,
    settling: (ServiceError) async throws(S3Error) -> Settlement<Value> = { _ in .refused },
    doubting: () -> Void = {}
  ) async throws(S3Error) -> Value {
    var attempt = Attempt(call: call)
    defer { if let request = attempt.toldAs { retryObserver?(.ended(request: request)) } }
    while true {
      let reception = reception()
      let countBefore = call.progress?.value ?? 0
      let failure: Failure
      do {
        return try await sendOnce(&attempt, reception)
      } catch {
        failure = error
      }
      let moved = call.progress.map { $0.value - countBefore }
      if let moved { call.progress?.add(-moved) }
      // Without its whole body no request is carried out.
      let isWhole = moved.map { $0 >= call.body.count } ?? true
      guard let wait = waitBeforeNext(&attempt, after: failure, reception.isRepeatable()) else {
        var cause = failure.cause
        if case .service(let refusal) = cause, let doubt = attempt.doubt {
          switch try await settling(refusal) {
          case .done(let value): return value
          case .refused: break
          case .unknown: cause = doubt
          }
        }
        let isInDoubt =
          attempt.doubt != nil
          || (isWhole && attempt.sent > 0
            && (failure.leavesDoubt || failure.cause == .transport(.cancelled)))
        throw S3Error(
          operation: call.operation, cause: cause, attempts: attempt.sent, isInDoubt: isInDoubt,
          retryAfter: failure.retryAfter(now: now()))
      }
      if isWhole, failure.leavesDoubt, attempt.doubt == nil {
        attempt.doubt = failure.cause
        doubting()
      }
      guard wait > .zero else { continue }
      do {
        try await self.wait(wait)
      } catch {
        throw S3Error(
          operation: call.operation, cause: .transport(.cancelled), attempts: attempt.sent,
          isInDoubt: attempt.doubt != nil)
      }
    }
  }

  /// The same for an answer that is kept in memory.
  func send<Value>(
    _ call: S3Call, decode: @escaping (HTTPResponse) throws(S3Error.Cause) -> Value,
    settling: (ServiceError) async throws(S3Error) -> Settlement<Value> = { _ in .refused },
    doubting: () -> Void = {}
  ) async throws(S3Error) -> Value {
    try await send(
      call, reception: { Reception(decode: decode) }, settling: settling, doubting: doubting)
  }

  private func sendOnce<Value>(
    _ attempt: inout Attempt, _ reception: Reception<Value>
  ) async throws(Failure) -> Value {
    guard !Task.isCancelled else { throw Failure(cause: .transport(.cancelled)) }
    if let expired = attempt.expired {
      attempt.expired = nil
      await self.credentials.discard(expired)
    }
    let credentials: Credentials
    do {
      credentials = try await self.credentials.credentials()
    } catch {
      throw Failure(cause: .credentials(error))
    }
    attempt.credentials = credentials
    attempt.region = attempt.call.region ?? homeRegion(of: attempt.call.bucket)
    let patience = attempt.call.isLong ? memory.stallFactor : 1
    let start = patience > 1 ? ContinuousClock.now : nil
    attempt.call.stallFactor = max(attempt.call.stallFactor, patience)
    var request: HTTPRequest
    do throws(S3Error.Cause) {
      request = try signed(attempt.call, region: attempt.region ?? region, credentials)
    } catch {
      throw Failure(cause: error)
    }
    request.responseBody = reception.body
    request.accepts = reception.accepts

    attempt.sent += 1
    let response: HTTPResponse
    do {
      response = try await transport.send(request)
    } catch .refused(let head) {
      let cause = reception.refusal() ?? .malformedAnswer("the answer was refused")
      throw Failure(cause: cause, head: head)
    } catch {
      if error == .stalled, attempt.call.isLong {
        memory.noteStall(after: attempt.call.stallFactor)
      }
      throw Failure(cause: .transport(error))
    }
    if let start, start.duration(to: .now) < stallTimeout { memory.noteArrival() }
    if let date = response.headers["Date"].flatMap({ Timestamp(httpDate: $0) }) {
      memory.serverOffset = date.since(now())
    }
    guard response.head.isSuccess else { throw Failure(answer: response, to: attempt.call) }
    do throws(S3Error.Cause) {
      return try reception.decode(response)
    } catch {
      throw Failure(cause: error, head: response.head)
    }
  }

  /// As far as it is known; the client's own otherwise.
  func homeRegion(of bucket: BucketName?) -> Region {
    bucket.flatMap(AccessPoint.init)?.region ?? memory.region(of: bucket) ?? region
  }

  /// The request with a date and a signature of this moment.
  ///
  /// Not inlined, like ``waitBeforeNext(_:after:_:)``: the room for its locals would be taken for as
  /// long as the request is under way, and hundreds are.
  @inline(never)
  private func signed(
    _ call: S3Call, region: Region, _ credentials: Credentials
  ) throws(S3Error.Cause) -> HTTPRequest {
    let timestamp = now().advanced(by: memory.clockOffset)
    let target = try S3Target(
      endpoint: endpoint.inRegion(region), bucket: call.bucket, key: call.key,
      isAboutBucketItself: [.createBucket, .deleteBucket].contains(call.operation))
    var headers = call.headers
    headers.reserveCapacity(headers.count + 4)
    guard !credentials.isAnonymous else {
      return try request(call, target, headers)
    }
    headers.append(HTTPHeader("x-amz-content-sha256", call.payloadHash))
    let signer = SigV4Signer(
      accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey,
      region: region.text, timestamp: timestamp, keys: memory.signingKeys)
    headers.append(HTTPHeader("x-amz-date", signer.date))
    if let token = credentials.sessionToken {
      headers.append(HTTPHeader("x-amz-security-token", token.revealed))
    }
    let authorization = signer.authorization(
      for: SigV4Signer.Request(
        method: call.method.rawValue, path: target.path, query: call.query,
        headers: headers + [HTTPHeader("Host", target.host)], payloadHash: call.payloadHash))
    headers.append(HTTPHeader("Authorization", authorization))
    return try request(call, target, headers)
  }

  private func request(
    _ call: S3Call, _ target: S3Target, _ headers: [HTTPHeader]
  ) throws(S3Error.Cause) -> HTTPRequest {
    for header in headers where !header.value.fitsHeader {
      throw .invalidRequest("the value of \(header.name) has a control character")
    }
    return HTTPRequest(
      method: call.method, url: target.url(query: call.query), headers: headers, body: call.body,
      progress: call.progress, stallTimeout: stallTimeout * call.stallFactor)
  }

  /// How long to wait before the next attempt; nil when there will be none.
  @inline(never)
  private func waitBeforeNext(
    _ attempt: inout Attempt, after failure: Failure, _ isRepeatable: Bool
  ) -> Duration? {
    let instant = ContinuousClock.now
    let firstFailure = attempt.firstFailure ?? instant
    attempt.firstFailure = firstFailure
    attempt.failures += 1
    guard isRepeatable else { return nil }
    // It may be back in a while, and nothing has been asked of it meanwhile.
    let isAway = failure.leftServerUnasked && memory.serverOffset != nil
    let deadline =
      isAway ? max(retryPolicy.deadline, retryPolicy.persistence) : retryPolicy.deadline
    let isPersistent =
      isAway && firstFailure.duration(to: instant) < retryPolicy.persistence
    guard attempt.failures < retryPolicy.maxAttempts || isPersistent else { return nil }
    if adjust(&attempt, to: failure) { return .zero }
    guard failure.isTransient(for: attempt.call) else { return nil }
    let wait = retryPolicy.wait(
      afterAttempt: attempt.failures, retryAfter: failure.retryAfter(now: now()),
      random: Double.random(in: 0...1))
    guard firstFailure.duration(to: instant) + wait <= deadline else { return nil }
    if let retryObserver {
      let request = attempt.toldAs ?? RetryNotice.numberOfNextRequest()
      attempt.toldAs = request
      retryObserver(
        .failed(
          RetryNotice(
            request: request, operation: attempt.call.operation, attempt: attempt.failures,
            maxAttempts: max(retryPolicy.maxAttempts, attempt.failures + 1), cause: failure.cause,
            wait: wait)))
    }
    return wait
  }

  /// Learns from a refusal what to do otherwise, each kind of thing once per call.
  private func adjust(_ attempt: inout Attempt, to failure: Failure) -> Bool {
    if let region = failure.bucketRegion, region != attempt.region,
      attempt.adjustments.insert(.region).inserted
    {
      memory.remember(region, of: attempt.call.bucket)
      attempt.call.region = nil
      return true
    }
    guard case .service(let error) = failure.cause else { return false }
    if let serverTime = failure.date, isAboutClock(error, attempt.call, serverTime),
      attempt.adjustments.insert(.clock).inserted
    {
      let offset = serverTime.since(now())
      if memory.correctClock(by: offset) { clockObserver?(offset) }
      return true
    }
    guard attempt.credentials?.sessionToken != nil, !attempt.adjustments.contains(.credentials),
      isAboutToken(error, attempt.call)
    else { return false }
    attempt.adjustments.insert(.credentials)
    attempt.expired = attempt.credentials
    return true
  }

  /// An answer to HEAD names no reason: there the clocks themselves tell.
  private func isAboutClock(
    _ error: ServiceError, _ call: S3Call, _ serverTime: Timestamp
  ) -> Bool {
    if error.code == .requestTimeTooSkewed { return true }
    guard call.method == .head, error.status == 403 else { return false }
    let offset = serverTime.since(now().advanced(by: memory.clockOffset))
    return offset > Self.tolerableSkew || offset < .zero - Self.tolerableSkew
  }

  /// An answer to HEAD names no reason, and 400 is what a token gets that has ended; and every request
  /// for an object under a customer's key, which takes no new ones each time.
  private func isAboutToken(_ error: ServiceError, _ call: S3Call) -> Bool {
    error.code == .expiredToken
      || (call.method == .head && error.status == 400 && memory.mayDoubtToken(at: now()))
  }

  /// Source: Amazon S3 API Reference, "Authenticating Requests", where a request that is dated
  /// otherwise is refused.
  private static let tolerableSkew = Duration.seconds(15 * 60)
}

/// What is known of a call's attempts so far.
private struct Attempt {
  enum Adjustment {
    case region
    case clock
    case credentials
  }

  var call: S3Call
  var sent = 0
  /// Also of those that were not sent for want of keys.
  var failures = 0
  var firstFailure: ContinuousClock.Instant?
  /// The number by which the observer knows the request, once it was told of it.
  var toldAs: Int?
  var adjustments: Set<Adjustment> = []
  /// The first failure after which the request may have been carried out all the same.
  var doubt: S3Error.Cause?
  /// Those of the last attempt.
  var region: Region?
  var credentials: Credentials?
  /// What the server called expired, until the provider has been told.
  var expired: Credentials?

  init(call: S3Call) {
    self.call = call
    doubt = call.doubt
  }
}

extension Endpoint {
  /// Amazon S3 has a host for each region; any other store is asked where it is, whatever it says.
  func inRegion(_ region: Region) -> Endpoint {
    awsRegion == nil || awsRegion == region ? self : .aws(region: region, options)
  }
}

extension String {
  /// Whether a header can carry the text: a line break would begin another header.
  fileprivate var fitsHeader: Bool {
    allBytes { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
  }
}
