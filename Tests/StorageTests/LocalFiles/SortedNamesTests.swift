import Glibc
import S3
import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Sorted names")
struct SortedNamesTests {
  let folder: LocalFolder

  init() throws {
    folder = try LocalFolder()
  }

  private func sorted(_ names: [[UInt8]], memory: Int) throws -> [[UInt8]] {
    var list = SortedNames(of: "/many", memory: memory, temporaryFolder: folder.path)
    for name in names { try list.append(name) }
    try list.sort()
    var found: [[UInt8]] = []
    while let name = try list.popFirst() { found.append(name) }
    return found
  }

  @Test(
    "They come in the order of their bytes, in memory and out of it",
    arguments: [1, 100, 5_000, 1 << 20])
  func order(memory: Int) throws {
    var random = SystemRandomNumberGenerator()
    let names = (0..<3_000).map { _ in
      (0..<Int.random(in: 1...(Bool.random(using: &random) ? 8 : 256), using: &random))
        .map { _ in UInt8.random(in: 1...255, using: &random) }
    }
    let expected = names.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(try sorted(names, memory: memory) == expected)
    #expect(try folder.names().isEmpty)
  }

  @Test("What they take of memory stays below the limit while they are taken and read")
  func memory() throws {
    let limit = 64 * 1024
    var list = SortedNames(of: "/many", memory: limit, temporaryFolder: folder.path)
    var highest = 0
    for number in 0..<50_000 {
      try list.append(Array("a name of some length \(number &* 7919 % 50_000)".utf8))
      highest = max(highest, list.held)
    }
    try list.sort()
    var count = 0
    while try list.popFirst() != nil {
      count += 1
      highest = max(highest, list.held)
    }
    #expect(count == 50_000)
    #expect(highest <= limit)
  }

  @Test("No names, and one")
  func few() throws {
    #expect(try sorted([], memory: 1).isEmpty)
    #expect(try sorted([[1]], memory: 1) == [[1]])
  }

  @Test("A temporary folder that cannot take them is named")
  func noRoom() throws {
    let missing = folder.path.appending("missing")
    var list = SortedNames(of: "/many", memory: 10, temporaryFolder: missing)
    try list.append(Array(repeating: 1, count: 100))
    let error = LocalFileError("/many", .noRoomForNames(in: missing, .noSuchFileOrDirectory))
    #expect(throws: error) { try list.append(Array(repeating: 2, count: 100)) }
    let words = StorageError(error)
    #expect(
      words.message
        == "/many has more names than memory is taken for, and \(missing) cannot take them: No such file or directory"
    )
    #expect(words.recovery == "Free space there, or set TMPDIR to a folder with room.")
  }
}
