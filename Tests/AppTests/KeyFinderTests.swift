import S3
import SystemPackage
import Testing

@testable import App

@Suite("Where the keys come from")
struct KeyFinderTests {
  private static let config = """
    [default]
    aws_access_key_id = DEFAULT
    aws_secret_access_key = s-default
    region = eu-north-1

    [profile work]
    aws_access_key_id = WORK
    aws_secret_access_key = s-work
    region = eu-west-1
    endpoint_url = https://work.example
    ca_bundle = ~/work.pem

    [profile role]
    role_arn = arn:aws:iam::1:role/r
    source_profile = work

    [profile empty]
    region = eu-west-2

    [profile half]
    aws_access_key_id = HALF
    """
  private static let keys: [Variable: String] = [.accessKeyID: "ENV", .secretAccessKey: "s-env"]
  private static let fileKeys: [Variable: String] = [
    .accessKeyID: "FILE", .secretAccessKey: "s-file",
  ]

  private func resolve(
    flags: [Variable: String] = [:], environment: [Variable: String] = [:],
    envFile: [Variable: String] = [:], other: [String: String] = [:], config: String = Self.config
  ) -> Settings {
    let source = SettingsLayer.Source.envFile(path: "./.env", isImplicit: true)
    return SettingsResolver(
      layers: [
        SettingsLayer(source: .flags, values: flags),
        SettingsLayer(source: .environment, values: environment),
        SettingsLayer(source: source, values: envFile),
      ],
      environment: other.merging(["HOME": "/home/ana"]) { given, _ in given },
      files: ProfileFiles(profiles: AWSProfiles(credentials: [], config: Array(config.utf8)))
    ).resolve()
  }

  private func merged(_ first: [Variable: String], _ second: [Variable: String])
    -> [Variable: String]
  {
    first.merging(second) { one, _ in one }
  }

  @Test(
    "--profile, the environment, its AWS_PROFILE, .env, its AWS_PROFILE, default: in this order")
  func order() {
    let work: [Variable: String] = [.profile: "work"]
    let all = merged(Self.keys, [.profile: "role"])
    let file = merged(Self.fileKeys, [.profile: "role"])
    #expect(resolve(flags: work, environment: all, envFile: file).keys?.accessKeyID == "WORK")
    #expect(resolve(environment: all, envFile: file).keys?.accessKeyID == "ENV")
    #expect(resolve(environment: work, envFile: file).keys?.accessKeyID == "WORK")
    #expect(resolve(envFile: file).keys?.accessKeyID == "FILE")
    #expect(resolve(envFile: work).keys?.accessKeyID == "WORK")
    #expect(resolve().keys?.accessKeyID == "DEFAULT")
  }

  @Test("Beside the profile that was named, the default one does not count")
  func named() {
    let settings = resolve(
      environment: [.profile: "empty"], other: ["AWS_EC2_METADATA_DISABLED": "true"])
    #expect(settings.credentials == nil)
    #expect(settings.region == Region("eu-west-2"))
    #expect(
      settings.problems.first?.whereLooked.contains(
        "keys of profile empty in ~/.aws/credentials and ~/.aws/config (it says nothing of them)")
        == true)
  }

  @Test("Region, endpoint and certificates of the profile in use are the weakest")
  func values() throws {
    let settings = resolve(flags: [.profile: "work"])
    #expect(settings.region == Region("eu-west-1"))
    #expect(settings.endpoint?.description == "https://work.example")
    #expect(settings.caBundle == "/home/ana/work.pem")
    let region = try #require(settings.findings.first { $0.name == "region" })
    #expect(region.origin == "region of profile work")
    #expect(
      resolve(flags: [.profile: "work"], envFile: [.region: "eu-west-3"]).region
        == Region("eu-west-3"))
    #expect(resolve(environment: Self.keys).region == Region("eu-north-1"))
  }

  @Test("A profile that is missing or unfinished is a problem, not a reason to look further")
  func problems() throws {
    let missing = try #require(
      resolve(environment: [.profile: "nobody"], envFile: Self.fileKeys).problems.first)
    #expect(
      missing.message
        == "There is no profile nobody, which AWS_PROFILE in the environment asks for")
    #expect(missing.recovery.contains("default, empty, half, role, work"))

    let half = try #require(
      resolve(flags: [.profile: "half"], environment: Self.keys).problems.first)
    #expect(
      half.message
        == "The credentials of profile half cannot be used: aws_secret_access_key is missing")
  }

  @Test("AWS_DEFAULT_PROFILE is another name of AWS_PROFILE, which wins beside it")
  func olderName() {
    let older = resolve(environment: [.olderProfile: "work"])
    #expect(older.profile == "work" && older.region == Region("eu-west-1"))
    let both = resolve(environment: [.olderProfile: "nobody", .profile: "work"])
    #expect(both.profile == "work" && both.problems.isEmpty)
    #expect(
      resolve(environment: [.olderProfile: "work"], envFile: [.profile: "empty"]).profile == "work")
    #expect(
      resolve(environment: [.olderProfile: "nobody"]).problems.first?.message
        == "There is no profile nobody, which AWS_DEFAULT_PROFILE in the environment asks for")
  }

  @Test("A web identity of the environment wins over its AWS_PROFILE, and keys over both")
  func webIdentity() {
    let pod = ["AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token", "AWS_ROLE_ARN": "arn:r"]
    let identity = resolve(environment: [.profile: "work"], other: pod)
    #expect(identity.credentials?.summary == "arn:r, by web identity")
    #expect(resolve(environment: Self.keys, other: pod).keys?.accessKeyID == "ENV")
    #expect(resolve(flags: [.profile: "work"], other: pod).keys?.accessKeyID == "WORK")
  }

  @Test("The container endpoint comes last but one, and the metadata service is only a guess")
  func services() throws {
    let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"]
    #expect(resolve(other: container).keys?.accessKeyID == "DEFAULT")
    #expect(resolve(other: container, config: "").credentials?.summary == "container endpoint")

    let guess = resolve(config: "")
    #expect(guess.problems.isEmpty)
    #expect(guess.credentials?.summary == "instance metadata")
    let problem = try #require(guess.problemWithoutMetadata)
    #expect(problem.whereLooked.count == 4)
    #expect(resolve(other: container, config: "").problemWithoutMetadata == nil)
  }

  @Test("Where they come from is told, what they overrule, and no secret")
  func findings() throws {
    let settings = resolve(flags: [.profile: "role"], environment: Self.keys)
    let finding = try #require(settings.findings.first { $0.name == "access key" })
    #expect(finding.value == "arn:aws:iam::1:role/r, assumed by access key")
    #expect(finding.origin == "profile role")
    #expect(finding.overruled == ["AWS_ACCESS_KEY_ID in the environment (ENV)"])
    var dumped = ""
    dump(settings, to: &dumped)
    #expect(dumped.contains("WORK"))
    #expect(!dumped.contains("s-work") && !dumped.contains("s-env"))
  }

  @Test("Keys of a profile meet an endpoint of ./.env only after a question")
  func question() {
    let settings = resolve(
      flags: [.profile: "work"], envFile: [.endpointURL: "http://elsewhere.example"])
    #expect(settings.endpointQuestion?.keysOrigin == "profile work")
    #expect(settings.endpointQuestion?.endpoint == "http://elsewhere.example")
  }
}
