internal import HTTP

/// Where a container asks its host for credentials, as on Amazon ECS and EKS.
///
/// Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
public struct ContainerEndpoint: Sendable, Hashable {
  /// Shown to the host with each request.
  public enum Token: Sendable, Hashable {
    case text(Secret)
    /// Read anew each time: its contents change.
    case file(String)
  }

  static let host = "http://169.254.170.2"

  /// May hold a secret in its query, so it is part of no error.
  var url: String
  var token: Token?

  /// Keys are asked for only here: this machine, and the addresses of ECS and EKS.
  static func isAllowed(_ url: String) -> Bool {
    guard let separator = url.firstRange(of: "://"),
      ["http", "https"].contains(url[..<separator.lowerBound])
    else { return false }
    let authority = url[separator.upperBound...].prefix { !"/?#".contains($0) }
    guard !authority.contains("@"),
      let endpoint = try? Endpoint(parsing: "http://\(authority)")
    else { return false }
    let host = endpoint.host
    let known = [
      "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
    ]
    return known.contains(host) || isLoopback(host)
  }

  /// `127.` and three numbers: a name may begin like that as well.
  private static func isLoopback(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  func credentials(over transport: any HTTPTransport) async throws(CredentialError) -> Credentials {
    let source = "the container endpoint"
    var headers: [HTTPHeader] = []
    switch token {
    case nil: break
    case .text(let secret): headers.append(HTTPHeader("Authorization", secret.revealed))
    case .file(let path):
      headers.append(HTTPHeader("Authorization", try TokenFile.read(path).revealed))
    }
    let request = HTTPRequest(
      method: .get, url: url, headers: headers, responseBody: .memory(limit: 1 << 20),
      stallTimeout: .seconds(5))
    let answer = try await transport.answer(to: request, source: source)
    guard answer.status == 200 else {
      throw CredentialError(
        source: source, reason: "it answered with status \(answer.status)", head: answer.head)
    }
    return try Credentials(document: answer.body, tokenName: "Token", source: source)
  }
}
