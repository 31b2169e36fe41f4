import HTTP
import S3
import SystemPackage
import Testing

@testable import App

@Suite("Settings")
struct SettingsTests {
  private static let envFile = SettingsLayer.Source.envFile(path: "./.env", isImplicit: true)
  private static let namedFile = SettingsLayer.Source.envFile(path: "my.env", isImplicit: false)

  private func resolve(
    flags: [Variable: String] = [:], environment: [Variable: String] = [:],
    envFile: [Variable: String] = [:], source: SettingsLayer.Source = Self.envFile
  ) -> Settings {
    SettingsResolver(
      layers: [
        SettingsLayer(source: .flags, values: flags),
        SettingsLayer(source: .environment, values: environment),
        SettingsLayer(source: source, values: envFile),
      ],
      environment: ["HOME": "/home/ana", "AWS_EC2_METADATA_DISABLED": "true"]
    ).resolve()
  }

  private static let keys: [Variable: String] = [.accessKeyID: "ID", .secretAccessKey: "SECRET"]

  @Test("Flags overrule the environment, which overrules .env, and each says where it stands")
  func order() throws {
    let settings = resolve(
      flags: [.storageRegion: "eu-west-1"], environment: [.region: "eu-west-2"],
      envFile: [.storageRegion: "eu-west-3", .defaultRegion: "eu-north-1"])
    #expect(settings.region == Region("eu-west-1"))
    let finding = try #require(settings.findings.first { $0.name == "region" })
    #expect(finding.origin == "--region")
    #expect(
      finding.overruled == [
        "AWS_REGION in the environment (eu-west-2)",
        "AWS_STORAGE_REGION in ./.env (eu-west-3)",
        "AWS_DEFAULT_REGION in ./.env (eu-north-1)",
      ])
  }

  @Test("Within one layer AWS_STORAGE_REGION wins, but not over a stronger layer")
  func storageRegion() {
    let all: [Variable: String] = [.defaultRegion: "c", .region: "b", .storageRegion: "a"]
    #expect(resolve(environment: all).region == Region("a"))
    #expect(resolve(environment: [.defaultRegion: "c", .region: "b"]).region == Region("b"))
    #expect(resolve(environment: [.defaultRegion: "c"], envFile: all).region == Region("c"))
    #expect(resolve().region == .usEast1)
  }

  @Test("A file found in the folder leads its own keys over its proxy, and no others")
  func wayOfOtherKeys() {
    let way: [Variable: String] = [
      .httpsProxy: "http://proxy.example:3128", .noProxy: "localhost", .caBundle: "/etc/ca.pem",
    ]
    let decoy = way.merging(Self.keys) { $1 }
    let own = resolve(envFile: decoy)
    #expect(own.proxies.https != nil && own.caBundle == "/etc/ca.pem")
    #expect(own.notices.isEmpty)

    for (file, environment) in [(way, Self.keys), (decoy, Self.keys), (way, [:])] {
      let settings = resolve(environment: environment, envFile: file)
      #expect(settings.proxies.https == nil && settings.proxies.exceptions == nil)
      #expect(settings.caBundle == nil)
      for name in ["HTTPS_PROXY", "NO_PROXY", "AWS_CA_BUNDLE"] {
        #expect(settings.notices.contains { $0.hasPrefix("\(name) in ./.env does not count") })
      }
      let named = resolve(environment: environment, envFile: file, source: Self.namedFile)
      #expect(named.proxies.https != nil && named.caBundle == "/etc/ca.pem")
    }
    let environment = way.merging(Self.keys) { $1 }
    let given = resolve(environment: environment, envFile: [.httpsProxy: "http://other.example"])
    #expect(given.proxies.https.map { "\($0)" }?.contains("proxy.example") == true)
    #expect(given.caBundle == "/etc/ca.pem")
  }

  @Test("Without a home folder the history has no place, which is said and not passed over")
  func noHome() throws {
    for environment in [[:], ["HOME": ""], ["HOME": "not/absolute"]] {
      let settings = SettingsResolver(layers: [], environment: environment).resolve()
      #expect(settings.historyPath == nil)
      #expect(settings.notices.contains { $0.contains("no home folder") })
      #expect(settings.findings.first { $0.name == "history" }?.value == "none")
    }
    let named = SettingsResolver(
      layers: [SettingsLayer(source: .flags, values: [.history: "/var/pail.sqlite"])],
      environment: [:]
    ).resolve()
    #expect(named.historyPath == "/var/pail.sqlite" && named.notices.isEmpty)
  }

  @Test("A variable that is set but empty counts as not set")
  func empty() {
    #expect(resolve(environment: [.region: ""], envFile: [.region: "b"]).region == Region("b"))
  }

  @Test("AWS_ENDPOINT_URL_S3 wins over AWS_ENDPOINT_URL, and without any it is Amazon's")
  func endpoint() {
    let both: [Variable: String] = [
      .endpointURL: "http://general.example", .endpointURLForS3: "http://s3.example:9000",
    ]
    #expect(resolve(environment: both).endpoint?.description == "http://s3.example:9000")
    #expect(
      resolve(environment: [.region: "eu-west-1"]).endpoint
        == .aws(region: Region("eu-west-1")))
  }

  @Test("What is no endpoint or no region is a problem that does not repeat it")
  func badEndpoint() throws {
    let settings = resolve(
      environment: [.endpointURL: "https://ana:hunter2@host/", .region: "x/../hunter2"],
      envFile: Self.keys)
    #expect(settings.endpoint == nil)
    #expect(settings.problems.count == 2)
    for problem in settings.problems {
      #expect(!"\(problem)".contains("hunter2"))
    }
    #expect(!"\(settings.findings.filter { $0.name == "endpoint" })".contains("hunter2"))
  }

  @Test("How long to wait is a duration, and one that is none is a problem")
  func durations() {
    let settings = resolve(
      environment: [.retryFor: "2m", .stallTimeout: "7d"], envFile: Self.keys)
    #expect(settings.retryFor == .seconds(120) && settings.stallTimeout == .seconds(7 * 86400))
    #expect(settings.problems.isEmpty)
    let origins = settings.findings.filter { ["retries", "stall timeout"].contains($0.name) }
    #expect(origins.map(\.value) == ["2m", "7d"])
    for wrong in ["0", "soon", "8d", "-1s"] {
      let refused = resolve(environment: [.stallTimeout: wrong], envFile: Self.keys)
      #expect(refused.problems.count == 1 && refused.stallTimeout == nil)
    }
  }

  @Test("Keys are taken as a set from one source")
  func keySet() throws {
    let settings = resolve(
      environment: [.accessKeyID: "ENV", .secretAccessKey: "S1"],
      envFile: [.accessKeyID: "FILE", .secretAccessKey: "S2", .sessionToken: "T2"])
    let credentials = try #require(settings.keys)
    #expect(credentials.accessKeyID == "ENV")
    #expect(credentials.secretAccessKey.revealed == "S1")
    #expect(credentials.sessionToken == nil)
    #expect(settings.problems.isEmpty)
  }

  @Test("Half a set is a problem that names the missing half, not a reason to look further")
  func halfSet() throws {
    let settings = resolve(environment: [.accessKeyID: "ENV"], envFile: Self.keys)
    #expect(settings.keys == nil)
    let problem = try #require(settings.problems.first)
    #expect(problem.message.contains("AWS_SECRET_ACCESS_KEY in the environment is missing"))
  }

  @Test("Without keys the problem says where they were looked for and what to put where")
  func noKeys() throws {
    let problem = try #require(resolve().problems.first)
    #expect(
      problem.whereLooked == [
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment (not set)",
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in ./.env (not set)",
        "the profile default in ~/.aws/credentials and ~/.aws/config (there is none)",
        "a container endpoint in AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI (not set)",
        "the instance metadata service (AWS_EC2_METADATA_DISABLED forbids asking it)",
      ])
    #expect(problem.recovery.contains("AWS_ACCESS_KEY_ID"))
  }

  @Test("Keys of one source meet an endpoint of ./.env only after a question")
  func question() {
    let endpoint: [Variable: String] = [.endpointURL: "http://elsewhere.example"]
    let mixed = resolve(environment: Self.keys, envFile: endpoint)
    #expect(mixed.endpointQuestion?.endpoint == "http://elsewhere.example")
    #expect(mixed.endpointQuestion?.endpointOrigin == "AWS_ENDPOINT_URL in ./.env")

    let same = endpoint.merging(Self.keys) { first, _ in first }
    #expect(resolve(envFile: same).endpointQuestion == nil)
    #expect(resolve(environment: same).endpointQuestion == nil)
    #expect(
      resolve(
        flags: [.endpointURLForS3: "http://elsewhere.example"], environment: Self.keys,
        envFile: endpoint
      ).endpointQuestion == nil)
    #expect(
      resolve(environment: Self.keys, envFile: endpoint, source: Self.namedFile)
        .endpointQuestion == nil)
    #expect(resolve(environment: endpoint, envFile: Self.keys).endpointQuestion == nil)
  }

  @Test(
    "A leading ~ is the home folder",
    arguments: [
      ("~", "/home/ana"), ("~/Downloads", "/home/ana/Downloads"), ("~//x", "/home/ana/x"),
      ("/srv/~", "/srv/~"), ("~bob/x", "~bob/x"), ("data", "data"),
    ])
  func tilde(given: String, expanded: String) {
    let settings = resolve(environment: [.saveFolder: given])
    #expect(settings.saveFolder == FilePath(expanded))
  }

  @Test("Temporary keys carry their token and their end")
  func temporary() throws {
    let token: [Variable: String] = Self.keys.merging(
      [.sessionToken: "TOKEN", .credentialExpiration: "2026-11-20T14:00:00Z"]
    ) { first, _ in first }
    let credentials = try #require(resolve(envFile: token).keys)
    #expect(credentials.sessionToken?.revealed == "TOKEN")
    #expect(credentials.expires == Timestamp(iso8601: "2026-11-20T14:00:00Z"))

    let wrong = resolve(
      envFile: token.merging([.credentialExpiration: "tomorrow"]) { _, new in new })
    #expect(wrong.keys?.expires == nil)
    #expect(wrong.notices.count == 1)
  }

  /// Everything that Swift itself would show of a value.
  private func shown<Value>(_ value: Value) -> String {
    var text = "\(value) \(String(reflecting: value))"
    dump(value, to: &text)
    return text
  }

  @Test("No description, dump or finding of the settings holds a secret")
  func leaks() {
    let marker = "wJalrXUtnFEMI/K7MDENG"
    let values: [Variable: String] = [
      .accessKeyID: "AKIAEXAMPLE", .secretAccessKey: marker, .sessionToken: "token-\(marker)",
      .endpointURL: "https://ana:\(marker)@host",
    ]
    let layer = SettingsLayer(source: .environment, values: values)
    let settings = resolve(environment: values, envFile: values)
    var text = shown(layer) + shown(settings)
    for problem in settings.problems { text += FailureText.text(of: problem) }
    #expect(text.contains("AKIAEXAMPLE"))
    #expect(!text.contains(marker))
  }

  @Test("The check for leaks finds a secret that is kept as plain text")
  func leaksAreFound() {
    struct Leaky {
      var secretAccessKey = "wJalrXUtnFEMI/K7MDENG"
    }
    #expect(shown(Leaky()).contains("wJalrXUtnFEMI/K7MDENG"))
  }
}

extension Settings {
  /// The keys, where they stand written somewhere.
  var keys: Credentials? {
    if case .keys(let credentials)? = credentials { credentials } else { nil }
  }
}
