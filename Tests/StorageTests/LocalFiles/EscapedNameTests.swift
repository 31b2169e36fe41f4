import S3
import TestSupport
import Testing

@testable import Storage

@Suite("Escaped name")
struct EscapedNameTests {
  @Test(
    "What no file can be named is escaped, all else stays as it is",
    arguments: [
      ("a/b.csv", "a/b.csv"), ("report%20x.csv", "report%20x.csv"), ("100%", "100%"),
      ("a//b", "a/%/b"), ("/abs", "%/abs"), ("..", "%2E%2E"),
      ("a/../../esc", "a/%2E%2E/%2E%2E/esc"),
      ("./x", "%2E/x"), ("...", "..."), ("a\0b", "a%00b"), ("p/", "p/%"),
      ("%", "%25"), ("a%2Fb", "a%252Fb"), ("a%00%41", "a%2500%2541"), ("x%+", "x%25+"),
      (".pail-abc.part", "%2Epail-abc.part"), (".pail-abc", ".pail-abc"), ("C:\\x", "C:\\x"),
    ])
  func names(key: String, expected: String) throws {
    let name = EscapedName(ObjectKey(key))
    #expect(name.name.text == expected)
    #expect(name.isEscaped == (key != expected))
    _ = try RelativeName(name.name)
  }

  @Test("A key that is told to be plain at a glance is the one that all rules leave as it is")
  func glance() {
    var random = SeededRandom(seed: 11)
    let pieces = ["a", "b", ".", "/", "%", "%2F", "\0", "é", String(repeating: "x", count: 250)]
    for _ in 0..<5_000 {
      let count = Int.random(in: 0...8, using: &random)
      let key = ObjectKey(
        (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined())
      // A folder that no key reaches: every component is looked at.
      #expect(EscapedName(key) == EscapedName(key, foldersBesideFiles: [.max]))
    }
  }

  @Test("A folder beside a file of its name gets another one")
  func besideFile() {
    let key = ObjectKey("x/a/b")
    #expect(EscapedName(key, foldersBesideFiles: [3]).name.text == "x/a%2F/b")
    #expect(EscapedName(ObjectKey("a//b"), foldersBesideFiles: [2]).name.text == "a/%%2F/b")
    #expect(EscapedName(ObjectKey("a/%%2F")).name.text == "a/%25%252F")
    #expect(EscapedName(key, foldersBesideFiles: [1]).name.text == "x%2F/a/b")
    let files: Set = [ObjectKey("x/a"), key, ObjectKey("a")]
    #expect(EscapedName(key, beside: files).name.text == "x/a%2F/b")
    #expect(EscapedName(key, beside: files, isFolder: true).name.text == "x/a%2F/b%2F")
    // What a file is named after is no folder.
    #expect(EscapedName(key, foldersBesideFiles: [5]).name.text == "x/a/b")
    #expect(
      EscapedName(ObjectKey("x/a"), foldersBesideFiles: [3], isFolder: true).name.text
        == "x/a%2F")
  }

  @Test("Long components become folders, and no character is cut in two")
  func long() throws {
    for text in [
      String(repeating: "a", count: 700), String(repeating: "ш", count: 300),
      String(repeating: "%", count: 400), String(repeating: "%2", count: 255),
    ] {
      let key = ObjectKey("p/\(text)/end")
      let name = EscapedName(key)
      #expect(name.isEscaped)
      for component in try RelativeName(name.name).components {
        #expect(component.count <= 255)
        #expect(String(validating: component, as: UTF8.self) != nil)
      }
      #expect(Self.key(of: name.name) == key)
    }
  }

  @Test(
    "Long components of bytes that are no text, or that end as a download under way, have names")
  func longAndOdd() throws {
    for count in [256, 700] {
      let bytes = [UInt8](repeating: 0x80, count: count)
      let components = try RelativeName(EscapedName(ObjectKey(bytes: bytes)).name).components
      #expect(components.dropLast().allSatisfy { $0.suffix(2) == Array("%+".utf8)[...] })
      #expect(components.joined().filter { $0 == 0x80 } == bytes)
    }
    let key = ObjectKey(String(repeating: "a", count: 253) + ".pail-x.part")
    let name = EscapedName(key).name
    #expect(try RelativeName(name).components.count == 2)
    #expect(Self.key(of: name) == key)
  }

  @Test("The key can be told from the name, and no two keys share one")
  func reversible() {
    var random = SeededRandom(seed: 7)
    let pieces = [
      "a", "%", "%2", "%25", "%2E", "%00", "%2F", "+", "/", ".", "\0", ".pail-", ".part",
    ]
    var seen: [ObjectKey: ObjectKey] = [:]
    for _ in 0..<20_000 {
      let key = ObjectKey(
        (0..<Int.random(in: 1...6, using: &random)).map { _ in
          pieces[Int.random(in: 0..<pieces.count, using: &random)]
        }.joined())
      let name = EscapedName(key).name
      #expect(Self.key(of: name) == key)
      #expect(seen.updateValue(key, forKey: name) ?? key == key)
    }
  }

  /// Undoes the escapes, by the rules in the documentation of ``EscapedName``.
  private static func key(of name: ObjectKey) -> ObjectKey {
    let components = name.text.replacing("%+/", with: "")
      .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let text = components.map { component -> String in
      guard component != "%" else { return "" }
      // Escaped as a whole or not at all.
      guard ["%00", "%25", "%2E", "%2F"].contains(where: component.contains) else {
        return component
      }
      return component.replacing("%00", with: "\0").replacing("%2E", with: ".")
        .replacing("%2F", with: "").replacing("%25", with: "%")
    }.joined(separator: "/")
    return ObjectKey(text)
  }
}
