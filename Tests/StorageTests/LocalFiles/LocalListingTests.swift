import Foundation
import Glibc
import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("Local listing")
struct LocalListingTests {
  let folder: LocalFolder

  init() throws {
    folder = try LocalFolder()
  }

  @Test("Folders come first, then files by the bytes of their names")
  func order() async throws {
    for name in ["b.txt", "a.txt", ".hidden", "sub/inner", "Z/inner"] { try folder.write(name) }
    let listing = try await LocalListing.read(folder.path)
    let names = listing.entries.map { String(decoding: $0.name, as: UTF8.self) }
    #expect(names == ["Z", "sub", ".hidden", "a.txt", "b.txt"])
    #expect(listing.entries.map(\.kind) == [.folder, .folder, .file, .file, .file])
    #expect(listing.entries.map(\.isHidden) == [false, false, true, false, false])
    #expect(listing.entries.last?.size == ByteCount(7))
  }

  @Test("A link is told by what it leads to")
  func links() async throws {
    try folder.write("sub/file", "12345")
    try folder.link("to-folder", to: "sub")
    try folder.link("to-file", to: "sub/file")
    try folder.link("to-nothing", to: "missing")
    #expect(mkfifo(folder.path.appending("fifo").string, 0o600) == 0)
    let entries = try await LocalListing.read(folder.path).entries
    let facts = entries.map { entry in
      "\(String(decoding: entry.name, as: UTF8.self)) \(entry.kind) \(entry.isLink) \(entry.size.bytes)"
    }
    #expect(
      facts == [
        "sub folder false 0", "to-folder folder true 0", "fifo other false 0",
        "to-file file true 5", "to-nothing other true 0",
      ])
  }

  @Test("The folder is named without dots and links")
  func resolved() async throws {
    _ = try folder.makeFolder("sub")
    try folder.link("link", to: "sub")
    let listing = try await LocalListing.read(folder.path.appending("link/../link/."))
    let expected = try await LocalListing.read(folder.path.appending("sub"))
    #expect(listing.folder == expected.folder)
    #expect(listing.folder.lastComponent == "sub")
    #expect(listing.entries.isEmpty)
  }

  @Test("What is missing, no folder, or closed says so")
  func unreadable() async throws {
    let missing = folder.path.appending("missing")
    await #expect(throws: LocalFileError(missing, .system(.noSuchFileOrDirectory))) {
      try await LocalListing.read(missing)
    }
    let file = try folder.write("file")
    await #expect(throws: LocalFileError.self) { try await LocalListing.read(file) }
  }
}
