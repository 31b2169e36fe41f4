internal import CCurl
internal import Synchronization

/// Runs every request of one ``CurlTransport`` on libcurl's multi interface.
///
/// Its executor is the thread that waits for the sockets, so libcurl is never entered from two
/// threads, and none of its calls costs a hop. At most `maxConnectionsPerHost` requests of an
/// origin are under way; the others wait here in the order they came.
actor CurlLoop {
  private let configuration: CurlTransport.Configuration
  private let statistics: CurlStatistics
  nonisolated let thread: CurlThread
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  private var exchanges: [Exchange.ID: Exchange] = [:]
  private var queues: [HTTPRequest.Origin: OriginQueue] = [:]
  private var activeCount = 0
  private var idleSlots: [EasySlot] = []
  private var nextStallCheck: ContinuousClock.Instant?
  /// Whether a limit on bytes a second may have paused some.
  private var mayHoldBack = false

  /// Its thread is to be started.
  init(
    multi: consuming MultiHandle, configuration: CurlTransport.Configuration,
    statistics: CurlStatistics
  ) {
    self.configuration = configuration
    self.statistics = statistics
    multi.setIdleConnections(configuration.maxConnectionsPerHost)
    thread = CurlThread(multi: multi)
  }

  deinit {
    thread.stop()
  }

  func perform(_ request: HTTPRequest, id: Exchange.ID, origin: HTTPRequest.Origin) async
    -> Result<HTTPResponse, HTTPError>
  {
    // A cancellation from here on finds the exchange by its number.
    guard !Task.isCancelled else { return .failure(.cancelled) }
    return await withCheckedContinuation { answer in
      let exchange = Exchange(
        id: id, request: request, origin: origin, limit: configuration.rateLimit, answer: answer)
      exchanges[id] = exchange
      let queue = queue(of: origin)
      exchange.queue = queue
      queue.add(exchange)
      startWaiting(queue)
    }
  }

  /// One round of the thread.
  ///
  /// - Returns: how long the thread may wait for sockets before the next one.
  func turn(cancelled: [Exchange.ID]) -> Duration {
    for id in cancelled {
      guard let exchange = exchanges[id] else { continue }
      end(exchange, with: .failure(.cancelled))
    }
    if activeCount > 0 { goOn() }
    // Also what nobody waits for: the end of an idle connection.
    thread.multi.perform { exchange, code in conclude(exchange, code) }
    guard activeCount > 0 else { return Self.idleWait }
    let wait = endStalled()
    guard mayHoldBack, let limit = configuration.rateLimit,
      exchanges.values.contains(where: \.isHeldBack)
    else { return wait }
    return min(wait, limit.nap())
  }

  /// Goes on with what the limit on bytes a second has held back, once it lets bytes move.
  private func goOn() {
    guard let limit = configuration.rateLimit else { return }
    let isLimited = limit.bytesPerSecond != nil
    // Once more after the limit is gone, for those that it still holds.
    guard isLimited || mayHoldBack else { return }
    mayHoldBack = isLimited
    for exchange in exchanges.values where exchange.isHeldBack {
      guard limit.isOpen() else { return }
      exchange.goOn()
      exchange.slot?.easy.goOn()
    }
  }

  /// Nothing happens without a `wakeUp` when no request is under way; the thread then sleeps.
  private static let idleWait = Duration.seconds(3600)

  private func queue(of origin: HTTPRequest.Origin) -> OriginQueue {
    if let queue = queues[origin] { return queue }
    let queue = OriginQueue(origin)
    queues[origin] = queue
    return queue
  }

  private func startWaiting(_ queue: OriginQueue) {
    while queue.activeCount < configuration.maxConnectionsPerHost, let exchange = queue.next() {
      start(exchange)
    }
    if queue.activeCount == 0, queue.isEmpty { queues[queue.origin] = nil }
  }

  private func start(_ exchange: Exchange) {
    guard let slot = idleSlots.popLast() ?? EasySlot() else {
      exchanges[exchange.id] = nil
      exchange.end(with: .failure(.connectionLost(reason: "libcurl has no memory for a request")))
      return
    }
    let request = exchange.request
    // What is sent at once escapes the limit on bytes a second.
    let isLimited = configuration.rateLimit?.bytesPerSecond != nil
    let bytes = isLimited ? nil : request.bodySentAtOnce
    let size = request.sentBodySize
    slot.easy.setUp(
      for: EasyHandle.Kind(
        method: request.method,
        body: bytes != nil ? .atOnce : size != nil ? .inPieces : .none, origin: exchange.origin),
      url: request.url, configuration)
    slot.easy.setURL(request.url)
    slot.easy.setBody(size: size, bytes: bytes)
    slot.easy.setHeaders(of: request)
    let buffers = request.bufferSizes(large: bufferSize)
    slot.easy.setBuffers(upload: buffers.upload, receive: buffers.receive)
    slot.easy.setReceiver(exchange)
    exchange.slot = slot
    activeCount += 1
    exchange.queue?.activeCount += 1
    guard thread.multi.add(slot.easy) else {
      end(exchange, with: .failure(.connectionLost(reason: "libcurl refused the request")))
      return
    }
    let now = ContinuousClock.now
    let watch = StallWatch(timeout: request.stallTimeout, at: now)
    exchange.stallWatch = watch
    nextStallCheck = min(nextStallCheck ?? now + watch.interval, now + watch.interval)
  }

  /// What arrives at once cannot be refused: a low limit wants small pieces.
  private var bufferSize: Int {
    guard let rate = configuration.rateLimit?.bytesPerSecond else {
      return configuration.bufferSize
    }
    return min(configuration.bufferSize, max(rate / 8, 16 * 1024))
  }

  private func conclude(_ exchange: Exchange, _ code: CURLcode) {
    guard let slot = exchange.slot else { return }
    exchange.noteSent(slot.easy.sentByteCount)
    let error: HTTPError? =
      code == CURLE_OK
      ? nil
      : .curl(
        code, reason: slot.easy.reason(for: code), host: exchange.origin.host,
        isConnected: exchange.isConnected, tunnelStatus: slot.easy.tunnelStatus)
    // libcurl counts the connections that end under a handle until it is reset, and gives up at the
    // sixth.
    let isComplete = code == CURLE_OK && !exchange.wasStartedAgain
    end(exchange, with: exchange.result(error: error), isComplete: isComplete)
  }

  /// Takes the exchange out of libcurl's hands, wherever it stands, and answers its caller.
  ///
  /// - Parameter isComplete: whether libcurl has ended it, and found nothing wrong.
  private func end(
    _ exchange: Exchange, with result: Result<HTTPResponse, HTTPError>, isComplete: Bool = false
  ) {
    exchanges[exchange.id] = nil
    if let slot = exchange.slot {
      // Whether a cancelled request had left whole decides what its sender may claim.
      exchange.noteSent(slot.easy.sentByteCount)
      statistics.count(connectionsOpened: slot.easy.connectionsOpened)
      // What the kernel has of a body that is given up cannot be of use any more, and would take the
      // place of others on a slow line for seconds.
      let isGivenUp = if case .failure = result { exchange.isSending } else { false }
      thread.multi.remove(slot.easy, droppingUnsent: isGivenUp)
      slot.easy.reset(isComplete: isComplete)
      exchange.slot = nil
      idleSlots.append(slot)
      activeCount -= 1
      exchange.queue?.activeCount -= 1
    }
    exchange.end(with: result)
    if let queue = exchange.queue { startWaiting(queue) }
  }

  /// Ends what has not moved for too long, and tells when to look again.
  private func endStalled() -> Duration {
    let now = ContinuousClock.now
    if let next = nextStallCheck, now < next { return next - now }
    var interval = Duration.seconds(1)
    var stalled: [Exchange] = []
    for exchange in exchanges.values {
      guard exchange.isConnected, var watch = exchange.stallWatch else { continue }
      exchange.noteHold()
      let isStalled = watch.isStalled(
        mark: exchange.movedByteCount, isServerAtWork: exchange.isServerAtWork, at: now)
      if isStalled { stalled.append(exchange) }
      exchange.stallWatch = watch
      interval = min(interval, watch.interval)
    }
    nextStallCheck = now + interval
    for exchange in stalled {
      end(exchange, with: .failure(.stalled))
    }
    guard activeCount > 0 else {
      nextStallCheck = nil
      return Self.idleWait
    }
    return interval
  }
}

/// The requests of one origin. Lives on the thread of ``CurlLoop``.
final class OriginQueue {
  let origin: HTTPRequest.Origin
  /// How many are under way.
  var activeCount = 0
  private var waiting: [Exchange] = []
  /// The first of `waiting` that has not been taken.
  private var start = 0

  init(_ origin: HTTPRequest.Origin) {
    self.origin = origin
  }

  var isEmpty: Bool { waiting.isEmpty }

  func add(_ exchange: Exchange) { waiting.append(exchange) }

  func next() -> Exchange? {
    while start < waiting.count {
      let exchange = waiting[start]
      start += 1
      if start == waiting.count || start > 1024 {
        waiting.removeFirst(start)
        start = 0
      }
      // Cancelled meanwhile: taking it out of the middle would cost more.
      if !exchange.isEnded { return exchange }
    }
    return nil
  }
}

/// Counted by the loop, read by anyone.
final class CurlStatistics: Sendable {
  private let opened = Atomic<Int>(0)
  private let answered = Atomic<Int>(0)

  var connectionsOpened: Int { opened.load(ordering: .relaxed) }
  var requestCount: Int { answered.load(ordering: .relaxed) }

  func count(connectionsOpened: Int) {
    opened.wrappingAdd(connectionsOpened, ordering: .relaxed)
    answered.wrappingAdd(1, ordering: .relaxed)
  }
}
