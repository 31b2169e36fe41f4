import Foundation
import Glibc
import S3
import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Source file")
struct SourceFileTests {
  let folder: LocalFolder

  init() throws {
    folder = try LocalFolder()
  }

  @Test("A regular file is opened with its size, also through a link")
  func regular() async throws {
    let path = try folder.write("a.txt", "12345")
    try folder.link("link", to: "a.txt")
    for path in [path, folder.path.appending("link")] {
      let source = try await SourceFile.open(path)
      #expect(source.size == ByteCount(5))
      #expect(await !source.hasChanged())
    }
    #expect(try await SourceFile.open(try folder.write("empty", "")).size == .zero)
  }

  @Test("A folder, a FIFO and a device are no source, and none of them is waited for")
  func otherKinds() async throws {
    let fifo = folder.path.appending("fifo")
    #expect(mkfifo(fifo.string, 0o600) == 0)
    for path in [folder.path, fifo, "/dev/null"] {
      await #expect(throws: LocalFileError(path, .notARegularFile)) {
        try await SourceFile.open(path)
      }
    }
  }

  @Test("A file of the kernel, which has bytes and no size, is no empty one")
  func hiddenSize() async throws {
    await #expect(throws: LocalFileError("/proc/self/status", .hidesSize)) {
      try await SourceFile.open("/proc/self/status")
    }
  }

  @Test("What is missing and what may not be read say so")
  func unreadable() async throws {
    let missing = folder.path.appending("missing")
    await #expect(throws: LocalFileError(missing, .system(.noSuchFileOrDirectory))) {
      try await SourceFile.open(missing)
    }
    let secret = try folder.write("secret")
    #expect(chmod(secret.string, 0) == 0)
    #expect(throws: LocalFileError(secret, .system(.permissionDenied))) {
      try withoutPrivileges { _ = try SourceFile(secret) }
    }
  }

  @Test(
    "An empty file is proven like any other",
    arguments: [
      ("d41d8cd98f00b204e9800998ecf8427e", true), ("59adb24ef3cdbe0297f05b395827453f-1", true),
      ("59adb24ef3cdbe0297f05b395827453f", false), ("59adb24ef3cdbe0297f05b395827453f-2", false),
    ])
  func emptyProof(etag: String, isProven: Bool) async throws {
    let source = try await SourceFile.open(try folder.write("empty", ""))
    let object = ObjectMetadata(size: .zero, etag: ETag(etag))
    #expect(try await source.proof(in: object, partSize: .mebibytes(8)) == (isProven ? .etag : nil))
    let checksum = ObjectChecksum(.crc64nvme, .fullObject, value: Array(repeating: 0, count: 8))
    #expect(
      try await source.proof(
        in: ObjectMetadata(size: .zero, checksums: [checksum]), partSize: .mebibytes(8))
        == .checksum)
  }

  @Test("A file that grows, shrinks, is rewritten, replaced or deleted has changed")
  func changes() async throws {
    func expectChange(_ name: String, _ change: (FilePath) throws -> Void) async throws {
      let path = try folder.write(name, "12345")
      let source = try await SourceFile.open(path)
      try change(path)
      #expect(await source.hasChanged(), "\(name)")
    }
    try await expectChange("grows") { path in
      let file = try FileDescriptor.open(path, .writeOnly, options: .append)
      try file.closeAfter { _ = try file.writeAll("6".utf8) }
    }
    try await expectChange("shrinks") { #expect(truncate($0.string, 2) == 0) }
    try await expectChange("rewritten") { path in
      // The clock of the file system may be coarse: the new time is set and not waited for.
      let times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1_900_000_000, tv_nsec: 0)]
      #expect(utimensat(AT_FDCWD, path.string, times, 0) == 0)
    }
    try await expectChange("replaced") { path in
      var status = stat()
      #expect(stat(path.string, &status) == 0)
      let other = try folder.write("other", "54321")
      #expect(utimensat(AT_FDCWD, other.string, [status.st_atim, status.st_mtim], 0) == 0)
      #expect(rename(other.string, path.string) == 0)
    }
    try await expectChange("deleted") { #expect(unlink($0.string) == 0) }
  }
}
