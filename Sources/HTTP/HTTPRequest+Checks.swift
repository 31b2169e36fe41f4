extension HTTPRequest {
  /// Scheme, host and port of the URL: requests of one origin share connections.
  ///
  /// - Throws: ``HTTPError/invalidRequest(reason:)`` for a request that cannot be sent as it
  ///   stands: libcurl would change the URL, or a header would bring another one along.
  func checkedOrigin() throws(HTTPError) -> Origin {
    for header in headers {
      try Self.check(header)
    }
    return try Self.origin(of: url)
  }

  struct Origin: Hashable {
    var scheme: String
    /// Without the port; an IPv6 address keeps its brackets.
    var host: String
    /// As it stands in the URL, with the colon; empty for the scheme's own.
    var port: String
  }

  private static func origin(of url: String) throws(HTTPError) -> Origin {
    // A blank or a fragment would be cut off or encoded once more.
    guard url.allBytes({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }) else {
      throw .invalidRequest(reason: "the URL holds a character that must be percent-encoded")
    }
    // By bytes, for thousands of requests a second: a URL is ASCII here.
    let bytes = url.utf8
    let scheme = bytes.prefix { $0 != UInt8(ascii: ":") }
    let rest = bytes[scheme.endIndex...]
    guard rest.starts(with: "://".utf8) else {
      throw .invalidRequest(reason: "the URL has no scheme")
    }
    guard scheme.elementsEqual("http".utf8) || scheme.elementsEqual("https".utf8) else {
      throw .invalidRequest(reason: "the URL is neither http nor https")
    }
    let authority = rest.dropFirst(3).prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
    // libcurl would send it as a password.
    guard !authority.contains(UInt8(ascii: "@")) else {
      throw .invalidRequest(reason: "the URL holds a user name")
    }
    let host: Substring.UTF8View
    if authority.first == UInt8(ascii: "["), let end = authority.firstIndex(of: UInt8(ascii: "]")) {
      host = authority[...end]
    } else {
      host = authority.prefix { $0 != UInt8(ascii: ":") }
    }
    guard !host.isEmpty else {
      throw .invalidRequest(reason: "the URL has no host")
    }
    return Origin(
      scheme: String(Substring(scheme)), host: String(Substring(host)),
      port: String(Substring(authority[host.endIndex...])))
  }

  /// RFC 9110, section 5.6.2: whether a byte may stand in a token.
  private static let isInToken: [Bool] = (0..<256).map { byte in
    (0x21...0x7e).contains(byte)
      && !"\"(),/:;<=>?@[\\]{}".utf8.contains(UInt8(truncatingIfNeeded: byte))
  }

  private static func check(_ header: HTTPHeader) throws(HTTPError) {
    let isInToken = isInToken
    guard !header.name.isEmpty, header.name.allBytes({ isInToken[Int($0)] }) else {
      throw .invalidRequest(reason: "a header field has an impossible name")
    }
    guard header.value.allBytes({ $0 != 0 && $0 != 0x0a && $0 != 0x0d }) else {
      throw .invalidRequest(reason: "the header field \(header.name) holds a line break or NUL")
    }
    guard !header.name.isSameField(as: "content-length"),
      !header.name.isSameField(as: "transfer-encoding")
    else {
      throw .invalidRequest(reason: "\(header.name) follows from the body")
    }
  }

  /// Gives the header fields one by one as libcurl takes them: `Name: value`, `Name;` for an empty
  /// value, `Name:` for none of libcurl's own.
  func forEachHeaderLine(_ body: (UnsafePointer<CChar>) -> Void) {
    var line: [UInt8] = []
    line.reserveCapacity(Self.usualLineSize)
    func give(_ name: String, _ mark: UInt8, _ value: String = "") {
      line.removeAll(keepingCapacity: true)
      line += name.utf8
      line.append(mark)
      if !value.isEmpty {
        line.append(UInt8(ascii: " "))
        line += value.utf8
      }
      line.append(0)
      line.withUnsafeBytes { line in
        if let start = line.baseAddress { body(start.assumingMemoryBound(to: CChar.self)) }
      }
    }
    for header in headers where !header.value.isEmpty {
      give(header.name, UInt8(ascii: ":"), header.value)
    }
    for header in headers where header.value.isEmpty {
      // An empty Expect says that the body goes out without asking.
      let withheld = header.name.isSameField(as: "expect")
      give(header.name, withheld ? UInt8(ascii: ":") : UInt8(ascii: ";"))
    }
    // libcurl would call it a form.
    if bodySentAtOnce != nil, headers["content-type"] == nil {
      give("Content-Type", UInt8(ascii: ":"))
    }
    // Asking first pays only where a refusal saves sending much.
    if headers["expect"] == nil, self.body.count <= Self.largestUnaskedBody {
      give("Expect", UInt8(ascii: ":"))
    }
  }

  /// In bytes; that of a signature is the longest.
  private static let usualLineSize = 512

  /// In bytes. A longer body waits up to a second for `100 Continue`.
  private static let largestUnaskedBody = 1024 * 1024

  /// A body so small that it leaves with the head, in one packet where it fits.
  var bodySentAtOnce: [UInt8]? {
    guard case .bytes(let bytes) = body, !bytes.isEmpty, bytes.count <= Self.largestSentAtOnce
    else { return nil }
    return bytes
  }

  /// In bytes; libcurl copies it once more.
  private static let largestSentAtOnce = 32 * 1024

  /// What `EasyHandle.setMethod` wants: PUT and POST have a body even when it is empty.
  var sentBodySize: Int64? {
    switch method {
    case .put, .post: body.count
    case .get, .head, .delete: body.count > 0 ? body.count : nil
    }
  }

  /// Large buffers save system calls where much moves, and cost memory where little does.
  func bufferSizes(large: Int) -> (upload: Int, receive: Int) {
    let small = 16 * 1024
    let upload =
      body.count > 1024 * 1024 ? large : min(body.count > small ? 4 * small : small, large)
    let receive =
      switch responseBody {
      case .memory(let limit):
        // What is stored is answered by a head alone; hundreds of them are under way.
        method == .put
          ? small / 8
          : limit <= small ? small / 2 : body.count > 0 || method == .head ? small : 4 * small
      case .file(_, offset: _, let limit, digest: _): limit > Int64(small) ? large : small
      case .pieces: large
      }
    return (upload, min(receive, large))
  }
}
