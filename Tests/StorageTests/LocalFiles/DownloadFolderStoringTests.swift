import Dispatch
import Foundation
import Glibc
import HTTP
import S3
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Storing in one go")
struct DownloadFolderStoringTests {
  private static let memory = "/dev/shm"
  private static let disk = "/var/tmp"

  /// A folder there, removed at the end of the test.
  private func folder(in place: String) async throws -> (LocalFolder, DownloadFolder) {
    let outer = try LocalFolder(in: place)
    return (outer, try await DownloadFolder.open(outer.path))
  }

  private func store(
    _ content: String, _ name: String, in folder: DownloadFolder,
    _ existing: DownloadFolder.Existing = .overwrite, mayHaveLeftover: Bool = false,
    modified: Timestamp? = nil
  ) async throws -> FilePath {
    try await folder.store(
      Array(content.utf8), as: try RelativeName(ObjectKey(name)), existing: existing,
      modified: modified, mayHaveLeftover: mayHaveLeftover)
  }

  private func expectFailure(
    _ kind: LocalFileError.Kind, _ name: String, in folder: DownloadFolder,
    _ existing: DownloadFolder.Existing = .overwrite, mayHaveLeftover: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    await #expect(sourceLocation: sourceLocation) {
      _ = try await store(
        "never", name, in: folder, existing, mayHaveLeftover: mayHaveLeftover)
    } throws: { error in
      (error as? LocalFileError)?.kind == kind
    }
  }

  /// What a download that arrives beside its name stumbles over.
  private func blockPart(of name: String, in outer: LocalFolder) async throws {
    let folder = try await DownloadFolder.open(outer.path)
    let probe = try folder.makeTarget(
      try RelativeName(ObjectKey(name)), size: nil, existing: .rename)
    let part = try #require(try outer.names().first { $0.hasSuffix(".part") })
    await probe.abandon()
    #expect(mkfifo(outer.path.appending(FilePath(part).components).string, 0o600) == 0)
  }

  @Test(
    "The file is there with its bytes and its time, in memory as on a disk",
    arguments: [memory, disk])
  func stored(place: String) async throws {
    let (outer, folder) = try await folder(in: place)
    let time = Timestamp(seconds: 1_700_000_000, nanoseconds: 500_000_000)
    let path = try await store("one", "2026/small", in: folder, .fail, modified: time)
    #expect(path == outer.path.appending("2026/small"))
    #expect(try outer.content("2026/small") == "one")
    let name = try RelativeName(ObjectKey("2026/small"))
    #expect(try await folder.existing(name)?.modified == time)
    #expect(try await store("", "empty", in: folder) == outer.path.appending("empty"))
    #expect(try outer.content("empty") == "")
    #expect(try outer.names() == ["2026", "2026/small", "empty"])
  }

  @Test(
    "A name that a file has is refused, overwritten, or numbered, as was asked",
    arguments: [memory, disk])
  func existingFile(place: String) async throws {
    for existing in [DownloadFolder.Existing.fail, .overwrite, .rename] {
      let (outer, folder) = try await folder(in: place)
      try outer.write("a.txt", "old")
      switch existing {
      case .fail:
        await expectFailure(.alreadyExists, "a.txt", in: folder, .fail)
        #expect(try outer.names() == ["a.txt"])
      case .overwrite:
        #expect(try await store("new", "a.txt", in: folder) == outer.path.appending("a.txt"))
        #expect(try outer.content("a.txt") == "new")
        #expect(try outer.names() == ["a.txt"])
      case .rename:
        let path = try await store("new", "a.txt", in: folder, .rename)
        #expect(path == outer.path.appending("a (1).txt"))
        #expect(try outer.content("a.txt") == "old")
        #expect(try outer.content("a (1).txt") == "new")
        #expect(try outer.names() == ["a (1).txt", "a.txt"])
      }
      // What is free after one that was taken.
      #expect(try await store("b", "b.txt", in: folder, existing) == outer.path.appending("b.txt"))
      #expect(try outer.content("b.txt") == "b")
    }
  }

  @Test("No link is followed, no folder replaced, and nothing special", arguments: [memory, disk])
  func inTheWay(place: String) async throws {
    let (outer, _) = try await folder(in: place)
    try outer.write("victim", "kept")
    _ = try outer.makeFolder("d/folder")
    try outer.link("d/link", to: outer.path.appending("victim").string)
    try outer.link("d/dangling", to: outer.path.appending("made").string)
    try outer.link("d/null", to: "/dev/null")
    try outer.link("d/elsewhere", to: outer.path.string)
    try outer.write("d/file")
    #expect(mkfifo(outer.path.appending("d/pipe").string, 0o600) == 0)
    // Each is the first that its folder has to do with.
    func fresh() async throws -> DownloadFolder {
      try await DownloadFolder.open(outer.path.appending("d"))
    }
    for name in ["link", "dangling", "null", "elsewhere", "folder", "file", "pipe"] {
      await expectFailure(.alreadyExists, name, in: try await fresh(), .fail)
    }
    await expectFailure(.folder, "folder", in: try await fresh())
    for name in ["null", "pipe"] {
      await expectFailure(.notARegularFile, name, in: try await fresh())
    }
    await expectFailure(.link, "elsewhere/new", in: try await fresh())
    await expectFailure(.notAFolder, "file/new", in: try await fresh())
    let before = try outer.names()
    for name in ["link", "dangling"] { _ = try await store("new", name, in: try await fresh()) }
    #expect(try outer.names() == before)
    #expect(try outer.content("victim") == "kept")
    for name in ["link", "dangling"] {
      var status = stat()
      #expect(lstat(outer.path.appending("d/\(name)").string, &status) == 0 && status.isRegular)
      #expect(try outer.content("d/\(name)") == "new")
    }
  }

  @Test("The mode follows the umask", arguments: [memory, disk])
  func umaskIsRespected(place: String) async throws {
    let (outer, folder) = try await folder(in: place)
    let probe = openat(AT_FDCWD, outer.path.appending("probe").string, O_WRONLY | O_CREAT, 0o666)
    #expect(probe >= 0 && close(probe) == 0)
    _ = try await store("content", "file", in: folder)
    #expect(try outer.mode("file") == outer.mode("probe"))
  }

  @Test("In memory a file has no other name before its own, unless there may be a leftover of it")
  func unnamed() async throws {
    let (outer, folder) = try await folder(in: Self.memory)
    for name in ["a", "b", "c"] { try await blockPart(of: name, in: outer) }
    _ = try await store("content", "a", in: folder)
    await expectFailure(.notARegularFile, "b", in: folder, mayHaveLeftover: true)
    // A transfer that has the file beside the name has come first.
    await expectFailure(.notARegularFile, "b", in: folder, .rename)
    _ = try await store("content", "b", in: folder, .fail)
    // To be replaced, so it is one for a file beside it, and so are those that follow.
    for name in ["a", "c"] { await expectFailure(.notARegularFile, name, in: folder) }
  }

  @Test("What an earlier run may have left goes")
  func leftover() async throws {
    let (outer, folder) = try await folder(in: Self.memory)
    do {
      let left = try folder.makeTarget(
        try RelativeName(ObjectKey("a")), size: nil, existing: .overwrite)
      try left.write("of a longer one")
      left.keep()
    }
    #expect(try outer.names().count == 1)
    _ = try await store("content", "a", in: folder, mayHaveLeftover: true)
    #expect(try outer.names() == ["a"])
  }

  @Test("On a disk a file is flushed under a name, also below a folder in memory")
  func onDisk() async throws {
    let (outer, folder) = try await folder(in: Self.disk)
    try await blockPart(of: "a", in: outer)
    await expectFailure(.notARegularFile, "a", in: folder)
    folder.storesUnnamed.store(true, ordering: .relaxed)
    await expectFailure(.notARegularFile, "a", in: folder)
  }

  @Test("Where a file without a name cannot become one of the folder, it has one from the start")
  func fallback() async throws {
    let (outer, folder) = try await folder(in: Self.memory)
    try await blockPart(of: "a", in: outer)
    let before = try outer.names()
    let name = try RelativeName(ObjectKey("a"))
    // As if the system forgot the one that there is.
    #expect(try withoutUmask { try folder.storeUnnamed([1], as: name, nil) } == false)
    #expect(try outer.names() == before)
    await expectFailure(.notARegularFile, "a", in: folder)
    _ = try await store("content", "b", in: folder)
    #expect(try outer.content("b") == "content")
    // No files are made there, with or without a name.
    let kernel = OpenFile(try FileDescriptor.open("/proc", .readOnly, options: .directory))
    #expect(UnnamedFile.make(toBeNamedIn: kernel, on: try device(of: kernel)) == nil)
  }

  private func device(of file: OpenFile) throws -> dev_t {
    var status = stat()
    try #require(fstat(file.descriptor.rawValue, &status) == 0)
    return status.st_dev
  }

  /// Only a thread of its own goes without it.
  private func withoutUmask(_ body: @escaping @Sendable () throws -> Bool) throws -> Bool {
    typealias Unshare = @convention(c) (Int32) -> Int32
    // Swift's Glibc leaves it out.
    let unshare = unsafeBitCast(try #require(dlsym(nil, "unshare")), to: Unshare.self)
    let isDone = DispatchSemaphore(value: 0)
    let result = Mutex<Result<Bool, any Error>?>(nil)
    Thread {
      // `CLONE_FS`
      if unshare(0x200) == 0 {
        umask(0)
        let answer = Result { try body() }
        result.withLock { $0 = answer }
      }
      isDone.signal()
    }.start()
    isDone.wait()
    return try #require(result.withLock { $0 }).get()
  }

  @Test("A file that cannot be completed leaves nothing", arguments: [memory, disk])
  func failure(place: String) async throws {
    let (outer, folder) = try await folder(in: place)
    await #expect {
      // No time that a file can have.
      _ = try await store(
        "content", "file", in: folder,
        modified: Timestamp(seconds: 0, nanoseconds: 1_500_000_000))
    } throws: { error in
      (error as? LocalFileError)
        == LocalFileError(outer.path.appending("file"), .system(.invalidArgument))
    }
    #expect(try outer.names() == [])
  }

  @Test("A file gets its name also from who may not name every open file, once")
  func named() throws {
    let outer = try LocalFolder(in: Self.memory)
    let folder = OpenFile(try FileDescriptor.open(outer.path, .readOnly, options: .directory))
    let memory = try device(of: folder)
    // A folder on a disk may be mounted below one in memory.
    #expect(UnnamedFile.make(toBeNamedIn: folder, on: memory + 1) == nil)
    let file = try #require(UnnamedFile.make(toBeNamedIn: folder, on: memory))
    try file.descriptor.writeAll("content".utf8)
    #expect(try outer.names() == [])
    giveToUnprivileged(outer.path)
    // Of the same user, but not opened with the same rights.
    if geteuid() == 0 { #expect(fchown(file.descriptor.rawValue, 65_534, 65_534) == 0) }
    for expected in [true, false] {
      #expect(
        try withoutPrivileges { UnnamedFile.give(Array("name".utf8), to: file, in: folder) }
          == expected)
    }
    #expect(try outer.content("name") == "content")
  }
}
