import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("Other names")
struct OtherNameTests {
  private static let bucket = BucketName("b")

  private func result(
    _ key: String, _ path: FilePath, isSkipped: Bool = false
  ) -> TransferResult {
    TransferResult(
      location: ObjectLocation(bucket: Self.bucket, key: ObjectKey(key)), localPath: path,
      size: .zero, isSkipped: isSkipped)
  }

  @Test(
    "A file says its name where that is not the end of the key",
    arguments: [
      ("p/a.txt", "a.txt", "/d/a.txt", nil),
      ("p/q/a.txt", "q/a.txt", "/d/q/a.txt", nil),
      ("..", "%2E%2E", "/d/%2E%2E", "%2E%2E"),
      ("p/x/../y", "x/%2E%2E/y", "/d/x/%2E%2E/y", "x/%2E%2E/y"),
      ("ba", "a", "/d/a", "a"),
    ] as [(String, String, FilePath, String?)])
  func escaped(key: String, name: String, path: FilePath, other: String?) {
    let request = TransferRequest.download(
      ObjectLocation(bucket: Self.bucket, key: ObjectKey(key)), into: "/d", name: ObjectKey(name))
    #expect(request.otherName(in: result(key, path)) == other.map { ObjectKey($0) })
    #expect(request.otherName(in: result(key, path, isSkipped: true)) == nil)
  }

  @Test("What takes a free name beside another says which, in both directions")
  func free() {
    let object = ObjectLocation(bucket: Self.bucket, key: ObjectKey("p/a.txt"))
    let down = TransferRequest.download(object, into: "/d", ifExists: .rename)
    #expect(down.otherName(in: result("p/a.txt", "/d/a (1).txt")) == ObjectKey("a (1).txt"))
    #expect(down.otherName(in: result("p/a.txt", "/d/a.txt")) == nil)
    let up = TransferRequest.upload(
      "/d/a.txt", to: object, attributes: ObjectAttributes(), ifExists: .rename)
    #expect(up.otherName(in: result("p/a (1).txt", "/d/a.txt")) == ObjectKey("a (1).txt"))
    #expect(up.otherName(in: result("p/a.txt", "/d/a.txt")) == nil)
  }

  @Test("A tree counts all other names and keeps the first")
  func ofTree() {
    let progress = TreeProgress()
    let count = TreeStatus.namesKept + 3
    for number in 0..<count {
      let key = "p\(number)/.."
      let object = ObjectLocation(bucket: Self.bucket, key: ObjectKey(key))
      let path = FilePath("/d/p\(number)/%2E%2E")
      progress.found(.zero)
      progress.end(
        nil,
        TreeOutcome(
          direction: .download, location: object, localPath: path,
          end: .finished(result(key, path))),
        .download(object, into: "/d", name: ObjectKey("p\(number)/%2E%2E")), size: .zero)
    }
    let status = progress.status
    #expect(status.renamed == count && status.otherNames.count == TreeStatus.namesKept)
    #expect(status.otherNames.first?.localPath == "/d/p0/%2E%2E")
  }
}
