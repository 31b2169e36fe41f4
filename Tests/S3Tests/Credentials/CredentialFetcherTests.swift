import Foundation
import HTTP
import Testing

@testable import S3

@Suite("Credentials from services")
struct CredentialFetcherTests {
  private static let moment = Timestamp(seconds: 1_795_183_327)  // 2026-11-20T14:02:07Z
  private static let document = """
    {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIALENT", "SecretAccessKey": "lent",
     "Token": "token", "Expiration": "2026-11-20T20:00:00Z"}
    """

  private static func lent(_ action: String, _ id: String = "ASIALENT") -> String {
    """
    <\(action)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><\(action)Result>
    <AssumedRoleUser><Arn>a</Arn></AssumedRoleUser><Credentials><AccessKeyId>\(id)</AccessKeyId>
    <SecretAccessKey>lent</SecretAccessKey><SessionToken>token</SessionToken>
    <Expiration>2026-11-20T15:02:07Z</Expiration></Credentials></\(action)Result></\(action)Response>
    """
  }

  private func fetch(
    _ recipe: CredentialRecipe?, _ far: [ScriptedTransport.Answer] = [],
    near: [ScriptedTransport.Answer] = [], region: Region = Region("eu-west-1")
  ) async throws -> (credentials: Credentials, far: [HTTPRequest], near: [HTTPRequest]) {
    let far = ScriptedTransport(far)
    let near = ScriptedTransport(near)
    let fetcher = CredentialFetcher(
      try #require(recipe), transport: far, nearby: near, region: region, now: { Self.moment })
    let credentials = try await fetcher.credentials()
    #expect(far.leftOver == 0 && near.leftOver == 0)
    return (credentials, far.requests, near.requests)
  }

  private func text(_ request: HTTPRequest) -> String {
    if case .bytes(let bytes) = request.body { String(decoding: bytes, as: UTF8.self) } else { "" }
  }

  private func reason(
    _ recipe: CredentialRecipe?, far: [ScriptedTransport.Answer] = [],
    near: [ScriptedTransport.Answer] = []
  ) async throws -> String {
    let error = await #expect(throws: CredentialError.self) {
      try await fetch(recipe, far, near: near)
    }
    switch error {
    case .unusable(_, let reason), .unavailable(_, let reason): return reason
    default: return "\(String(describing: error))"
    }
  }

  private static let keys = CredentialRecipe.keys(
    Credentials(
      accessKeyID: "AKIASOURCE", secretAccessKey: Secret("source"), sessionToken: Secret("st/1")))

  @Test("A role is asked for with a signed form, at the endpoint of the region")
  func role() async throws {
    let role = AssumedRole(
      arn: "arn:aws:iam::1:role/r", externalID: Secret("e&x"), sessionName: "ana",
      durationSeconds: 900)
    let result = try await fetch(
      .role(role, source: Self.keys), [.response(200, [], Self.lent("AssumeRole"))])
    #expect(result.credentials.accessKeyID == "ASIALENT")
    #expect(result.credentials.secretAccessKey == Secret("lent"))
    #expect(result.credentials.sessionToken == Secret("token"))
    #expect(result.credentials.expires == Timestamp(iso8601: "2026-11-20T15:02:07Z"))
    let request = try #require(result.far.first)
    #expect(request.method == .post)
    #expect(request.url == "https://sts.eu-west-1.amazonaws.com/")
    #expect(
      text(request)
        == "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"
        + "&RoleSessionName=ana&ExternalId=e%26x&DurationSeconds=900")
    #expect(request.headers["x-amz-security-token"] == "st/1")
    // Computed with botocore 1.43.11 for the same request at the same moment.
    #expect(
      request.headers["Authorization"]
        == "AWS4-HMAC-SHA256 Credential=AKIASOURCE/20261120/eu-west-1/sts/aws4_request, "
        + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
        + "Signature=900016b2a6ed5502ff01af2407772d2a2a2902a73e4f83785c099cd8a719204e")
  }

  @Test(
    "Where the region is none of Amazon's, or the endpoint is given, that is where it asks",
    arguments: [
      ("garage", nil, "https://sts.us-east-1.amazonaws.com/", "us-east-1"),
      ("cn-north-1", nil, "https://sts.cn-north-1.amazonaws.com.cn/", "cn-north-1"),
      ("us-gov-east-1", nil, "https://sts.us-gov-east-1.amazonaws.com/", "us-gov-east-1"),
      ("eu-west-1", "http://127.0.0.1:9000", "http://127.0.0.1:9000/", "eu-west-1"),
    ] as [(String, String?, String, String)])
  func place(region: String, endpoint: String?, url: String, signedFor: String) async throws {
    let role = AssumedRole(
      arn: "arn", endpoint: try endpoint.map { text throws in try Endpoint(parsing: text) })
    let result = try await fetch(
      .role(role, source: Self.keys), [.response(200, [], Self.lent("AssumeRole"))],
      region: Region(region))
    let request = try #require(result.far.first)
    #expect(request.url == url)
    #expect(request.headers["Authorization"]?.contains("/20261120/\(signedFor)/sts/") == true)
    #expect(text(request).contains("RoleSessionName=pail-1795183327"))
  }

  @Test(
    "Where this machine's clock is off, roles are asked for and kept by the service's",
    arguments: [-3600, 3600])
  func clock(secondsAhead: Int64) async throws {
    let date = [HTTPHeader("Date", "Fri, 20 Nov 2026 14:02:07 GMT")]
    let transport = ScriptedTransport([
      .response(403, date, Self.errorDocument("SignatureDoesNotMatch")),
      .response(200, date, Self.lent("AssumeRole")),
    ])
    let fetcher = CredentialFetcher(
      .role(AssumedRole(arn: "arn"), source: Self.keys), transport: transport, nearby: transport,
      region: .usEast1, now: { Self.moment.advanced(by: .seconds(secondsAhead)) })
    let cache = CredentialCache(fetcher, now: { fetcher.now() })
    #expect(try await cache.credentials().accessKeyID == "ASIALENT")
    #expect(transport.requests.last?.headers["x-amz-date"] == "20261120T140207Z")
    // Kept: the script has no further answer.
    #expect(try await cache.credentials().accessKeyID == "ASIALENT")
    #expect(transport.requests.count == 2)
  }

  @Test("A refusal by a service whose clock agrees is final")
  func refusalInTime() async throws {
    let date = [HTTPHeader("Date", "Fri, 20 Nov 2026 14:06:07 GMT")]
    let answer = ScriptedTransport.Answer.response(403, date, Self.errorDocument("AccessDenied"))
    let recipe = CredentialRecipe.role(AssumedRole(arn: "arn"), source: Self.keys)
    #expect(try await reason(recipe, far: [answer]) == "it was refused: AccessDenied")
  }

  @Test("A chain of roles is climbed from its source")
  func chain() async throws {
    let result = try await fetch(
      .role(
        AssumedRole(arn: "two"), source: .role(AssumedRole(arn: "one"), source: Self.keys)),
      [
        .response(200, [], Self.lent("AssumeRole", "ASIAONE")),
        .response(200, [], Self.lent("AssumeRole", "ASIATWO")),
      ])
    #expect(result.credentials.accessKeyID == "ASIATWO")
    #expect(
      result.far.map { $0.headers["Authorization"]?.contains("Credential=AKIASOURCE/") }
        == [true, false])
    #expect(result.far.last?.headers["Authorization"]?.contains("Credential=ASIAONE/") == true)
  }

  @Test("A web identity is asked for without a signature, with the token of the file")
  func webIdentity() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("eyJ.abc_+/=\n", to: "token")
    let surroundings = CredentialSurroundings([
      "AWS_WEB_IDENTITY_TOKEN_FILE": path, "AWS_ROLE_ARN": "arn", "AWS_ROLE_SESSION_NAME": "pod",
    ])
    let result = try await fetch(
      surroundings.webIdentity(), [.response(200, [], Self.lent("AssumeRoleWithWebIdentity"))])
    #expect(result.credentials.accessKeyID == "ASIALENT")
    let request = try #require(result.far.first)
    #expect(request.headers["Authorization"] == nil)
    #expect(
      text(request)
        == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn&RoleSessionName=pod"
        + "&WebIdentityToken=eyJ.abc_%2B%2F%3D")
  }

  @Test("A token file that is missing, empty or holds several lines is named; a role alone is none")
  func tokenFile() async throws {
    func recipe(_ file: String) throws -> CredentialRecipe? {
      try CredentialSurroundings(["AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_ARN": "a"])
        .webIdentity()
    }
    let missing = try await reason(recipe("/nowhere/token"))
    #expect(missing == "it cannot be read: No such file or directory")
    #expect(try await reason(recipe("/dev/null")) == "it holds no token")
    #expect(try await reason(recipe("/etc/passwd")) == "it holds no token")
    #expect(try CredentialSurroundings(["AWS_ROLE_ARN": "a"]).webIdentity() == nil)
    #expect(throws: CredentialError.self) {
      try CredentialSurroundings(["AWS_WEB_IDENTITY_TOKEN_FILE": "/f"]).webIdentity()
    }
  }

  @Test(
    "A refusal is told by its code, an answer of another kind as such",
    arguments: [
      (
        403,
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>secret</Message></Error></ErrorResponse>",
        "it was refused: AccessDenied"
      ),
      (502, "<html><body>secret</body></html>", "it was refused: status 502"),
      (200, "secret", "the answer, status 200, is no XML"),
      (200, "<AssumeRoleResponse/>", "the answer holds no credentials"),
    ])
  func refusals(status: Int, body: String, expected: String) async throws {
    let recipe = CredentialRecipe.role(AssumedRole(arn: "arn"), source: Self.keys)
    #expect(try await reason(recipe, far: [.response(status, [], body)]) == expected)
    #expect(
      try await reason(recipe, far: [.failure(.noConnection(host: "sts.x", reason: "r"))])
        == "sts.x cannot be reached")
  }

  @Test("The metadata service is asked for a token, the role, and its credentials")
  func instanceMetadata() async throws {
    let result = try await fetch(
      CredentialSurroundings([:]).instanceMetadata(),
      near: [
        .response(200, [], "proof=="), .response(200, [], "my role\n"),
        .response(200, [], Self.document),
      ])
    #expect(result.credentials.accessKeyID == "ASIALENT")
    #expect(result.credentials.sessionToken == Secret("token"))
    #expect(result.near.map(\.method) == [.put, .get, .get])
    let base = "http://169.254.169.254/latest"
    let roles = "/meta-data/iam/security-credentials/"
    #expect(
      result.near.map(\.url) == [
        base + "/api/token", base + roles, base + roles + "my%20role",
      ])
    #expect(result.near[0].headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600")
    #expect(
      result.near.map { $0.headers["X-aws-ec2-metadata-token"] } == [nil, "proof==", "proof=="])
    #expect(result.near.allSatisfy { $0.stallTimeout == .seconds(1) })
  }

  @Test("Without a token, a role or an answer there are no credentials, and it says which")
  func noInstanceMetadata() async throws {
    let recipe = CredentialSurroundings(["AWS_EC2_METADATA_DISABLED": "false"]).instanceMetadata()
    #expect(
      try await reason(recipe, near: [.response(403)]) == "it gives no token (status 403)")
    #expect(
      try await reason(recipe, near: [.response(200, [], "t"), .response(404)])
        == "it names no role of this instance (status 404)")
    #expect(
      try await reason(
        recipe, near: [.response(200, [], "t"), .response(200, [], "r"), .response(500)])
        == "it gives no credentials of the role (status 500)")
    #expect(try await reason(recipe, near: [.failure(.stalled)]) == "it does not answer")
    #expect(CredentialSurroundings(["AWS_EC2_METADATA_DISABLED": "TRUE"]).instanceMetadata() == nil)
  }

  @Test("A metadata service that has never answered is not waited for, and one that has is")
  func silentInstanceMetadata() async throws {
    let near = ScriptedTransport([
      .failure(.stalled), .response(503), .response(200, [], "t"), .failure(.stalled),
      .response(200, [], "t"), .response(200, [], "r"), .response(200, [], Self.document),
      .failure(.stalled),
    ])
    let fetcher = CredentialFetcher(
      try #require(CredentialSurroundings([:]).instanceMetadata()), transport: near, nearby: near,
      region: .usEast1, now: { Self.moment })
    for isTransient in [false, true, true] {
      let error = await #expect(throws: CredentialError.self) { try await fetcher.credentials() }
      #expect(error?.isTransient == isTransient)
    }
    _ = try await fetcher.credentials()
    let error = await #expect(throws: CredentialError.self) { try await fetcher.credentials() }
    #expect(error?.isTransient == true)
  }

  @Test(
    "A source in trouble is told from one that refuses",
    arguments: [
      (.response(503), true), (.response(500, [], "<html>"), true), (.response(429), true),
      (.response(408), true), (.failure(.connectionLost(reason: "reset")), true),
      (.failure(.noConnection(host: "h", reason: "refused")), true),
      (.failure(.unresolvedHost("h")), true), (.failure(.malformedAnswer(reason: "x")), true),
      (.response(400, [], errorDocument("Throttling")), true),
      (.response(400, [], errorDocument("IDPCommunicationError")), true),
      (.response(403, [], errorDocument("AccessDenied")), false), (.response(404), false),
      (.response(501), false), (.response(200, [], "<html>"), false),
      (.failure(.tls(host: "h", reason: "expired")), false),
    ] as [(ScriptedTransport.Answer, Bool)])
  func trouble(answer: ScriptedTransport.Answer, isTransient: Bool) async throws {
    let role = CredentialRecipe.role(AssumedRole(arn: "arn"), source: Self.keys)
    let container = try CredentialSurroundings(
      ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"]
    ).container()
    var recipes = [role]
    // Only the Security Token Service answers with codes.
    if case .response(400, _, _) = answer {} else { recipes += [container].compactMap(\.self) }
    for recipe in recipes {
      let error = await #expect(throws: CredentialError.self) {
        try await fetch(recipe, [answer], near: [answer])
      }
      #expect(error?.isTransient == isTransient)
    }
  }

  private static func errorDocument(_ code: String) -> String {
    "<ErrorResponse><Error><Code>\(code)</Code></Error></ErrorResponse>"
  }

  @Test("A container's host is asked at its path, or at a whole URL, with the token it wants")
  func container() async throws {
    let relative = CredentialSurroundings([
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/7?x=1",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/unused",
    ])
    let answer = ScriptedTransport.Answer.response(200, [], Self.document)
    let first = try await fetch(relative.container(), near: [answer])
    #expect(first.credentials.accessKeyID == "ASIALENT")
    #expect(first.near.map(\.url) == ["http://169.254.170.2/v2/credentials/7?x=1"])
    #expect(first.near[0].headers["Authorization"] == nil)

    let whole = CredentialSurroundings([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic abc",
    ])
    let second = try await fetch(whole.container(), near: [answer])
    #expect(second.near.map(\.url) == ["http://169.254.170.23/v1/credentials"])
    #expect(second.near[0].headers["Authorization"] == "Basic abc")
    #expect(
      try await reason(whole.container(), near: [.response(404)]) == "it answered with status 404")
    #expect(
      try await reason(whole.container(), near: [.response(200, [], "<html>")])
        == "the answer is no JSON object")
    #expect(try CredentialSurroundings([:]).container() == nil)
  }

  @Test(
    "No host but those of container services is asked for keys",
    arguments: [
      ("http://127.0.0.1:8080/x", true), ("http://127.9.9.9/", true), ("http://localhost/x", true),
      ("http://[::1]:80/", true), ("http://169.254.170.2/x?y", true),
      ("http://[fd00:ec2::23]/v1", true), ("https://169.254.170.23/", true),
      ("http://127.0.0.1.evil.example/", false), ("http://127.evil.example/", false),
      ("http://169.254.170.2@evil.example/", false), ("http://evil.example/169.254.170.2", false),
      ("https://evil.example/", false), ("http://169.254.169.254/", false),
      ("ftp://127.0.0.1/", false), ("127.0.0.1", false), ("http:///x", false),
      ("http://evil.example\\@127.0.0.1/", false), ("http://127.0.0.1 .evil/", false),
    ])
  func allowedHosts(url: String, isAllowed: Bool) throws {
    let surroundings = CredentialSurroundings(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
    if isAllowed {
      #expect(try surroundings.container() != nil)
    } else {
      #expect(throws: CredentialError.self) { try surroundings.container() }
    }
  }

  @Test("A path that could become part of a host name is refused")
  func relativePath() {
    let surroundings = CredentialSurroundings([
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": ".evil.example/"
    ])
    #expect(throws: CredentialError.self) { try surroundings.container() }
  }

  @Test("moto lends the credentials of a role")
  func moto() async throws {
    let endpoint = try TestServer.moto.client().endpoint
    let role = AssumedRole(arn: "arn:aws:iam::123456789012:role/reader", endpoint: endpoint)
    let fetcher = CredentialFetcher(
      .role(role, source: Self.keys), transport: TestServer.transport,
      nearby: TestServer.transport, region: .usEast1)
    let credentials = try await fetcher.credentials()
    #expect(credentials.accessKeyID.hasPrefix("ASIA"))
    #expect(try #require(credentials.expires) > Timestamp.now())
  }
}
