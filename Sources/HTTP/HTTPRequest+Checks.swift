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
    guard url.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }) else {
      throw .invalidRequest(reason: "the URL holds a character that must be percent-encoded")
    }
    guard let separator = url.firstRange(of: "://") else {
      throw .invalidRequest(reason: "the URL has no scheme")
    }
    let scheme = url[..<separator.lowerBound]
    guard scheme == "http" || scheme == "https" else {
      throw .invalidRequest(reason: "the URL is neither http nor https")
    }
    let authority = url[separator.upperBound...].prefix { $0 != "/" && $0 != "?" }
    // libcurl would send it as a password.
    guard !authority.contains("@") else {
      throw .invalidRequest(reason: "the URL holds a user name")
    }
    let host: Substring
    if authority.first == "[", let end = authority.firstIndex(of: "]") {
      host = authority[...end]
    } else {
      host = authority.prefix { $0 != ":" }
    }
    guard !host.isEmpty else {
      throw .invalidRequest(reason: "the URL has no host")
    }
    return Origin(
      scheme: String(scheme), host: String(host), port: String(authority[host.endIndex...]))
  }

  private static func check(_ header: HTTPHeader) throws(HTTPError) {
    // RFC 9110, section 5.6.2: a token.
    let isToken = header.name.utf8.allSatisfy { byte in
      (0x21...0x7e).contains(byte) && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
    }
    guard isToken, !header.name.isEmpty else {
      throw .invalidRequest(reason: "a header field has an impossible name")
    }
    guard !header.value.utf8.contains(where: { $0 == 0 || $0 == 0x0a || $0 == 0x0d }) else {
      throw .invalidRequest(reason: "the header field \(header.name) holds a line break or NUL")
    }
    guard !["content-length", "transfer-encoding"].contains(header.name.lowercased()) else {
      throw .invalidRequest(reason: "\(header.name) follows from the body")
    }
  }

  /// The header fields as libcurl takes them; a name without a value withholds libcurl's own field.
  var headerLines: [String] {
    var lines: [String] = []
    for header in headers where !header.value.isEmpty {
      lines.append("\(header.name): \(header.value)")
    }
    for header in headers where header.value.isEmpty {
      // An empty Expect says that the body goes out without asking.
      let withheld = header.name.lowercased() == "expect"
      lines.append(withheld ? "\(header.name):" : "\(header.name);")
    }
    // Asking first pays only where a refusal saves sending much.
    if headers["expect"] == nil, body.count <= Self.largestUnaskedBody {
      lines.append("Expect:")
    }
    return lines
  }

  /// In bytes. A longer body waits up to a second for `100 Continue`.
  private static let largestUnaskedBody = 1024 * 1024

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
    let upload = body.count > 1024 * 1024 ? large : body.count > Int64(small) ? 4 * small : small
    let receive =
      switch responseBody {
      case .memory: body.count > 0 || method == .head ? small : 4 * small
      case .file(_, offset: _, let limit, digest: _): limit > Int64(small) ? large : small
      case .pieces: large
      }
    return (min(upload, large), min(receive, large))
  }
}
