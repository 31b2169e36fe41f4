internal import HTTP

/// A role that IAM Identity Center lends to whoever has signed in with `aws sso login`.
///
/// Signing in needs a browser of the Web and is left to the AWS CLI, whose token is read here. A
/// token that was given for a named session comes with what renews it.
///
/// Source: AWS SDKs and Tools Reference Guide, "IAM Identity Center credential provider"; IAM
/// Identity Center Portal API Reference, "GetRoleCredentials"; IAM Identity Center OIDC API
/// Reference, "CreateToken".
public struct SingleSignOn: Sendable, Hashable {
  /// Whose settings these are.
  var profile: String
  /// nil for the older form, where the profile itself has the start URL.
  var sessionName: String?
  var startURL: String
  var region: Region
  public var accountID: String
  public var roleName: String
  /// Where the token is.
  var tokenFile: String?
  /// Where the services are, when not at Amazon's regional endpoints.
  var portal: Endpoint?
  var signIn: Endpoint?

  /// Renewed when less than this is left.
  private static let renewalLead = Duration.seconds(15 * 60)

  /// What to type in a shell.
  private var command: String {
    let isPlain = profile.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "-_.@".utf8.contains(byte)
    }
    let word = isPlain ? profile : "'\(profile.replacing("'", with: #"'\''"#))'"
    return "aws sso login --profile \(word)"
  }

  private func signInNeeded(_ reason: String) -> CredentialError {
    .signInNeeded(command: command, reason: reason)
  }

  func credentials(
    over transport: any HTTPTransport, now: Timestamp
  ) async throws(CredentialError) -> Credentials {
    guard let tokenFile, let token = SSOToken(reading: tokenFile) else {
      throw signInNeeded("nobody has signed in for profile \(profile) yet")
    }
    let left = token.expires.since(now)
    if sessionName != nil, left < Self.renewalLead {
      let outcome = await renewed(token, over: transport, now: now)
      if case .success(let renewed?) = outcome {
        renewed.write(to: tokenFile)
        return try await roleCredentials(renewed, over: transport)
      }
      // Another process may have used what renews the token, which is good for one use, and have left
      // the new one.
      if case .success(nil) = outcome, let other = SSOToken(reading: tokenFile),
        other.accessToken != token.accessToken, other.expires > now
      {
        return try await roleCredentials(other, over: transport)
      }
      if left <= .zero, case .failure(let error) = outcome { throw error }
    }
    guard left > .zero else {
      throw signInNeeded(
        "the sign-in of profile \(profile) ended at \(token.expires.iso8601)")
    }
    return try await roleCredentials(token, over: transport)
  }

  private func roleCredentials(
    _ token: SSOToken, over transport: any HTTPTransport
  ) async throws(CredentialError) -> Credentials {
    let source = "single sign-on"
    let endpoint = portal ?? .amazon(.portal, region: region)
    let query = [QueryItem("role_name", roleName), QueryItem("account_id", accountID)]
    let request = HTTPRequest(
      method: .get, url: "\(endpoint)/federation/credentials?\(query.encoded)",
      headers: [HTTPHeader("x-amz-sso_bearer_token", token.accessToken.revealed)],
      responseBody: .memory(limit: 1 << 20), stallTimeout: .seconds(10))
    let answer = try await transport.answer(to: request, source: source)
    switch answer.status {
    case 200: break
    case 401: throw signInNeeded("the sign-in of profile \(profile) is no longer valid")
    case 403:
      throw .unusable(
        source: source, reason: "it does not lend \(roleName) of account \(accountID) to you")
    default:
      throw CredentialError(
        source: source, reason: "the portal answered with status \(answer.status)",
        head: answer.head)
    }
    guard let lent = JSONValue(parsing: answer.body)?["roleCredentials"],
      let id = lent["accessKeyId"]?.string, let secret = lent["secretAccessKey"]?.string,
      let session = lent["sessionToken"]?.string, let milliseconds = lent["expiration"]?.integer
    else { throw .unusable(source: source, reason: "the answer holds no credentials") }
    return Credentials(
      accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: Secret(session),
      expires: Timestamp(seconds: milliseconds / 1000))
  }

  /// - Returns: nil where only a person can sign in again.
  private func renewed(
    _ token: SSOToken, over transport: any HTTPTransport, now: Timestamp
  ) async -> Result<SSOToken?, CredentialError> {
    guard let renewal = token.renewal, renewal.registrationExpires > now else {
      return .success(nil)
    }
    let endpoint = signIn ?? .amazon(.signIn, region: region)
    let body = JSONValue.object([
      "grantType": .string("refresh_token"), "clientId": .string(renewal.clientID),
      "clientSecret": .string(renewal.clientSecret.revealed),
      "refreshToken": .string(renewal.refreshToken.revealed),
    ]).bytes
    let request = HTTPRequest(
      method: .post, url: "\(endpoint)/token",
      headers: [HTTPHeader("Content-Type", "application/json")], body: .bytes(body),
      responseBody: .memory(limit: 1 << 20), stallTimeout: .seconds(10))
    let source = "single sign-on"
    let answer: HTTPResponse
    do {
      answer = try await transport.answer(to: request, source: source)
    } catch {
      return .failure(error)
    }
    let document = JSONValue(parsing: answer.body)
    let reason = "its renewal was answered with status \(answer.status)"
    switch answer.status {
    case 400 where document?["error"]?.string == "slow_down":
      return .failure(.unavailable(source: source, reason: reason))
    case 200, 400, 401: break
    default:
      return .failure(CredentialError(source: source, reason: reason, head: answer.head))
    }
    guard answer.status == 200, let document, let text = document["accessToken"]?.string,
      let seconds = document["expiresIn"]?.integer,
      (1...Int64(UInt32.max)).contains(seconds)
    else { return .success(nil) }
    return .success(
      token.renewed(
        text, until: now.advanced(by: .seconds(seconds)),
        refreshToken: document["refreshToken"]?.string))
  }
}
