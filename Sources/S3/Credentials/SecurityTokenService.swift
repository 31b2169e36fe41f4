internal import HTTP

/// Lends the credentials of a role.
///
/// Source: AWS STS API Reference, "AssumeRole" and "AssumeRoleWithWebIdentity".
struct SecurityTokenService {
  var transport: any HTTPTransport
  /// Signed for, and the place of the service where the role names none.
  var region: Region
  var now: @Sendable () -> Timestamp

  func assume(
    _ role: AssumedRole, with credentials: Credentials, code: Secret? = nil
  ) async throws(CredentialError) -> Credentials {
    var items = parameters(of: role)
    if let serial = role.mfaSerial, let code {
      items += [QueryItem("SerialNumber", serial), QueryItem("TokenCode", code.revealed)]
    }
    return try await lend("AssumeRole", items, of: role, signedWith: credentials)
  }

  func assume(_ identity: WebIdentity) async throws(CredentialError) -> Credentials {
    let token = try TokenFile.read(identity.tokenFile)
    return try await lend(
      "AssumeRoleWithWebIdentity",
      parameters(of: identity.role) + [QueryItem("WebIdentityToken", token.revealed)],
      of: identity.role, signedWith: nil)
  }

  /// Whose credentials these are.
  func callerIdentity(
    of credentials: Credentials, at endpoint: Endpoint?
  ) async throws(CredentialError) -> CallerIdentity {
    let source = "GetCallerIdentity"
    let document = try await send(
      source, [], to: endpoint, signedWith: credentials, source: source)
    guard let result = document["GetCallerIdentityResult"], let arn = result.string("Arn") else {
      throw .unusable(source: source, reason: "the answer names nobody")
    }
    return CallerIdentity(arn: arn, account: result.string("Account") ?? "")
  }

  private func parameters(of role: AssumedRole) -> [QueryItem] {
    var items = [
      QueryItem("RoleArn", role.arn),
      QueryItem("RoleSessionName", role.sessionName ?? "pail-\(now().seconds)"),
    ]
    if let id = role.externalID { items.append(QueryItem("ExternalId", id.revealed)) }
    if let seconds = role.durationSeconds {
      items.append(QueryItem("DurationSeconds", String(seconds)))
    }
    return items
  }

  private func lend(
    _ action: String, _ parameters: [QueryItem], of role: AssumedRole,
    signedWith credentials: Credentials?
  ) async throws(CredentialError) -> Credentials {
    let source = "\(action) for \(role.arn)"
    let document = try await send(
      action, parameters, to: role.endpoint, signedWith: credentials, source: source)
    guard let found = document["\(action)Result"]?["Credentials"],
      let id = found.string("AccessKeyId"), let secret = found.string("SecretAccessKey"),
      let token = found.string("SessionToken"),
      let end = found.string("Expiration").flatMap({ Timestamp(iso8601: $0) })
    else {
      throw .unusable(source: source, reason: "the answer holds no credentials")
    }
    return Credentials(
      accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: Secret(token), expires: end)
  }

  /// - Returns: the document of a successful answer.
  private func send(
    _ action: String, _ parameters: [QueryItem], to given: Endpoint?,
    signedWith credentials: Credentials?, source: String
  ) async throws(CredentialError) -> XMLElement {
    let start = now()
    var answer = try await answer(
      action, parameters, to: given, signedWith: credentials, source: source)
    // The answer itself has set the clock right.
    if !answer.head.isSuccess, credentials != nil, isCorrected(since: start) {
      answer = try await self.answer(
        action, parameters, to: given, signedWith: credentials, source: source)
    }
    guard let document = try? XMLElement(parsing: answer.body) else {
      throw CredentialError(
        source: source, reason: "the answer, status \(answer.status), is no XML", head: answer.head)
    }
    guard answer.head.isSuccess else {
      throw CredentialError(
        source: source, reason: Self.refusal(document, status: answer.status), head: answer.head,
        document: document)
    }
    return document
  }

  private func isCorrected(since start: Timestamp) -> Bool {
    let difference = now().since(start)
    return difference > ServiceClock.tolerance || difference < .zero - ServiceClock.tolerance
  }

  private func answer(
    _ action: String, _ parameters: [QueryItem], to given: Endpoint?,
    signedWith credentials: Credentials?, source: String
  ) async throws(CredentialError) -> HTTPResponse {
    let signingRegion = region.isOfAmazon ? region : .usEast1
    let endpoint = given ?? .amazon(.tokens, region: signingRegion)
    let items =
      [QueryItem("Action", action), QueryItem("Version", "2011-06-15")] + parameters
    let body = Array(items.encoded.utf8)
    var headers = [
      HTTPHeader("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
    ]
    if let credentials {
      let signer = SigV4Signer(
        accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey,
        region: signingRegion.text, service: "sts", timestamp: now())
      headers.append(HTTPHeader("x-amz-date", signer.date))
      if let token = credentials.sessionToken {
        headers.append(HTTPHeader("x-amz-security-token", token.revealed))
      }
      let authorization = signer.authorization(
        for: SigV4Signer.Request(
          method: "POST", path: "\(endpoint.basePath)/",
          headers: headers + [HTTPHeader("Host", endpoint.hostAndPort)],
          payloadHash: Digest.hex(Digest.sha256(body))))
      headers.append(HTTPHeader("Authorization", authorization))
    }
    let request = HTTPRequest(
      method: .post, url: "\(endpoint)/", headers: headers, body: .bytes(body),
      responseBody: .memory(limit: 1 << 20), stallTimeout: .seconds(10))
    return try await transport.answer(to: request, source: source)
  }

  /// The code alone: a message may repeat what was sent.
  private static func refusal(_ document: XMLElement, status: Int) -> String {
    let code = (document["Error"] ?? document).string("Code") ?? "status \(status)"
    let name = code.utf8.prefix(80).filter { (0x21...0x7E).contains($0) || $0 == 0x20 }
    return "it was refused: \(String(decoding: name, as: UTF8.self))"
  }
}

/// Who a set of credentials belongs to.
public struct CallerIdentity: Sendable, Hashable {
  /// Such as `arn:aws:iam::111122223333:user/ana`.
  public var arn: String
  /// The number of the account; empty where the server does not say.
  public var account: String
}

extension Region {
  /// Whether it reads like a region of AWS, such as `us-gov-east-1`; others have no such service.
  fileprivate var isOfAmazon: Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count >= 3 && parts[0].utf8.count == 2 && Int(parts[parts.count - 1]) != nil
      && parts.allSatisfy { part in
        !part.isEmpty
          && part.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
      }
  }
}
