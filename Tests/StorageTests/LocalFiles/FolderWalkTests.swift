import Foundation
import Glibc
import S3
import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Folder walk")
struct FolderWalkTests {
  let folder: LocalFolder

  init() throws {
    folder = try LocalFolder()
  }

  private func walk(_ path: FilePath? = nil) async -> (files: [String], leftOut: [LocalFileError]) {
    var files: [String] = []
    var leftOut: [LocalFileError] = []
    for await element in FolderWalk(path ?? folder.path) {
      switch element {
      case .file(let file): files.append(file.name.text)
      case .emptyFolder: break
      case .leftOut(let error, _): leftOut.append(error)
      }
    }
    return (files, leftOut)
  }

  @Test("Files come in the order of their keys, hidden ones and empty ones too")
  func order() async throws {
    for name in ["b", "a/z", "a-b", "a.b", "a/b/c", "a0", ".hidden/x", "A", "é", "a/.x"] {
      try folder.write(name, "")
    }
    _ = try folder.makeFolder("empty")
    let (files, leftOut) = await walk()
    let keys = files.map { ObjectKey($0) }
    #expect(keys == keys.sorted())
    #expect(
      files == [".hidden/x", "A", "a-b", "a.b", "a/.x", "a/b/c", "a/z", "a0", "b", "é"])
    #expect(leftOut.isEmpty)
  }

  @Test("Each file has its path, its size and its time")
  func facts() async throws {
    let path = try folder.write("sub/file", "12345")
    for await element in FolderWalk(folder.path) {
      guard case .file(let file) = element else {
        Issue.record("\(element)")
        continue
      }
      #expect(file.path == path)
      #expect(file.size == ByteCount(5))
      #expect(try await SourceFile.open(path).modified == file.modified)
    }
  }

  @Test("A large folder comes whole, in order")
  func large() async throws {
    for number in 0..<2_000 { try folder.write("n\(number)", "") }
    let (files, _) = await walk()
    #expect(files == (0..<2_000).map { "n\($0)" }.sorted())
  }

  @Test("More names than memory is taken for come in the same order, in each folder on the way")
  func manyNames() throws {
    var random = SystemRandomNumberGenerator()
    var expected: Set<ObjectKey> = []
    for level in ["", "m/", "m/m/"] {
      for _ in 0..<400 {
        let bytes =
          [UInt8](level.utf8)
          + (0..<60).map { _ in
            UInt8.random(in: 0x30...0xFF, using: &random)
          }
        let path = FilePath(bytes: folder.path.bytes + [UInt8(ascii: "/")] + bytes)
        _ = try folder.makeFolder(level)
        try FileDescriptor.open(
          path, .writeOnly, options: .create, permissions: .ownerReadWrite
        ).close()
        expected.insert(ObjectKey(bytes: bytes))
      }
    }
    var steps = WalkSteps(folder.path, memory: 100)
    let found = steps.take(5_000).compactMap { element -> ObjectKey? in
      if case .file(let file) = element { file.name } else { nil }
    }
    #expect(found == expected.sorted())
  }

  @Test("Links are followed inside the folder, and not out of it or around in circles")
  func links() async throws {
    let outside = try LocalFolder()
    try outside.write("secret")
    try folder.write("real/file")
    try folder.link("in", to: "real")
    try folder.link("file-link", to: "real/file")
    try folder.link("out", to: outside.path.string)
    try folder.link("out-file", to: outside.path.appending("secret").string)
    try folder.link("real/circle", to: "..")
    try folder.link("nowhere", to: "missing")
    let (files, leftOut) = await walk()
    #expect(files == ["file-link", "in/file", "real/file"])
    let reasons = Dictionary(
      grouping: leftOut, by: { $0.kind }
    ).mapValues { errors in errors.compactMap { $0.path.lastComponent?.string }.sorted() }
    #expect(
      reasons == [
        .linkNotFollowed: ["out", "out-file"], .loopingLink: ["circle", "circle"],
        .system(.noSuchFileOrDirectory): ["nowhere"],
      ])
  }

  @Test("What cannot be read or sent is reported, and the walk goes on")
  func unreadable() throws {
    try folder.write("a")
    try folder.write("closed/x")
    try folder.write("z")
    #expect(mkfifo(folder.path.appending("fifo").string, 0o600) == 0)
    #expect(chmod(folder.path.appending("closed").string, 0) == 0)
    let path = folder.path
    let elements = try withoutPrivileges {
      var steps = WalkSteps(path)
      return steps.take(100)
    }
    #expect(chmod(folder.path.appending("closed").string, 0o700) == 0)
    let files = elements.compactMap { element -> String? in
      if case .file(let file) = element { file.name.text } else { nil }
    }
    #expect(files == ["a", "z"])
    #expect(
      elements.contains(
        .leftOut(
          LocalFileError(path.appending("closed"), .system(.permissionDenied)),
          name: ObjectKey("closed/"))))
    let fifo = LocalFileError(path.appending("fifo"), .notARegularFile)
    #expect(elements.contains(.leftOut(fifo, name: ObjectKey("fifo"))))
  }

  @Test("A folder that is none")
  func missing() async throws {
    let path = folder.path.appending("missing")
    let (files, leftOut) = await walk(path)
    #expect(files.isEmpty)
    #expect(leftOut == [LocalFileError(path, .system(.noSuchFileOrDirectory))])
    let file = try folder.write("file")
    #expect(await walk(file).leftOut == [LocalFileError(file, .notAFolder)])
  }

  @Test("Names that are not UTF-8 keep their bytes")
  func bytes() async throws {
    let raw = folder.path.appending(bytes: [0x66, 0xff, 0x0a])
    let descriptor = try FileDescriptor.open(
      raw, .writeOnly, options: .create, permissions: .ownerReadWrite)
    try descriptor.close()
    var names: [ObjectKey] = []
    for await element in FolderWalk(folder.path) {
      if case .file(let file) = element { names.append(file.name) }
    }
    #expect(names == [ObjectKey(bytes: [0x66, 0xff, 0x0a])])
  }
}
