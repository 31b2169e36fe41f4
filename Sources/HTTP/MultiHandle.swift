internal import CCurl
internal import Glibc

/// One libcurl multi handle, which owns the connections: made by `init`, freed by `deinit`.
///
/// Only the thread of ``CurlLoop`` calls it; `wakeUp` alone may be called from any thread.
/// See <https://curl.se/libcurl/c/libcurl-multi.html>, "multi_socket".
struct MultiHandle: ~Copyable {
  private let raw: UnsafeMutableRawPointer
  private let sockets: SocketWatch
  private let alarm: CInt

  /// What has ended waits no longer than this for other requests to move.
  private static let patience = Duration.milliseconds(1)

  init?() {
    let alarm = pail_alarm_make()
    guard alarm >= 0 else { return nil }
    guard let sockets = SocketWatch(alarm: alarm), let raw = curl_multi_init() else {
      close(alarm)
      return nil
    }
    self.raw = raw
    self.sockets = sockets
    self.alarm = alarm
    pail_multi_set_watch(
      raw,
      { _, socket, what, context, _ in
        guard let context else { return 0 }
        let bits = what == CURL_POLL_REMOVE ? 0 : what
        Unmanaged<SocketWatch>.fromOpaque(context).takeUnretainedValue().want(bits, of: socket)
        return 0
      },
      { _, milliseconds, context in
        guard let context else { return 0 }
        Unmanaged<SocketWatch>.fromOpaque(context).takeUnretainedValue()
          .wantCall(inMilliseconds: milliseconds)
        return 0
      },
      Unmanaged.passUnretained(sockets).toOpaque())
  }

  deinit {
    // It closes its connections, and says so.
    withExtendedLifetime(sockets) { _ = curl_multi_cleanup(raw) }
    close(alarm)
  }

  /// Keeps at most this many idle connections open.
  func setIdleConnections(_ count: Int) {
    pail_multi_set_long(raw, CURLMOPT_MAXCONNECTS, count)
  }

  func add(_ easy: borrowing EasyHandle) -> Bool {
    pail_easy_set_watch(
      easy.identity,
      { context, _, address in
        guard let context, let address else { return CURL_SOCKET_BAD }
        let socket = pail_open_socket(address)
        guard socket >= 0 else { return CURL_SOCKET_BAD }
        Unmanaged<SocketWatch>.fromOpaque(context).takeUnretainedValue().opened(socket)
        return socket
      },
      { context, socket in
        if let context {
          let watch = Unmanaged<SocketWatch>.fromOpaque(context).takeUnretainedValue()
          watch.closing(socket)
          if watch.dropsUnsent { pail_drop_unsent(socket) }
        }
        return close(socket)
      },
      Unmanaged.passUnretained(sockets).toOpaque())
    return curl_multi_add_handle(raw, easy.identity) == CURLM_OK
  }

  /// Ends the handle's request at once if it has not ended yet.
  ///
  /// - Parameter droppingUnsent: whether the kernel is to forget what it has of the request, where its
  ///   connection ends with it.
  func remove(_ easy: borrowing EasyHandle, droppingUnsent: Bool = false) {
    // libcurl closes the connection within the call.
    sockets.dropsUnsent = droppingUnsent
    curl_multi_remove_handle(raw, easy.identity)
    sockets.dropsUnsent = false
  }

  /// Moves what can be moved without waiting, and gives `ended` each request that has ended.
  ///
  /// Returns early once one has ended and others take their time: libcurl reads up to 100 buffers
  /// from one socket before it returns. ``hasReady`` then.
  func perform(_ ended: (Exchange, CURLcode) -> Void) {
    let start = ContinuousClock.now
    var running: Int32 = 0
    if sockets.takeDue() {
      curl_multi_socket_action(raw, CURL_SOCKET_BAD, 0, &running)
      askForDue()
    }
    var hasEnded = takeFinished(ended)
    while !hasEnded || start.duration(to: .now) < Self.patience, let event = sockets.next() {
      curl_multi_socket_action(raw, event.socket, event.bits, &running)
      hasEnded = takeFinished(ended) || hasEnded
    }
  }

  /// libcurl tells of a new time only, and may have been called a little too early for the last.
  private func askForDue() {
    guard !sockets.hasDue else { return }
    var milliseconds = -1
    curl_multi_timeout(raw, &milliseconds)
    if milliseconds >= 0 { sockets.wantCall(inMilliseconds: max(milliseconds, 1)) }
  }

  private func takeFinished(_ ended: (Exchange, CURLcode) -> Void) -> Bool {
    var hasEnded = false
    while let (exchange, code) = nextFinished() {
      ended(exchange, code)
      hasEnded = true
    }
    return hasEnded
  }

  /// The next request that has ended, with libcurl's verdict.
  private func nextFinished() -> (exchange: Exchange, code: CURLcode)? {
    var left: Int32 = 0
    while let message = curl_multi_info_read(raw, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
        let exchange = EasyHandle.receiver(of: easy)
      else { continue }
      return (exchange, message.pointee.data.result)
    }
    return nil
  }

  /// Whether ``perform(_:)`` has left something that can be moved.
  var hasReady: Bool { sockets.hasReady }

  /// Waits for a socket, a timer of libcurl's, a `wakeUp`, or until `timeout` has passed.
  func poll(timeout: Duration) {
    sockets.wait(timeout)
  }

  /// Ends the current `poll`, or the next one if there is none.
  func wakeUp() {
    pail_alarm_ring(alarm)
  }
}
