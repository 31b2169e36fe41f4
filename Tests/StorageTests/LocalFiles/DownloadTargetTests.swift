import Foundation
import Glibc
import S3
import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Download target")
struct DownloadTargetTests {
  let outer: LocalFolder
  let downloads: FilePath
  let folder: DownloadFolder

  init() async throws {
    outer = try LocalFolder()
    downloads = outer.path.appending("downloads")
    folder = try await DownloadFolder.open(downloads)
  }

  private func target(
    _ name: String, size: Int64? = nil, existing: DownloadFolder.Existing = .fail
  ) async throws -> DownloadTarget {
    try await folder.target(
      try RelativeName(ObjectKey(name)), size: size.map { ByteCount($0) }, existing: existing)
  }

  private func expectFailure(
    _ kind: LocalFileError.Kind, _ name: String, existing: DownloadFolder.Existing = .overwrite,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    await #expect(sourceLocation: sourceLocation) {
      _ = try await target(name, existing: existing)
    } throws: { error in
      (error as? LocalFileError)?.kind == kind
    }
  }

  @Test("A device or a pipe is never replaced, nor is a link to one")
  func special() async throws {
    let pipe = downloads.appending("pipe")
    #expect(mkfifo(pipe.string, 0o600) == 0)
    try outer.link("downloads/link", to: pipe.string)
    try outer.link("downloads/null", to: "/dev/null")
    for name in ["pipe", "link", "null"] { await expectFailure(.notARegularFile, name) }
    var status = stat()
    #expect(lstat(pipe.string, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    #expect(lstat(downloads.appending("link").string, &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFLNK)
  }

  @Test("A download appears under its name once it is complete, with the object's time")
  func whole() async throws {
    let target = try await target("2026/q3/summary.csv", size: 7)
    try target.write("content")
    let parts = try outer.names().filter { $0.hasSuffix(".part") }
    #expect(parts.count == 1)
    #expect(!FileManager.default.fileExists(atPath: target.path.string))
    try await target.finish(modified: Timestamp(seconds: 1_700_000_000, nanoseconds: 500_000_000))
    #expect(try outer.content("downloads/2026/q3/summary.csv") == "content")
    #expect(
      try outer.names() == [
        "downloads", "downloads/2026", "downloads/2026/q3", "downloads/2026/q3/summary.csv",
      ])
    let existing = try #require(try await folder.existing(RelativeName("2026/q3/summary.csv")))
    #expect(existing.modified == Timestamp(seconds: 1_700_000_000, nanoseconds: 500_000_000))
    #expect(existing.size == ByteCount(7))
    #expect(existing.isRegular)
  }

  @Test("An empty object becomes an empty file, and unknown sizes reserve nothing")
  func empty() async throws {
    try await target("empty", size: 0).finish(modified: nil)
    #expect(try outer.content("downloads/empty") == "")
    #expect(try await folder.existing(RelativeName("empty"))?.size == .zero)
  }

  @Test("Room is set aside for the beginning at once, and then for all of it")
  func room() async throws {
    let size: Int64 = 40 << 20
    let target = try await target("large", size: size)
    func blocks() throws -> Int64 {
      Int64(try status(of: target.file, path: target.path).st_blocks) * 512
    }
    let first = try blocks()
    try await target.reserveRest()
    // In memory nothing is gained by it.
    let isSetAside = !isInMemory(target.file)
    #expect(isSetAside ? first >= 1 << 20 && first < size : first == 0)
    #expect(try isSetAside ? blocks() >= size : blocks() == 0)
    #expect(Int64(try status(of: target.file, path: target.path).st_size) == size)
    await target.abandon()
  }

  @Test("What was left of a longer file is cut to the size of this one, and what is wanted stays")
  func longerLeftover() async throws {
    do {
      let longer = try await target("a", size: 100)
      try longer.write(String(repeating: "x", count: 100))
      longer.keep()
    }
    let next = try await folder.target(
      RelativeName(ObjectKey("a")), size: ByteCount(40), existing: .fail, reusing: true)
    #expect(next.isLeftover)
    try await next.finish(modified: nil)
    #expect(try outer.content("downloads/a") == String(repeating: "x", count: 40))
  }

  @Test("What is kept is free for the next run at once, whoever still has it open")
  func keptAndOpen() async throws {
    let first = try await target("a", size: 10)
    try first.write("half")
    first.keep()
    await first.abandon()
    let next = try await folder.target(
      RelativeName(ObjectKey("a")), size: ByteCount(10), existing: .fail, reusing: true)
    #expect(next.isLeftover)
    await next.abandon()
    withExtendedLifetime(first) {}
  }

  @Test("The mode follows the umask")
  func umaskIsRespected() async throws {
    let probe = try outer.write("probe")
    try await target("file", size: 1).finish(modified: nil)
    #expect(try outer.mode("downloads/file") == outer.mode(probe.lastComponent?.string ?? ""))
  }

  @Test("An abandoned download, and one that is let go, leave nothing")
  func abandoned() async throws {
    let first = try await target("a", size: 1 << 20)
    try first.write("half")
    await first.abandon()
    await first.abandon()
    #expect(try outer.names() == ["downloads"])
    do { _ = try await target("b", size: 10) }
    #expect(try outer.names() == ["downloads"])
  }

  @Test("A name that a file has is refused, overwritten, or numbered, as was asked")
  func existingFile() async throws {
    try outer.write("downloads/a.txt", "old")
    await expectFailure(.alreadyExists, "a.txt", existing: .fail)
    #expect(try outer.names() == ["downloads", "downloads/a.txt"])

    let renamed = try await target("a.txt", existing: .rename)
    let again = try await target("a.txt", existing: .rename)
    try renamed.write("new")
    try again.write("newer")
    try await renamed.finish(modified: nil)
    try await again.finish(modified: nil)
    #expect(renamed.path.lastComponent == "a (1).txt")
    #expect(again.path.lastComponent == "a (2).txt")
    #expect(try outer.content("downloads/a.txt") == "old")
    #expect(try outer.content("downloads/a (1).txt") == "new")
    #expect(try outer.content("downloads/a (2).txt") == "newer")

    let over = try await target("a.txt", existing: .overwrite)
    try over.write("changed")
    #expect(try outer.content("downloads/a.txt") == "old")
    try await over.finish(modified: nil)
    #expect(try outer.content("downloads/a.txt") == "changed")
  }

  @Test("A file that appears during the download is not overwritten unless that was asked")
  func appearsMeanwhile() async throws {
    let target = try await target("a.txt")
    try target.write("ours")
    try outer.write("downloads/a.txt", "theirs")
    await #expect(throws: LocalFileError(target.path, .alreadyExists)) {
      try await target.finish(modified: nil)
    }
    #expect(try outer.content("downloads/a.txt") == "theirs")
    #expect(try outer.names() == ["downloads", "downloads/a.txt"])
  }

  @Test("Keys never lead out of the folder")
  func hostileKeys() throws {
    for key in ["../../x", "/etc/passwd", "a/../../esc", "..", "a/\0/b"] {
      #expect(throws: LocalFileError.self, "\(key)") { try RelativeName(ObjectKey(key)) }
    }
  }

  @Test("Links in the way are not followed: as a folder, as the file, as the part file")
  func links() async throws {
    let elsewhere = try outer.makeFolder("elsewhere")
    try outer.link("downloads/sub", to: elsewhere.string)
    await expectFailure(.link, "sub/file")
    await expectFailure(.link, "sub/deeper/file")

    // The link itself is replaced, what it leads to is not touched.
    let victim = try outer.write("elsewhere/victim", "kept")
    try outer.link("downloads/file", to: victim.string)
    await expectFailure(.alreadyExists, "file", existing: .fail)
    let target = try await target("file", existing: .overwrite)
    try target.write("new")
    try await target.finish(modified: nil)
    #expect(try outer.content("elsewhere/victim") == "kept")
    #expect(try outer.content("downloads/file") == "new")

    let probe = try await self.target("planted")
    let part = try #require(try outer.names().first { $0.hasSuffix(".part") })
    await probe.abandon()
    try outer.link(part, to: victim.string)
    await expectFailure(.link, "planted")
    #expect(try outer.content("elsewhere/victim") == "kept")
  }

  @Test("The folder stays the one that was chosen when its path is bent meanwhile")
  func folderIsHeld() async throws {
    let elsewhere = try outer.makeFolder("elsewhere")
    try FileManager.default.moveItem(
      atPath: downloads.string, toPath: outer.path.appending("moved").string)
    try outer.link("downloads", to: elsewhere.string)
    try await target("file").finish(modified: nil)
    #expect(try outer.names() == ["downloads", "elsewhere", "moved", "moved/file"])
  }

  @Test("A file where a folder should be, and a folder where the file should be")
  func wrongKinds() async throws {
    try outer.write("downloads/file")
    await expectFailure(.notAFolder, "file/below")
    _ = try outer.makeFolder("downloads/sub")
    await expectFailure(.folder, "sub")
    await expectFailure(.alreadyExists, "sub", existing: .fail)
    await #expect(throws: LocalFileError(downloads.appending("file"), .notAFolder)) {
      _ = try await DownloadFolder.open(downloads.appending("file"))
    }
  }

  @Test("Two downloads to one name do not meet in one file")
  func locked() async throws {
    let first = try await target("same", existing: .overwrite)
    try first.write("first")
    // Told of by the name that was asked for.
    await #expect(throws: LocalFileError(first.path, .inUse)) {
      _ = try await target("same", existing: .overwrite)
    }
    try await first.finish(modified: nil)
    try await target("same", existing: .overwrite).finish(modified: nil)
    #expect(try outer.content("downloads/same") == "")
  }

  @Test("What a dead process left is replaced")
  func stale() async throws {
    let probe = try await target("file")
    let part = try #require(try outer.names().first { $0.hasSuffix(".part") })
    await probe.abandon()
    try outer.write(part, "left behind by a longer download")
    let target = try await target("file")
    try target.write("new")
    try await target.finish(modified: nil)
    #expect(try outer.content("downloads/file") == "new")
    #expect(try outer.names() == ["downloads", "downloads/file"])
  }

  @Test("A FIFO in the way of the part file holds nothing up")
  func fifo() async throws {
    let probe = try await target("file")
    let part = try #require(try outer.names().first { $0.hasSuffix(".part") })
    await probe.abandon()
    #expect(mkfifo(outer.path.appending(FilePath(part).components).string, 0o600) == 0)
    await expectFailure(.notARegularFile, "file")
  }

  @Test("A folder that may only be read")
  func readOnlyFolder() throws {
    giveToUnprivileged(outer.path)
    giveToUnprivileged(downloads)
    #expect(chmod(downloads.string, 0o555) == 0)
    let name = try RelativeName("file")
    let nested = try RelativeName("sub/file")
    for (name, path) in [(nested, downloads.appending("sub"))] {
      #expect(throws: LocalFileError(path, .system(.permissionDenied))) {
        try withoutPrivileges { _ = try folder.makeTarget(name, size: nil, existing: .fail) }
      }
    }
    #expect {
      try withoutPrivileges { _ = try folder.makeTarget(name, size: nil, existing: .fail) }
    } throws: { error in
      (error as? LocalFileError)?.kind == .system(.permissionDenied)
    }
    let below = downloads.appending("new")
    #expect(throws: LocalFileError(below, .system(.permissionDenied))) {
      try withoutPrivileges { _ = try DownloadFolder(below) }
    }
    #expect(chmod(downloads.string, 0o755) == 0)
  }

  @Test("A disk without room is noticed before anything is fetched")
  func full() async throws {
    await #expect {
      _ = try await target("huge", size: 1 << 50)
    } throws: { error in
      let kind = (error as? LocalFileError)?.kind
      return kind == .system(.noSpace) || kind == .system(.fileTooLarge)
    }
    #expect(try outer.names() == ["downloads"])
  }

  @Test("Nothing exists below a folder that does not exist")
  func nothing() async throws {
    #expect(try await folder.existing(RelativeName("a/b/c")) == nil)
    #expect(try await folder.existing(RelativeName("a")) == nil)
    try outer.link("downloads/link", to: "/etc/passwd")
    #expect(try await folder.existing(RelativeName("link"))?.isRegular == false)
  }
}

extension RelativeName {
  fileprivate init(_ text: String) throws(LocalFileError) { try self.init(ObjectKey(text)) }
}
