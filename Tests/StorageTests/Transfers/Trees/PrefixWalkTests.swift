import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("Prefix walk")
struct PrefixWalkTests {
  private func walk(dropping: String = "p/", beside: [String] = []) throws -> PrefixWalk {
    PrefixWalk(
      bucket: BucketName("b"), selection: KeySelection(prefix: ObjectKey("p/")),
      dropping: ObjectKey(dropping), folder: "/down",
      tree: TransferTree(
        .list([]), ifExists: .overwrite,
        filter: KeyFilter([.init(KeyPattern("*.log"), isIncluded: false)]),
        filesBeside: beside.map { ObjectKey($0) }),
      client: S3Client(
        endpoint: try Endpoint(parsing: "http://127.0.0.1:1"), region: .usEast1,
        credentials: StaticCredentials(accessKeyID: "a", secretAccessKey: Secret("b")),
        transport: WatchedTransport()))
  }

  /// What becomes of keys in the order in which a listing has them.
  private func items(
    _ keys: [(String, Int64)], dropping: String = "p/", beside: [String] = []
  ) throws -> [String] {
    let walk = try walk(dropping: dropping, beside: beside)
    return keys.compactMap { key, size in
      switch walk.item(for: ObjectSummary(key: ObjectKey(key), size: ByteCount(size))) {
      case .file(let request, let found, let isRenamed):
        #expect(found == ByteCount(size) && request.location.key == ObjectKey(key))
        guard case .download(_, _, _, let name) = request.work else { return nil }
        return name.text + (isRenamed ? " renamed" : "")
      case .localFolder(let name, _, let isRenamed):
        return name.path(below: "").string + "/" + (isRenamed ? " renamed" : "")
      case .marker, .unusable, nil: return nil
      }
    }
  }

  @Test("A key beside keys below it keeps its name, and they get another folder")
  func besidePrefix() throws {
    let keys = [
      "p/a", "p/a-b", "p/a-b/c", "p/a.txt", "p/a/", "p/a/b", "p/a/b/c", "p/ab", "p/ab/c",
    ]
    #expect(
      try items(keys.map { ($0, $0.hasSuffix("/") ? 0 : 1) }) == [
        "a", "a-b", "a-b%2F/c renamed", "a.txt", "a%2F/ renamed", "a%2F/b renamed",
        "a%2F/b%2F/c renamed", "ab", "ab%2F/c renamed",
      ])
  }

  @Test("A file that comes from elsewhere keeps its name, and the keys below it get another folder")
  func besideOthers() throws {
    let keys = [("p/", Int64(0)), ("p/a", 1), ("p/a/b", 1), ("p/c", 1)]
    #expect(
      try items(keys, dropping: "", beside: ["p", "q", "p/x"]) == [
        "p%2F/ renamed", "p%2F/a renamed", "p%2F/a%2F/b renamed", "p%2F/c renamed",
      ])
  }

  @Test("Markers become folders, and those with bytes become files")
  func markers() throws {
    #expect(
      try items([("p/", 0), ("p/e/", 0), ("p/f/", 5), ("p//", 0), ("p/x//y", 1)])
        == ["e/", "f/% renamed", "%/ renamed", "x/%/y renamed"])
  }

  @Test("No key leads out of the folder")
  func hostile() throws {
    #expect(
      try items([("p/../../x", 1), ("p/./y", 1), ("p//etc/passwd", 1)])
        == ["%2E%2E/%2E%2E/x renamed", "%2E/y renamed", "%/etc/passwd renamed"])
  }

  @Test("What the filter leaves out is not found, nor in the way of a folder")
  func filter() throws {
    #expect(try items([("p/a.log", 1), ("p/a.log/b", 1)]) == ["a.log/b"])
  }

  @Test("A prefix may keep its name")
  func keepingName() throws {
    #expect(try items([("p/a", 1)], dropping: "") == ["p/a"])
  }
}
