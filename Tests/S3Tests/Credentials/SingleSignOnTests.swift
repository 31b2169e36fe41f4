import HTTP
import Testing

@testable import S3

@Suite("Single sign-on")
struct SingleSignOnTests {
  private static let now = Timestamp(seconds: 1_795_183_327)  // 2026-11-20T14:02:07Z
  private static let sessionFile = "token.json"

  private func signOn(_ folder: TemporaryFolder, session: String? = "company") -> SingleSignOn {
    SingleSignOn(
      profile: "lab users", sessionName: session, startURL: "https://company.example/start",
      region: Region("eu-west-1"), accountID: "111122223333", roleName: "Read/Only",
      tokenFile: folder.path(of: Self.sessionFile))
  }

  private static func token(expires: String, registration: String = "2027-01-01T00:00:00Z")
    -> String
  {
    """
    {"startUrl": "https://company.example/start", "region": "eu-west-1", "more": ["kept"],
     "accessToken": "token-old", "expiresAt": "\(expires)", "clientId": "client",
     "clientSecret": "secret-client", "registrationExpiresAt": "\(registration)",
     "refreshToken": "refresh-1"}
    """
  }

  private static let lent = ScriptedTransport.Answer.response(
    200, [],
    """
    {"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "secret-sso",
     "sessionToken": "token-sso", "expiration": 1795186927000}}
    """)

  @Test("The cached token buys the role's credentials")
  func cached() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.token(expires: "2026-11-20T20:00:00Z"), to: Self.sessionFile)
    let transport = ScriptedTransport([Self.lent])
    let credentials = try await signOn(folder).credentials(over: transport, now: Self.now)
    #expect(
      credentials
        == Credentials(
          accessKeyID: "ASIASSO", secretAccessKey: Secret("secret-sso"),
          sessionToken: Secret("token-sso"), expires: Timestamp(seconds: 1_795_186_927)))
    let request = try #require(transport.requests.first)
    #expect(
      request.url
        == "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials"
        + "?role_name=Read%2FOnly&account_id=111122223333")
    #expect(request.headers["x-amz-sso_bearer_token"] == "token-old")
    #expect(request.headers["Authorization"] == nil)
  }

  @Test("A token that ends soon is renewed with its registration, and the file has the new one")
  func renewed() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.token(expires: "2026-11-20T14:10:00Z"), to: Self.sessionFile)
    let transport = ScriptedTransport([
      .response(
        200, [],
        #"{"accessToken": "token-new", "expiresIn": 3600, "refreshToken": "refresh-2"}"#),
      Self.lent,
    ])
    _ = try await signOn(folder).credentials(over: transport, now: Self.now)
    let requests = transport.requests
    #expect(requests.first?.url == "https://oidc.eu-west-1.amazonaws.com/token")
    guard case .bytes(let body)? = requests.first?.body else {
      Issue.record("the renewal has no body")
      return
    }
    #expect(
      JSONValue(parsing: body)
        == .object([
          "grantType": .string("refresh_token"), "clientId": .string("client"),
          "clientSecret": .string("secret-client"), "refreshToken": .string("refresh-1"),
        ]))
    #expect(requests.last?.headers["x-amz-sso_bearer_token"] == "token-new")
    let kept = try #require(JSONValue(parsing: Array(folder.contents(of: Self.sessionFile).utf8)))
    #expect(kept["accessToken"]?.string == "token-new")
    #expect(kept["refreshToken"]?.string == "refresh-2")
    #expect(kept["expiresAt"]?.string == "2026-11-20T15:02:07Z")
    #expect(kept["more"] == .array([.string("kept")]))
  }

  @Test(
    "Where a person has to sign in again the command is said, quoted for a shell",
    arguments: [
      (nil, nil, [], "nobody has signed in for profile lab users yet"),
      ("company", "not JSON", [], "nobody has signed in for profile lab users yet"),
      // The older form has nothing to renew with, and older tools write the zone as letters.
      (
        nil, token(expires: "2026-11-20T14:00:00UTC"), [],
        "the sign-in of profile lab users ended at 2026-11-20T14:00:00Z"
      ),
      (
        "company",
        token(expires: "2026-11-20T14:00:00Z", registration: "2026-11-20T14:02:07Z"), [],
        "the sign-in of profile lab users ended at 2026-11-20T14:00:00Z"
      ),
      (
        "company", token(expires: "2026-11-20T14:00:00Z"),
        [.response(400, [], #"{"error": "invalid_grant"}"#)],
        "the sign-in of profile lab users ended at 2026-11-20T14:00:00Z"
      ),
      // A renewal until the end of time is none.
      (
        "company", token(expires: "2026-11-20T14:00:00Z"),
        [.response(200, [], #"{"accessToken": "t", "expiresIn": 9223372036854775807}"#)],
        "the sign-in of profile lab users ended at 2026-11-20T14:00:00Z"
      ),
      (
        "company", token(expires: "2026-11-20T20:00:00Z"), [.response(401)],
        "the sign-in of profile lab users is no longer valid"
      ),
    ] as [(String?, String?, [ScriptedTransport.Answer], String)])
  func signInNeeded(
    session: String?, token: String?, answers: [ScriptedTransport.Answer], reason: String
  ) async throws {
    let folder = try TemporaryFolder()
    if let token { try folder.write(token, to: Self.sessionFile) }
    let transport = ScriptedTransport(answers)
    await #expect(
      throws: CredentialError.signInNeeded(
        command: "aws sso login --profile 'lab users'", reason: reason)
    ) {
      try await signOn(folder, session: session).credentials(over: transport, now: Self.now)
    }
    #expect(transport.leftOver == 0)
  }

  @Test("A renewal that fails does no harm while the old token is good")
  func renewalFails() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.token(expires: "2026-11-20T14:10:00Z"), to: Self.sessionFile)
    let transport = ScriptedTransport([.failure(.stalled), Self.lent])
    _ = try await signOn(folder).credentials(over: transport, now: Self.now)
    #expect(transport.requests.last?.headers["x-amz-sso_bearer_token"] == "token-old")
  }

  @Test(
    "A renewal service in trouble asks nobody to sign in again",
    arguments: [
      .response(503), .response(429), .response(500, [], #"{"error": "server_error"}"#),
      .response(400, [], #"{"error": "slow_down"}"#), .failure(.connectionLost(reason: "reset")),
    ] as [ScriptedTransport.Answer])
  func renewalInTrouble(answer: ScriptedTransport.Answer) async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.token(expires: "2026-11-20T14:00:00Z"), to: Self.sessionFile)
    let error = await #expect(throws: CredentialError.self) {
      try await signOn(folder).credentials(over: ScriptedTransport([answer]), now: Self.now)
    }
    #expect(error?.isTransient == true)
    // The portal, with a token that is good.
    try folder.write(Self.token(expires: "2026-11-20T20:00:00Z"), to: Self.sessionFile)
    if case .response(400, _, _) = answer { return }
    let portalError = await #expect(throws: CredentialError.self) {
      try await signOn(folder).credentials(over: ScriptedTransport([answer]), now: Self.now)
    }
    #expect(portalError?.isTransient == true)
  }

  @Test(
    "What another process has renewed meanwhile is taken",
    arguments: ["2026-11-20T14:00:00Z", "2026-11-20T14:10:00Z"])
  func renewedByAnother(end: String) async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.token(expires: end), to: Self.sessionFile)
    let transport = ScriptedTransport([
      .response(400, [], #"{"error": "invalid_grant"}"#), Self.lent,
    ])
    let other = Self.token(expires: "2026-11-20T15:00:00Z").replacing(
      "token-old", with: "token-new")
    let path = folder.path(of: Self.sessionFile)
    let hasty = HookedTransport(transport) { _ = PrivateFile.write(Array(other.utf8), to: path) }
    _ = try await signOn(folder).credentials(over: hasty, now: Self.now)
    #expect(transport.requests.last?.headers["x-amz-sso_bearer_token"] == "token-new")
  }

  /// Does something before each request.
  private struct HookedTransport: HTTPTransport {
    let transport: ScriptedTransport
    let hook: @Sendable () -> Void
    init(_ transport: ScriptedTransport, hook: @escaping @Sendable () -> Void) {
      self.transport = transport
      self.hook = hook
    }
    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
      hook()
      return try await transport.send(request)
    }
  }

  @Test("A refusal names role and account, and neither token nor secret")
  func refused() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.token(expires: "2026-11-20T20:00:00Z"), to: Self.sessionFile)
    let error = await #expect(throws: CredentialError.self) {
      try await signOn(folder).credentials(
        over: ScriptedTransport([.response(403, [], "token-old")]), now: Self.now)
    }
    let shown = "\(String(reflecting: error))"
    #expect(shown.contains("Read/Only") && shown.contains("111122223333"))
    #expect(!shown.contains("token-old"))
    let token = try #require(SSOToken(reading: folder.path(of: Self.sessionFile)))
    var described = "\(token) \(String(reflecting: token))"
    dump(token, to: &described)
    #expect(!described.contains("secret-client") && !described.contains("refresh-1"))
  }

  @Test("The file is named by the SHA-1 of the session's name")
  func fileName() {
    // FIPS 180-2, appendix A.1.
    #expect(SSOToken.fileName(for: "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d.json")
  }
}

@Suite("Roles with a second factor")
struct SecondFactorTests {
  private static let role = AssumedRole(
    arn: "arn:aws:iam::1:role/r", durationSeconds: 900, mfaSerial: "arn:aws:iam::1:mfa/ana")
  private static let moment = Timestamp(seconds: 1_795_183_327)

  private static let answer = ScriptedTransport.Answer.response(
    200, [],
    """
    <AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAMFA</AccessKeyId>\
    <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
    <Expiration>2026-11-20T15:02:07Z</Expiration></Credentials></AssumeRoleResult>\
    </AssumeRoleResponse>
    """)

  private func fetcher(
    _ transport: ScriptedTransport, _ folder: TemporaryFolder, code: String?
  ) -> CredentialFetcher {
    CredentialFetcher(
      .role(
        Self.role,
        source: .keys(Credentials(accessKeyID: "AKIA", secretAccessKey: Secret("source")))),
      transport: transport, nearby: transport, region: .usEast1,
      cacheFolder: folder.path(of: "aws"),
      askForCode: { serial, role in
        #expect(serial == Self.role.mfaSerial && role == Self.role.arn)
        return code.map { Secret($0) }
      }, now: { Self.moment })
  }

  @Test("The code is asked for once, and what it brought serves the next program")
  func code() async throws {
    let folder = try TemporaryFolder()
    let transport = ScriptedTransport([Self.answer])
    let lent = try await fetcher(transport, folder, code: "123456").credentials()
    guard case .bytes(let body)? = transport.requests.first?.body else {
      Issue.record("nothing was asked")
      return
    }
    let text = String(decoding: body, as: UTF8.self)
    #expect(text.contains("SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fana&TokenCode=123456"))
    // Nobody is asked this time, and nothing is sent.
    let again = try await fetcher(ScriptedTransport([]), folder, code: nil).credentials()
    #expect(again == lent && again.accessKeyID == "ASIAMFA")
  }

  @Test("Without a terminal it is said what is wanted")
  func nobody() async throws {
    let folder = try TemporaryFolder()
    let error = await #expect(throws: CredentialError.self) {
      try await fetcher(ScriptedTransport([]), folder, code: nil).credentials()
    }
    guard case .unusable(let source, let reason)? = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(source == Self.role.arn)
    #expect(reason.contains("arn:aws:iam::1:mfa/ana") && reason.contains("terminal"))
  }
}

@Suite("Without keys")
struct AnonymousTests {
  @Test("Requests go out unsigned, and no URL can be signed")
  func unsigned() async throws {
    let transport = ScriptedTransport([
      .response(
        200, [],
        "<ListBucketResult><Name>open</Name><IsTruncated>false</IsTruncated></ListBucketResult>")
    ])
    let client = S3Client(
      endpoint: try Endpoint(parsing: "https://store.example"), region: .usEast1,
      credentials: StaticCredentials(.anonymous), transport: transport)
    _ = try await client.listObjectsV2(
      bucket: BucketName("open"), prefix: .empty, delimiter: "/", after: nil)
    let names = transport.requests.flatMap { $0.headers.map { $0.name.lowercased() } }
    #expect(names.allSatisfy { $0 != "authorization" && !$0.hasPrefix("x-amz-") })
    #expect(await client.accessKeyID() == nil)
    let error = await #expect(throws: S3Error.self) {
      try await client.presign(
        .get, ObjectLocation(bucket: BucketName("open"), key: ObjectKey("a")),
        expires: .seconds(60), fileName: nil, contentType: nil)
    }
    guard case .invalidRequest? = error?.cause else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
  }
}
