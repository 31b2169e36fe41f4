import Testing

@testable import Storage

@Suite("Content type")
struct ContentTypeTests {
  @Test(
    "The extension decides, whatever its case",
    arguments: [
      ("summary.csv", "text/csv"), ("INDEX.HTML", "text/html"), ("a.tar.gz", "application/gzip"),
      ("photo.JPeG", "image/jpeg"), ("поставка.parquet", "application/vnd.apache.parquet"),
      ("dir.png/notes.txt", "text/plain"), ("a.b.json", "application/json"),
      ("disk.iso", "application/x-iso9660-image"), (".config.yml", "application/yaml"),
    ])
  func known(name: String, type: String) {
    #expect(ContentType.guess(fileName: name) == type)
  }

  @Test(
    "Without a known extension the type is the one S3 gives",
    arguments: ["", "Makefile", ".html", "a.", "a.unknown", "dir.html/file", "/", "a.csv/"])
  func unknown(name: String) {
    let expected = name == "a.csv/" ? "text/csv" : "binary/octet-stream"
    #expect(ContentType.guess(fileName: name) == expected)
  }
}
