import SystemPackage
import Testing

@testable import S3

/// Each folder of `profiles/` holds the two files and, in `resolves`, what comes of them.
@Suite("Profiles of the shared AWS files")
struct ProfileCatalogueTests {
  private static let surroundings = CredentialSurroundings([
    "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "secret-environment",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/task/7",
  ])

  @Test(
    "Every profile of the catalogue resolves as written beside it",
    arguments: [
      "plain", "windows", "merged", "nested", "order", "roles", "words", "damaged", "sso",
      "crlf", "chains", "odd",
    ])
  func resolves(name: String) throws {
    let profiles = try Catalogue.profiles(name)
    let expectations = try Catalogue.read(name, "resolves")
      .split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    #expect(!expectations.isEmpty)
    for expectation in expectations {
      let mark = try #require(expectation.firstRange(of: ": "))
      let question = String(expectation[..<mark.lowerBound])
      #expect("\(question): \(answer(to: question, from: profiles))" == expectation)
    }
  }

  private func answer(to question: String, from profiles: AWSProfiles) -> String {
    if question == "names" { return profiles.names.joined(separator: ", ") }
    if question == "bad lines" {
      let config = profiles.badLinesOfConfig.map(String.init)
      let credentials = profiles.badLinesOfCredentials.map(String.init)
      let words =
        (config.isEmpty ? [] : ["config"] + config)
        + (credentials.isEmpty ? [] : ["credentials"] + credentials)
      return words.isEmpty ? "none" : words.joined(separator: " ")
    }
    for (setting, value) in [
      ("region", \AWSProfile.region), ("endpoint", \.endpointURL), ("ca_bundle", \.caBundle),
    ] where question.hasSuffix(" \(setting)") {
      let profile = profiles[String(question.dropLast(setting.count + 1))]
      return profile?[keyPath: value]?.replacing("\n", with: "\\n") ?? "none"
    }
    do {
      let recipe = try profiles.recipe(for: question, in: Self.surroundings)
      return recipe.map(Catalogue.words) ?? "nothing"
    } catch .unusable(_, let reason) {
      return "error \(reason)"
    } catch {
      return "another error"
    }
  }

  @Test("No description of the files, their parts or their errors holds a secret")
  func leaks() throws {
    for name in ["plain", "merged", "roles", "order"] {
      let profiles = try Catalogue.profiles(name)
      var shown = "\(profiles) \(String(reflecting: profiles)) \(Self.surroundings)"
      dump(profiles, to: &shown)
      dump(Self.surroundings, to: &shown)
      for profile in profiles.names {
        do {
          let recipe = try profiles.recipe(for: profile, in: Self.surroundings)
          dump(recipe, to: &shown)
          shown += recipe?.summary ?? ""
        } catch {
          shown += "\(error)"
        }
      }
      #expect(shown.contains("AKIA"), "what may be shown is")
      #expect(!shown.contains("secret-"))
      #expect(!shown.contains("secret/"))
      #expect(!shown.contains("token-"))
      #expect(!shown.contains("token="))
    }
  }

  @Test(
    "A command is split as a shell would",
    arguments: [
      ("a  b\tc", ["a", "b", "c"]), (#"a\b "a\b" 'a\b'"#, ["ab", #"a\b"#, #"a\b"#]),
      (#""a\"b\\c""#, [#"a"b\c"#]), ("a'b'\"c\"", ["abc"]), ("''", [""]), ("  ", []),
      ("'a", nil), ("\"a", nil), ("a\\", nil),
    ] as [(String, [String]?)])
  func shellWords(text: String, words: [String]?) {
    #expect(ShellWords.split(text) == words)
  }
}

enum Catalogue {
  static func read(_ folder: String, _ file: String) throws -> [UInt8] {
    let path = FilePath(#filePath).removingLastComponent().removingLastComponent()
      .appending("profiles").appending(folder).appending(file)
    let descriptor = try FileDescriptor.open(path, .readOnly)
    return try descriptor.closeAfter {
      try [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
        count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
    }
  }

  static func profiles(_ folder: String) throws -> AWSProfiles {
    AWSProfiles(
      credentials: (try? read(folder, "credentials")) ?? [], config: try read(folder, "config"))
  }

  /// A recipe with all that is in it, for comparing.
  static func words(_ recipe: CredentialRecipe) -> String {
    switch recipe {
    case .keys(let keys):
      (["keys", keys.accessKeyID, keys.secretAccessKey.revealed]
        + [keys.sessionToken?.revealed].compactMap(\.self)).joined(separator: " ")
    case .process(let process): "process " + process.revealedWords.joined(separator: "|")
    case .role(let role, let source): "role \(words(role)) < \(words(source))"
    case .webIdentity(let identity):
      "web identity \(identity.role.arn) \(identity.tokenFile)" + details(identity.role)
    case .anonymous: "anonymous"
    case .singleSignOn(let signOn):
      "sso \(signOn.roleName) \(signOn.accountID) \(signOn.region.text) \(signOn.startURL)"
        + (signOn.sessionName.map { " session=\($0)" } ?? "")
    case .container(let endpoint): "container \(endpoint.url)"
    case .instanceMetadata(let metadata): "instance metadata \(metadata.url)"
    }
  }

  private static func words(_ role: AssumedRole) -> String { role.arn + details(role) }

  private static func details(_ role: AssumedRole) -> String {
    (role.externalID.map { " external=\($0.revealed)" } ?? "")
      + (role.sessionName.map { " session=\($0)" } ?? "")
      + (role.durationSeconds.map { " seconds=\($0)" } ?? "")
      + (role.mfaSerial.map { " mfa=\($0)" } ?? "")
      + (role.endpoint.map { " at \($0)" } ?? "")
  }
}
