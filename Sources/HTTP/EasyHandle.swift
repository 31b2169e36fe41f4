internal import CCurl
internal import SystemPackage

/// One libcurl easy handle: made by `init`, freed by `deinit`, never copied.
///
/// Lives on the thread of ``CurlLoop``. See <https://curl.se/libcurl/c/libcurl-easy.html>.
struct EasyHandle: ~Copyable {
  private let raw: UnsafeMutableRawPointer
  private let message: UnsafeMutablePointer<CChar>
  private var headers: UnsafeMutablePointer<curl_slist>?
  /// What it is set up for; nil when it has to be set up anew.
  private var kind: Kind?

  /// What requests have in common that differ in little more than the object: a thousand of one kind
  /// need to set up the handle once.
  struct Kind: Equatable {
    enum Body {
      /// Not even an empty one.
      case none
      /// libcurl has the bytes.
      case atOnce
      /// libcurl asks for them.
      case inPieces
    }

    var method: HTTPMethod
    var body: Body
    var origin: HTTPRequest.Origin
  }

  /// The buffer that libcurl asks for: CURL_ERROR_SIZE.
  private static let messageSize = 256

  init?() {
    guard let raw = curl_easy_init() else { return nil }
    self.raw = raw
    message = .allocate(capacity: Self.messageSize)
    message.initialize(repeating: 0, count: Self.messageSize)
  }

  deinit {
    curl_easy_cleanup(raw)
    curl_slist_free_all(headers)
    message.deallocate()
  }

  /// What ``MultiHandle`` adds, removes and reports.
  var identity: UnsafeMutableRawPointer { raw }

  /// Forgets the last request. Connections are the multi handle's and stay.
  ///
  /// - Parameter isComplete: whether libcurl has ended it, and found nothing wrong. Otherwise the
  ///   next one begins with a handle as if new.
  mutating func reset(isComplete: Bool) {
    if !isComplete {
      curl_easy_reset(raw)
      kind = nil
    }
    pail_easy_set_headers(raw, nil)
    curl_slist_free_all(headers)
    headers = nil
    message[0] = 0
  }

  /// Sets all that is the same for every request of a kind.
  ///
  /// - Parameter url: of one of them.
  mutating func setUp(
    for kind: Kind, url: String, _ configuration: CurlTransport.Configuration
  ) {
    guard kind != self.kind else { return }
    if self.kind != nil { curl_easy_reset(raw) }
    self.kind = kind
    pail_easy_set_pointer(raw, CURLOPT_ERRORBUFFER, message)
    // A signal handler of libcurl's own would be the whole program's.
    pail_easy_set_long(raw, CURLOPT_NOSIGNAL, 1)
    pail_easy_set_long(raw, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    pail_easy_allow_http_only(raw)
    // Off unless asked for; said once more because the credentials depend on it.
    pail_easy_set_long(raw, CURLOPT_FOLLOWLOCATION, 0)
    // A key may be `..`: the path goes out as it stands.
    pail_easy_set_long(raw, CURLOPT_PATH_AS_IS, 1)
    pail_easy_set_long(raw, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    pail_easy_set_long(raw, CURLOPT_SSL_VERIFYPEER, 1)
    pail_easy_set_long(raw, CURLOPT_SSL_VERIFYHOST, 2)
    pail_easy_set_text(raw, CURLOPT_USERAGENT, configuration.userAgent)
    pail_easy_set_long(raw, CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTimeout.milliseconds)
    pail_easy_set_long(raw, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    pail_easy_set_long(raw, CURLOPT_TCP_KEEPALIVE, 1)
    pail_easy_set_long(raw, CURLOPT_EXPECT_100_TIMEOUT_MS, 1000)
    pail_easy_set_long(raw, CURLOPT_NOPROGRESS, 0)
    setProxy(for: url, configuration.proxies)
    if kind.origin.scheme == "https" { setTrust(configuration.caBundle) }
    if kind.body == .inPieces { pail_easy_set_long(raw, CURLOPT_UPLOAD, 1) }
    switch kind.method {
    case .get where kind.body == .none: pail_easy_set_long(raw, CURLOPT_HTTPGET, 1)
    case .head: pail_easy_set_long(raw, CURLOPT_NOBODY, 1)
    default: pail_easy_set_text(raw, CURLOPT_CUSTOMREQUEST, kind.method.rawValue)
    }
  }

  /// Trusts the system's certificates and those of `bundle`.
  private func setTrust(_ bundle: FilePath?) {
    if let store = TrustStore.with(bundle) {
      store.apply(to: raw)
    } else if let bundle {
      // libcurl says what is wrong with it.
      pail_easy_set_text(raw, CURLOPT_CAINFO, bundle.string)
    }
  }

  private func setProxy(for url: String, _ proxies: ProxySettings) {
    // Empty ones keep libcurl from looking into the environment.
    let proxy = proxies.proxy(for: url)
    pail_easy_set_text(raw, CURLOPT_PROXY, proxy?.address ?? "")
    if let user = proxy?.user { pail_easy_set_text(raw, CURLOPT_PROXYUSERNAME, user) }
    if let word = proxy?.password { pail_easy_set_text(raw, CURLOPT_PROXYPASSWORD, word) }
    pail_easy_set_text(raw, CURLOPT_NOPROXY, proxies.exceptions ?? "")
  }

  mutating func setURL(_ url: String) {
    pail_easy_set_text(raw, CURLOPT_URL, url)
  }

  /// - Parameters:
  ///   - size: in bytes; `nil` for a request that has no body, not even an empty one.
  ///   - bytes: the body, where libcurl is not to ask for it.
  mutating func setBody(size: Int64?, bytes: [UInt8]?) {
    if let bytes {
      pail_easy_set_size(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
      _ = bytes.withUnsafeBytes { pail_easy_copy_body(raw, $0.baseAddress) }
    } else if let size {
      pail_easy_set_size(raw, CURLOPT_INFILESIZE_LARGE, curl_off_t(size))
    }
  }

  mutating func setHeaders(of request: HTTPRequest) {
    var lines: UnsafeMutablePointer<curl_slist>?
    request.forEachHeaderLine { lines = curl_slist_append(lines, $0) }
    headers = lines
    pail_easy_set_headers(raw, headers)
  }

  /// Sizes in bytes; libcurl allocates both for the time of the request.
  mutating func setBuffers(upload: Int, receive: Int) {
    pail_easy_set_long(raw, CURLOPT_UPLOAD_BUFFERSIZE, upload)
    pail_easy_set_long(raw, CURLOPT_BUFFERSIZE, receive)
  }

  /// Has libcurl report to `exchange`, which must outlive the request.
  mutating func setReceiver(_ exchange: Exchange) {
    let context = Unmanaged.passUnretained(exchange).toOpaque()
    pail_easy_set_callbacks(
      raw,
      { buffer, size, count, context in
        guard let buffer, let context else { return Int(CURL_READFUNC_ABORT) }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        guard exchange.mayMove() else { return Int(CURL_READFUNC_PAUSE) }
        return exchange.read(
          into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
          ?? Int(CURL_READFUNC_ABORT)
      },
      { context, offset, origin in
        guard let context, origin == SEEK_SET else { return CURL_SEEKFUNC_FAIL }
        Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue().rewind(to: Int64(offset))
        return CURL_SEEKFUNC_OK
      },
      { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
        // libcurl keeps the piece, and brings it again.
        guard exchange.mayMove() else { return Int(CURL_WRITEFUNC_PAUSE) }
        return exchange.receiveBody(piece) ? piece.count : 0
      },
      { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return exchange.receiveHeaderLine(line) ? line.count : 0
      },
      { context, _, _, _, uploaded in
        guard let context else { return 0 }
        Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue().noteSent(Int64(uploaded))
        return 0
      },
      { context, _, _, _, localPort in
        guard let context else { return CURL_PREREQFUNC_ABORT }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        if let socket = exchange.openedSocket { pail_fit_send_buffer(socket, localPort) }
        exchange.openedSocket = nil
        return exchange.isReadyToSend() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
      },
      context)
    pail_easy_set_opened(
      raw,
      { context, socket, _ in
        guard let context else { return CURL_SOCKOPT_ERROR }
        pail_limit_unsent(socket)
        Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue().openedSocket = socket
        return CURL_SOCKOPT_OK
      },
      context)
  }

  /// Goes on with a request whose callbacks have paused it, and may call them at once.
  func goOn() {
    // CURLPAUSE_CONT, a macro of macros.
    curl_easy_pause(raw, 0)
  }

  /// The exchange that `setReceiver` gave to the handle with this identity.
  static func receiver(of identity: UnsafeMutableRawPointer) -> Exchange? {
    var context: UnsafeMutableRawPointer?
    guard pail_easy_get_pointer(identity, CURLINFO_PRIVATE, &context) == CURLE_OK, let context
    else {
      return nil
    }
    return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
  }

  /// How many connections the request opened: 0 when it reused one.
  var connectionsOpened: Int {
    var count = 0
    pail_easy_get_long(raw, CURLINFO_NUM_CONNECTS, &count)
    return count
  }

  /// The status of a proxy's last answer to CONNECT; 0 when there was none.
  var tunnelStatus: Int {
    var status = 0
    pail_easy_get_long(raw, CURLINFO_HTTP_CONNECTCODE, &status)
    return status
  }

  /// Bytes of the body that have been handed to the kernel.
  var sentByteCount: Int64 {
    var count: curl_off_t = 0
    pail_easy_get_size(raw, CURLINFO_SIZE_UPLOAD_T, &count)
    return Int64(count)
  }

  /// libcurl's words on a failure, or its general ones for `code`. Never a header or a body.
  func reason(for code: CURLcode) -> String {
    message[0] == 0
      ? String(cString: curl_easy_strerror(code))
      : String(cString: message)
  }
}

extension Duration {
  /// Whole milliseconds, at least 1.
  var milliseconds: Int {
    let parts = components
    return max(1, Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000))
  }
}
