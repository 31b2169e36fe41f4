import Glibc
import HTTP
import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("Matching of names")
struct NameMatchingTests {
  /// A folder with empty files of these names.
  private static func folder(_ names: [String]) throws -> (LocalFolder, OpenFile) {
    let outer = try LocalFolder()
    for name in names {
      try FileDescriptor.open(
        outer.path.appending(name), .writeOnly, options: .create, permissions: .ownerReadWrite
      ).close()
    }
    return (outer, OpenFile(try FileDescriptor.open(outer.path, .readOnly, options: .directory)))
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
  func others(name: String, names: [String], expected: String?) throws {
    let (outer, open) = try Self.folder(names)
    let path = outer.path.appending(name)
    for most in [0, 1, 9] {
      let matching = NameMatching.folding(StandingNames(most: most))
      for _ in 1...2 {
        var kind: LocalFileError.Kind?
        do throws(LocalFileError) {
          try matching.check(Array(name.utf8), in: open, path: path)
        } catch {
          kind = error.kind
        }
        #expect(kind == expected.map { .takenForAnother(Array($0.utf8)) })
      }
    }
    try NameMatching.byBytes.check(Array(name.utf8), in: open, path: path)
  }

  @Test("A folder is read once for what stands in it, and not at all for what was made in it")
  func once() throws {
    let (outer, open) = try Self.folder(["a", "b"])
    let matching = NameMatching.folding(StandingNames())
    func check(_ name: String) throws(LocalFileError) {
      try matching.check(Array(name.utf8), in: open, path: outer.path.appending(name))
    }
    try check("a")
    // Whoever read the folder again would find neither.
    for name in ["a", "b"] { unlink(outer.path.appending(name).string) }
    matching.noteMade(Array("c".utf8), in: open)
    for name in ["a", "b", "c"] { try check(name) }
    #expect(throws: LocalFileError.self) { try check("d") }
    // Names of one folder say nothing of another.
    let other = try Self.folder(["A"])
    #expect(throws: LocalFileError(outer.path.appending("a"), .takenForAnother([0x41]))) {
      try matching.check([0x61], in: other.1, path: outer.path.appending("a"))
    }
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
    let folder = try DownloadFolder(outer.path, matching: .folding(StandingNames()))
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
