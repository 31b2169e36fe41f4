import S3
import Storage
import SystemPackage
import Testing

@testable import App

@Suite("Upload sources")
struct UploadSourcesTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for name in ["a.txt", "b.txt"] { try folder.write("x", to: name, permissions: 0o600) }
  }

  /// The keys that the sources get, in order.
  private func keys(
    _ names: [String], to destination: String, isRecursive: Bool = false
  ) async throws -> [String] {
    let sources = try UploadSources(
      names.map { $0.isEmpty ? folder.path : folder.path.appending($0) },
      to: try S3URI(parsing: destination), isRecursive: isRecursive)
    var keys: [String] = []
    for tree in sources.trees(attributes: ObjectAttributes(), ifExists: .overwrite) {
      switch tree.work {
      case .list(let requests): keys += requests.map(\.location.key.text)
      case .upload(let folder, _, let prefix, _):
        for await case .file(let file) in FolderWalk(folder) {
          keys.append((prefix + file.name).text)
        }
      case .download: Issue.record("nothing is downloaded")
      }
    }
    return keys
  }

  @Test(
    "A trailing slash, a bucket alone and several sources mean into, else it is the key",
    arguments: [
      ("s3://b", ["a.txt"], ["a.txt"]), ("s3://b/p/", ["a.txt"], ["p/a.txt"]),
      ("s3://b/p", ["a.txt"], ["p"]),
      ("s3://b/p", ["a.txt", "b.txt"], ["p/a.txt", "p/b.txt"]),
    ])
  func files(destination: String, names: [String], expected: [String]) async throws {
    #expect(try await keys(names, to: destination) == expected)
  }

  @Test("What is inside a single folder goes to the destination, slash or not")
  func folderAlone() async throws {
    #expect(try await keys([""], to: "s3://b/p", isRecursive: true) == ["p/a.txt", "p/b.txt"])
    #expect(try await keys([""], to: "s3://b", isRecursive: true) == ["a.txt", "b.txt"])
  }

  @Test("With several sources a folder keeps its name")
  func folderAmongOthers() async throws {
    let name = try #require(folder.path.lastComponent?.string)
    #expect(
      try await keys(["", "a.txt"], to: "s3://b/p/", isRecursive: true)
        == ["p/a.txt", "p/\(name)/a.txt", "p/\(name)/b.txt"])
  }

  @Test("A folder without -r, and two sources for one key, are refused before anything is sent")
  func refused() async throws {
    await #expect(throws: CommandFailure.self) { try await keys([""], to: "s3://b/") }
    await #expect(throws: CommandFailure.self) {
      try await keys(["a.txt", "a.txt"], to: "s3://b/p/")
    }
  }
}
