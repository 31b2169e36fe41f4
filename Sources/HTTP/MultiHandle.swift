internal import CCurl

/// One libcurl multi handle, which owns the connections: made by `init`, freed by `deinit`.
///
/// Only the thread of ``CurlLoop`` calls it; `wakeUp` alone may be called from any thread.
/// See <https://curl.se/libcurl/c/libcurl-multi.html>.
struct MultiHandle: ~Copyable {
  private let raw: UnsafeMutableRawPointer

  init?() {
    guard let raw = curl_multi_init() else { return nil }
    self.raw = raw
  }

  deinit { curl_multi_cleanup(raw) }

  /// Keeps at most this many idle connections open.
  func setIdleConnections(_ count: Int) {
    pail_multi_set_long(raw, CURLMOPT_MAXCONNECTS, count)
  }

  func add(_ easy: borrowing EasyHandle) -> Bool {
    curl_multi_add_handle(raw, easy.identity) == CURLM_OK
  }

  /// Ends the handle's request at once if it has not ended yet.
  func remove(_ easy: borrowing EasyHandle) {
    curl_multi_remove_handle(raw, easy.identity)
  }

  /// Moves whatever can be moved without waiting.
  func perform() {
    var running: Int32 = 0
    curl_multi_perform(raw, &running)
  }

  /// The next request that has ended, with libcurl's verdict.
  func nextFinished() -> (exchange: Exchange, code: CURLcode)? {
    var left: Int32 = 0
    while let message = curl_multi_info_read(raw, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
        let exchange = EasyHandle.receiver(of: easy)
      else { continue }
      return (exchange, message.pointee.data.result)
    }
    return nil
  }

  /// Waits for a socket, a timer of libcurl's, a `wakeUp`, or until `timeout` has passed.
  func poll(timeout: Duration) {
    curl_multi_poll(raw, nil, 0, Int32(clamping: timeout.milliseconds), nil)
  }

  /// Ends the current `poll`, or the next one if there is none.
  func wakeUp() {
    curl_multi_wakeup(raw)
  }
}
