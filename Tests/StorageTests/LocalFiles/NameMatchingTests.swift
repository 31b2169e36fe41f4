import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("Matching of names")
struct NameMatchingTests {
  private static func other(_ name: String, _ names: [String], _ matching: NameMatching) -> String?
  {
    matching.other(than: Array(name.utf8), among: names.map { Array($0.utf8) })
      .map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(
    "A name that leads to a file of other bytes is another one's",
    arguments: [
      ("a.txt", ["A.txt", "b"], "A.txt"), ("A.txt", ["A.txt", "a.txt"], nil),
      ("\u{e9}", ["x", "e\u{301}"], "e\u{301}"), ("\u{e9}", ["e\u{301}", "\u{e9}"], nil),
      ("\u{c9}t\u{e9}", ["e\u{301}te\u{301}"], "e\u{301}te\u{301}"),
      // A rule that is not known here: that there is another one is sure all the same.
      ("stra\u{df}e", ["STRASSE"], "stra\u{df}e"),
    ] as [(String, [String], String?)])
  func others(name: String, names: [String], expected: String?) {
    let found = Self.other(name, names, .folding)
    #expect(found.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
    #expect(Self.other(name, names, .byBytes) == nil)
  }

  @Test("A file system that tells names apart is found out, and nothing is left of that")
  func probe() async throws {
    let outer = try LocalFolder()
    for name in ["A", "a", "\u{e9}", "e\u{301}"] {
      let folder = try DownloadFolder(outer.path)
      let target = try await folder.target(
        try RelativeName(ObjectKey(name)), size: nil, existing: .overwrite)
      try await target.finish(modified: nil)
    }
    #expect(try outer.names().count == 4)
  }

  @Test("Where names fold, a file and a folder of the very name are taken as ever")
  func sameName() async throws {
    let outer = try LocalFolder()
    let folder = try DownloadFolder(outer.path, matching: .folding)
    for content in ["first", "second"] {
      let target = try await folder.target(
        try RelativeName(ObjectKey("p/q.txt")), size: nil, existing: .overwrite)
      try target.write(content)
      try await target.finish(modified: nil)
    }
    #expect(try outer.content("p/q.txt") == "second")
    #expect(try outer.names() == ["p", "p/q.txt"])
  }
}
