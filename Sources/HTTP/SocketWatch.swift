internal import CCurl
internal import Glibc

/// The sockets that libcurl waits for, in an epoll(7) instance, and the time at which it wants to be
/// called whatever they do.
///
/// Lives on the thread of ``CurlLoop``, and so do libcurl's calls that feed it. Bits are
/// CURL_CSELECT_IN and CURL_CSELECT_OUT throughout, which CURL_POLL_IN and CURL_POLL_OUT equal.
final class SocketWatch {
  private struct Interest {
    /// What libcurl waits for.
    var wanted: CInt = 0
    /// What the kernel has been told.
    var watched: CInt = 0
    /// Whether ``closing(_:)`` will be told of its end.
    var isOfConnection = false
  }

  private static let most = 64
  private static let reading = CInt(CURL_CSELECT_IN)
  private static let writing = CInt(CURL_CSELECT_OUT)

  private let epoll: CInt
  /// Ends a `wait`; not one of libcurl's.
  private let alarm: CInt
  /// By socket: the kernel gives out the lowest number that is free.
  private var interests: [Interest] = []
  private var ready = Array(repeating: pail_ready(), count: most)
  /// Those of `ready` that have not been taken.
  private var untaken = 0..<0
  private var due: ContinuousClock.Instant?
  private var isDueNow = false

  /// - Parameter alarm: an eventfd(2), which stays open for as long as this lives.
  /// - Returns: nil when there is no room for another open file.
  init?(alarm: CInt) {
    epoll = pail_epoll_make(alarm)
    guard epoll >= 0 else { return nil }
    self.alarm = alarm
  }

  deinit { close(epoll) }

  // MARK: What libcurl wants

  /// - Parameter bits: none of them when the socket is of no more interest.
  func want(_ bits: CInt, of socket: curl_socket_t) {
    guard socket >= 0 else { return }
    makeRoom(for: socket)
    let index = Int(socket)
    interests[index].wanted = bits
    let watched = interests[index].watched
    // A connection goes from request to request, and is silent between them: looking for what it
    // brings in all the time spares two calls for each. It always takes bytes, though.
    let isEnough =
      interests[index].isOfConnection && bits & ~watched == 0
      && watched & ~bits & Self.writing == 0
    if !isEnough { tell(bits, of: socket) }
  }

  /// A connection was opened, and had not been there before under this number.
  func opened(_ socket: curl_socket_t) {
    makeRoom(for: socket)
    interests[Int(socket)] = Interest(isOfConnection: true)
  }

  /// Whether what the kernel has yet to send over connections that are closed now is of no use.
  var dropsUnsent = false

  /// A connection is about to be closed.
  func closing(_ socket: curl_socket_t) {
    guard interests.indices.contains(Int(socket)) else { return }
    // A child may have it open still, and the kernel would go on about it.
    tell(0, of: socket)
    interests[Int(socket)] = Interest()
  }

  /// - Parameter milliseconds: from now; less than 0 for never.
  func wantCall(inMilliseconds milliseconds: Int) {
    isDueNow = milliseconds == 0
    due = milliseconds > 0 ? .now + .milliseconds(milliseconds) : nil
  }

  private func makeRoom(for socket: curl_socket_t) {
    let missing = Int(socket) + 1 - interests.count
    if missing > 0 { interests += Array(repeating: Interest(), count: missing) }
  }

  private func tell(_ bits: CInt, of socket: curl_socket_t) {
    let watched = interests[Int(socket)].watched
    guard bits != watched else { return }
    // One that cannot be watched looks stalled, and ends like that.
    pail_epoll_watch(epoll, socket, watched, bits)
    interests[Int(socket)].watched = bits
  }

  // MARK: What is there

  /// Whether libcurl is to be called for the time alone. True once for each time.
  func takeDue() -> Bool {
    guard isDueNow || due.map({ $0 <= .now }) ?? false else { return false }
    isDueNow = false
    due = nil
    return true
  }

  var hasDue: Bool { isDueNow || due != nil }

  var hasReady: Bool { !untaken.isEmpty }

  /// The next socket that is ready for what libcurl wants of it.
  func next() -> (socket: curl_socket_t, bits: CInt)? {
    while hasReady {
      let event = ready[untaken.lowerBound]
      untaken.removeFirst()
      let socket = event.socket
      guard socket != alarm, interests.indices.contains(Int(socket)) else { continue }
      let wanted = interests[Int(socket)].wanted
      let bits = event.bits & wanted
      if bits != 0 { return (socket, bits) }
      // What has been looked for in vain, or the end of a connection that nobody uses.
      tell(wanted, of: socket)
    }
    return nil
  }

  /// Waits for a socket, for the time at which libcurl wants to be called, for the alarm, or until
  /// `timeout` has passed. Does not wait while something is ready.
  func wait(_ timeout: Duration) {
    guard !hasReady else { return }
    var left = isDueNow ? .zero : timeout
    if !isDueNow, let due { left = min(left, max(ContinuousClock.now.duration(to: due), .zero)) }
    // Rounded up: libcurl would find nothing to do a little earlier.
    let milliseconds =
      left == .zero ? 0 : CInt(clamping: (left + .microseconds(999)).milliseconds)
    let count = ready.withUnsafeMutableBufferPointer {
      pail_epoll_wait(epoll, $0.baseAddress, CInt($0.count), milliseconds)
    }
    untaken = 0..<max(Int(count), 0)
  }
}
