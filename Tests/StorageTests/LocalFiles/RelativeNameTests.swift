import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("Relative names")
struct RelativeNameTests {
  @Test(
    "A name that could lead elsewhere, or that no file can have, is refused",
    arguments: [
      ("../../x", .dots), ("..", .dots), (".", .dots), ("a/../../esc", .dots), ("./x", .dots),
      ("a/..", .dots), ("a/./b", .dots), ("/etc/passwd", .empty), ("", .empty), ("a//b", .empty),
      ("p/", .empty), ("/", .empty), ("a\0b", .nul), ("\0", .nul),
      (String(repeating: "x", count: 300), .tooLong),
      ("a/" + String(repeating: "é", count: 128), .tooLong),
      (".pail-0123456789abcdef0123.part", .reserved),
    ] as [(String, LocalFileError.UnsafeName)])
  func refused(name: String, problem: LocalFileError.UnsafeName) {
    let shown = FilePath(
      name.contains("\0")
        ? name.split(separator: "\0", omittingEmptySubsequences: false).joined(
          separator: "\u{2400}") : name)
    #expect(throws: LocalFileError(shown, .unsafeName(problem))) {
      try RelativeName(ObjectKey(name))
    }
  }

  @Test(
    "A strange name that stays in its folder is taken as it is",
    arguments: [
      "file..txt", "...", "..a", "a..", "a/b/c.txt", #"C:\x"#, "-x", "*", "?", "[", "#", "%2F",
      "+", "=", "a\nb", "\u{1b}[31m", "\u{202e}gnp.exe", "e\u{301}", "trailing ", "trailing.",
      " ", ".hidden", ".part", ".pail-x", "x.part", "%00", "~", "$HOME",
      String(repeating: "x", count: 255),
    ])
  func taken(name: String) throws {
    let relative = try RelativeName(ObjectKey(name))
    let path = relative.path(below: "/downloads")
    #expect(path.bytes == Array("/downloads/\(name)".utf8))
  }

  @Test("Bytes that are not UTF-8 are a name like any other")
  func notUTF8() throws {
    let name = try RelativeName(ObjectKey(bytes: [0xff, 0x2f, 0xc3]))
    #expect(name.path(below: "/d").bytes == Array("/d/".utf8) + [0xff, 0x2f, 0xc3])
  }

  @Test(
    "A number goes before the extension, and the name stays within 255 bytes",
    arguments: [
      ("a.csv", 1, "a (1).csv"), ("a.tar.gz", 2, "a.tar (2).gz"), ("a", 3, "a (3)"),
      (".bashrc", 1, ".bashrc (1)"), ("d/a.b", 10, "d/a (10).b"),
      (String(repeating: "x", count: 255), 1, String(repeating: "x", count: 251) + " (1)"),
      (
        String(repeating: "é", count: 125) + ".jpg", 12,
        String(repeating: "é", count: 123) + " (12).jpg"
      ),
    ])
  func numbered(name: String, number: Int, expected: String) throws {
    let renamed = try RelativeName(ObjectKey(name)).numbered(number)
    #expect(renamed.path(below: "/").string == "/" + expected)
  }
}
