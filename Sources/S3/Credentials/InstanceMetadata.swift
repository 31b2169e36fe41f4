internal import HTTP

/// The metadata service of an EC2 instance, version 2: a token first, then what it entitles to.
///
/// Source: Amazon EC2 User Guide, "Use the Instance Metadata Service to access instance metadata".
public struct InstanceMetadata: Sendable, Hashable {
  var url = "http://169.254.169.254"

  private static let source = "the instance metadata service"

  /// - Parameter isKnown: whether it is known to be there. When nothing answers where it would be, this
  ///   is likely no machine of Amazon's, and waiting for it is in vain.
  func credentials(
    over transport: any HTTPTransport, isKnown: Bool
  ) async throws(CredentialError) -> Credentials {
    let lifetime = HTTPHeader("X-aws-ec2-metadata-token-ttl-seconds", "21600")
    let token = try await text(
      of: request(.put, "/latest/api/token", lifetime), over: transport, isKnown: isKnown,
      "gives no token")
    let proof = HTTPHeader("X-aws-ec2-metadata-token", token)
    let path = "/latest/meta-data/iam/security-credentials/"
    let roles = try await text(
      of: request(.get, path, proof), over: transport, "names no role of this instance")
    // One line for each role, and an instance has at most one.
    let role = roles.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    let document = try await text(
      of: request(.get, path + PercentEncoding.encode(role.utf8), proof), over: transport,
      "gives no credentials of the role")
    return try Credentials(
      document: Array(document.utf8), tokenName: "Token", source: Self.source)
  }

  private func request(_ method: HTTPMethod, _ path: String, _ header: HTTPHeader) -> HTTPRequest {
    HTTPRequest(
      method: method, url: url + path, headers: [header],
      responseBody: .memory(limit: 1 << 20), stallTimeout: .seconds(1))
  }

  private func text(
    of request: HTTPRequest, over transport: any HTTPTransport, isKnown: Bool = true,
    _ complaint: String
  ) async throws(CredentialError) -> String {
    let answer: HTTPResponse
    do {
      answer = try await transport.answer(to: request, source: Self.source)
    } catch .unavailable(let source, let reason) where !isKnown {
      throw .unusable(source: source, reason: reason)
    }
    let text = String(decoding: answer.body, as: UTF8.self).trimmed
    guard answer.status == 200, !text.isEmpty else {
      throw CredentialError(
        source: Self.source, reason: "it \(complaint) (status \(answer.status))", head: answer.head)
    }
    return text
  }
}

extension String {
  /// Without blanks and line ends around it.
  var trimmed: String {
    let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
    var rest = utf8[...].drop { blanks.contains($0) }
    while let last = rest.last, blanks.contains(last) { rest = rest.dropLast() }
    return String(Substring(rest))
  }
}

extension HTTPTransport {
  /// Sends a request for credentials; what went wrong is told without the URL.
  func answer(
    to request: HTTPRequest, source: String
  ) async throws(CredentialError) -> HTTPResponse {
    do {
      return try await send(request)
    } catch {
      let reason: String
      switch error {
      case .cancelled: throw .cancelled
      case .unresolvedHost(let host): reason = "the host \(host) is not known"
      case .noConnection(let host, _): reason = "\(host) cannot be reached"
      case .proxy(let words, _): reason = "the proxy: \(words)"
      case .tls(let host, let words): reason = "TLS with \(host) failed: \(words)"
      case .connectionLost: reason = "the connection broke"
      case .stalled: reason = "it does not answer"
      case .malformedAnswer, .bodyTooLarge, .refused: reason = "its answer is none"
      case .file, .fileTooShort, .invalidRequest: reason = "it cannot be asked"
      }
      throw error.isTransient
        ? .unavailable(source: source, reason: reason) : .unusable(source: source, reason: reason)
    }
  }
}
