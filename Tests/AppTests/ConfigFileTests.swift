import Browser
import S3
import SystemPackage
import Testing

@testable import App

@Suite("config.toml")
struct ConfigFileTests {
  private static let text = """
    region = "eu-west-1"
    download_folder = "~/Downloads"
    use_dualstack_endpoint = true
    [profiles.production]
    colour = "red"
    read_only = true
    region = "eu-central-1"
    [profiles.lab]
    color = "Green"
    endpoint_url = "http://lab.example:9000"
    addressing_style = "virtual"
    """

  private func resolve(
    _ environment: [String: String], config: String = text
  ) -> Settings {
    SettingsResolver(
      layers: [SettingsLayer(source: .environment, environment: environment)],
      environment: ["HOME": "/home/ana", "AWS_EC2_METADATA_DISABLED": "true"],
      config: ConfigFile(parsing: config, path: "~/.config/pail/config.toml"),
      files: ProfileFiles(
        profiles: AWSProfiles(
          credentials: [],
          config: Array(
            """
            [profile production]
            region = us-west-1
            aws_access_key_id = AKIAPRODUCTION
            aws_secret_access_key = secret
            [profile lab]
            aws_access_key_id = AKIALAB
            aws_secret_access_key = secret
            """.utf8)))
    ).resolve()
  }

  @Test("Where there can be no file, nothing is protected and nothing is said")
  func nowhere() {
    for path in ["/dev/null/.config/pail/config.toml", "/nonexistent/pail/config.toml"] {
      #expect(ConfigFile(at: FilePath(path)) == nil)
    }
  }

  @Test("A profile has its colour and its protection, and says where they come from")
  func production() throws {
    let settings = resolve(["AWS_PROFILE": "production"])
    #expect(settings.colour == .red && settings.isReadOnly)
    #expect(settings.region == Region("eu-central-1"))
    #expect(settings.saveFolder == "/home/ana/Downloads")
    let region = try #require(settings.findings.first { $0.name == "region" })
    #expect(region.origin == "region in [profiles.production] of ~/.config/pail/config.toml")
    #expect(
      region.overruled == [
        "region in ~/.config/pail/config.toml (eu-west-1)",
        "region of profile production (us-west-1)",
      ])
    #expect(settings.findings.contains { $0.name == "read-only" && $0.value == "true" })
  }

  @Test("Another profile has its own, and the environment wins over the file")
  func lab() {
    let settings = resolve(["AWS_PROFILE": "lab", "AWS_REGION": "ap-south-1"])
    #expect(settings.colour == .green && !settings.isReadOnly)
    #expect(settings.region == Region("ap-south-1"))
    #expect(settings.endpoint?.description == "http://lab.example:9000")
    #expect(settings.endpoint?.isPathStyle == false)
  }

  @Test("Only config.toml itself can take a profile's protection away")
  func protection() {
    let production = ["AWS_PROFILE": "production"]
    #expect(resolve(production.merging(["PAIL_READ_ONLY": "false"]) { $1 }).isReadOnly)
    #expect(resolve(["AWS_PROFILE": "lab", "PAIL_READ_ONLY": "true"]).isReadOnly)
    let careful = "read_only = true\n[profiles.lab]\nread_only = false\n"
    #expect(resolve(production, config: careful).isReadOnly)
    #expect(!resolve(["AWS_PROFILE": "lab"], config: careful).isReadOnly)
  }

  private static func lost(at line: Int) -> String {
    "config.toml, line \(line) is no TOML; nothing of the file counts. "
      + "Changes are refused until it is, since it may say read_only."
  }

  @Test(
    "Whatever is meant to protect does, and what is neither true nor false is said",
    arguments: ["1", "yes", "ON", " True "])
  func truths(text: String) {
    #expect(resolve(["AWS_PROFILE": "lab", "PAIL_READ_ONLY": text]).isReadOnly)
    #expect(resolve([:], config: "read_only = \"\(text)\"\n").isReadOnly)
    #expect(resolve([:], config: "read_only = 1\n").isReadOnly)
    #expect(!resolve([:], config: "read_only = 0\n").isReadOnly)
    for config in ["read_only = \"maybe\"\n", "read_only = [true]\n", "read_only = 2\n"] {
      #expect(
        resolve([:], config: config).problems.map(\.message).contains {
          $0.hasSuffix("is neither true nor false")
        })
    }
    #expect(
      resolve(["PAIL_READ_ONLY": "maybe"]).problems.contains {
        $0.message.hasPrefix("PAIL_READ_ONLY") && $0.message.hasSuffix("neither true nor false")
      })
  }

  @Test("Of a file that cannot be read nobody knows what it protects, so nothing may be changed")
  func lostFile() {
    let settings = resolve([:], config: "read_only = tru\n")
    #expect(settings.isReadOnly)
    #expect(
      settings.findings.contains {
        $0.name == "read-only" && $0.origin.hasSuffix("config.toml, which does not count")
      })
  }

  @Test("The profile itself may stand there")
  func profile() {
    let settings = resolve([:], config: "profile = \"lab\"\n")
    #expect(settings.profile == "lab")
  }

  @Test("What is left out is named, and no value of it")
  func notices() {
    let file = ConfigFile(
      parsing: """
        aws_secret_access_key = "hunter2"
        region = ["hunter2"]
        [profiles.x]
        profile = "hunter2"
        """, path: "config.toml")
    #expect(
      file.notices.sorted() == [
        "aws_secret_access_key in config.toml does not count: there is no such setting.",
        "profile in [profiles.x] of config.toml does not count: there is no such setting.",
        "region in config.toml does not count: it is neither a text, a number nor true or false.",
      ])
    let broken = ConfigFile(parsing: "region = \"hunter2", path: "config.toml")
    #expect(broken.notices == [Self.lost(at: 1)])
    #expect(broken.general.isEmpty)
  }

  @Test("A file that others may write does not count")
  func trust() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("config.toml")
    #expect(ConfigFile(at: path) == nil)
    try folder.write("region = \"eu-west-1\"\n", to: "config.toml", permissions: 0o666)
    let open = try #require(ConfigFile(at: path))
    #expect(open.general.isEmpty && open.notices.count == 1)
    try folder.write("region = \"eu-west-1\"\n", to: "config.toml", permissions: 0o600)
    #expect(ConfigFile(at: path)?.general == [.storageRegion: "eu-west-1"])
  }

  @Test(
    "What the parser would end the program at is no TOML, and ends nothing but the reading",
    arguments: [
      "[=]", "[ [a]]", "[", "[\n", "\u{FEFF}[.a]", "\t[[.a]]", "[\u{A0}a]", "a = 'b'\u{B}[+",
      "[[[a]]]", "a = '[' # ]\n[=]", "a = [}", "a = [[1], { b = 1 }, }]", "a = [\u{2028}1]",
      "a = [1, \u{85}2]", "a = 2026-11-20 1 ", "a = [2026-11-20 1]", "a = 2026-11-20T:",
      "a = { b = 2026-11-20t-1:00 }", "a = 2026-11-2_0 1 ",
    ])
  func endOfProgram(text: String) {
    let file = ConfigFile(
      parsing: "# one\r\n" + text.drop { $0 == "\u{FEFF}" } + "\nregion = 'r'\n",
      path: "config.toml")
    let other = ConfigFile(parsing: text, path: "config.toml")
    let number = text.hasPrefix("a = '['") ? 2 : 1
    #expect(file.general.isEmpty)
    #expect(file.notices == [Self.lost(at: number + 1)])
    #expect(other.notices == [Self.lost(at: number)])
  }

  @Test(
    "What looks like it in a string, a comment or an array is TOML, and the file counts",
    arguments: [
      #"x = """\#n[=]\#n\"""\#n[=]""""" # [=]"#, "x = '''\n[=]\n[[['''''", "x = '''''' # '",
      "x = \"\"\n# \"\"\"\n", "x = \"\\\"[\"", "x = [\n[[[1]]],\n]",
      "x = [[[ '[' ], # [\n], [ ], [{ a = 1 }]\n]",
      "[profiles.\"[=]\"] # [=]\n[profiles.b] #", "x = '}'\r\n[ profiles . c ]",
      "x = [2026-11-20, 2026-11-20 10:11:12]", "x = 2026-11-20T10:11:12Z", "2026-11-20Tx = 1",
      "x = '\u{2028}'", "x = 2026-11-20 # 1 ", "x = { a = [1], b = '}' }",
    ])
  func looksLikeIt(text: String) {
    let file = ConfigFile(parsing: "region = 'r'\n" + text + "\n", path: "config.toml")
    #expect(file.general == [.storageRegion: "r"])
    #expect(file.notices.allSatisfy { $0.hasSuffix("there is no such setting.") })
  }

  @Test("A text of several lines is what stands there")
  func longText() {
    let file = ConfigFile(parsing: "region = '''\n[=]\n'''\nuser = 'ana'", path: "config.toml")
    #expect(file.general == [.storageRegion: "[=]\n", .user: "ana"] && file.notices.isEmpty)
  }
}
