import S3
import Testing

@testable import Storage

@Suite("Key selection")
struct KeySelectionTests {
  @Test(
    "A pattern stands for all of a key, a star for slashes too",
    arguments: [
      ("*", "", true), ("*", "a/b", true), ("logs/*.gz", "logs/a.gz", true),
      ("logs/*.gz", "logs/2026/a.gz", true), ("logs/*.gz", "logs/a.gz.txt", false),
      ("logs/*.gz", "old/logs/a.gz", false), ("a?c", "abc", true), ("a?c", "ac", false),
      ("a?c", "a/c", true), ("a?c", "aéc", true), ("a?c", "a🦀c", true), ("a??c", "aéc", false),
      ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("**", "x", true),
      ("a*", "a", true), ("?*", "", false), ("[a]", "a", false), ("[a]", "[a]", true),
      ("a*b", "a*b", true), ("", "", true), ("", "a", false),
      // What followed a star is tried again further on.
      ("*aab", "aaaaab", true), ("*abc", "ababc", true),
    ])
  func pattern(pattern: String, key: String, isMatch: Bool) {
    #expect(KeyPattern(pattern).matches(ObjectKey(key)) == isMatch)
  }

  @Test("A question mark takes one byte where there is no character")
  func notUTF8() {
    #expect(KeyPattern("a?b").matches(ObjectKey(bytes: [0x61, 0xFF, 0x62])))
    #expect(KeyPattern("a??").matches(ObjectKey(bytes: [0x61, 0xE2, 0x82])))
  }

  @Test("Many stars take no exponential time")
  func manyStars() {
    let pattern = KeyPattern(String(repeating: "*a", count: 200) + "b")
    #expect(!pattern.matches(ObjectKey(String(repeating: "a", count: 1024))))
  }

  @Test(
    "The last rule that matches decides",
    arguments: [
      ([], "a.txt", true), (["-*"], "a.txt", false), (["-*", "+*.txt"], "p/a.txt", true),
      (["+*.txt", "-*"], "a.txt", false), (["+*.txt"], "a.bin", true),
      (["-*.log", "-old/*"], "old/a", false), (["-*.log", "-old/*"], "a/old/b", true),
    ] as [([String], String, Bool)])
  func filter(rules: [String], name: String, isIncluded: Bool) {
    let filter = KeyFilter(
      rules.map {
        KeyFilter.Rule(KeyPattern(String($0.dropFirst())), isIncluded: $0.hasPrefix("+"))
      }
    )
    #expect(filter.includes(ObjectKey(name)) == isIncluded)
  }

  @Test(
    "What is certain to be left out below a folder",
    arguments: [
      ([], false), (["-d/*"], true), (["-*"], true), (["-d*"], true), (["-d/"], false),
      (["-d/*.txt"], false), (["-*", "+*.txt"], false), (["-*", "+*.txt", "-d/*"], true),
      (["-e/*"], false), (["-*", "-e/*"], true), (["-*/"], false),
    ] as [([String], Bool)])
  func leavesOutAll(rules: [String], isCertain: Bool) {
    let filter = KeyFilter(
      rules.map {
        KeyFilter.Rule(KeyPattern(String($0.dropFirst())), isIncluded: $0.hasPrefix("+"))
      })
    #expect(filter.leavesOutAll(under: ObjectKey("d/")) == isCertain)
  }

  @Test("A filter sees what follows the last slash of the prefix")
  func base() {
    let filter = KeyFilter([
      .init(KeyPattern("*"), isIncluded: false), .init(KeyPattern("2026-*"), isIncluded: true),
    ])
    let selection = KeySelection(prefix: ObjectKey("logs/20"), filter: filter)
    #expect(selection.contains(ObjectKey("logs/2026-11.gz")))
    #expect(!selection.contains(ObjectKey("logs/2025.gz")))
    #expect(!selection.contains(ObjectKey("2026-11.gz")))
    let pattern = KeySelection(KeyPattern("logs/*.gz"))
    #expect(pattern.prefix == ObjectKey("logs/") && pattern.base == ObjectKey("logs/"))
    #expect(pattern.contains(ObjectKey("logs/a/b.gz")) && !pattern.contains(ObjectKey("logs/b")))
  }
}
