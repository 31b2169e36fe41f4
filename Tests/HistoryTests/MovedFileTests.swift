import Foundation
import S3
import SystemPackage
import Testing

@testable import History

@Suite("A history whose file is moved")
struct MovedFileTests {
  let folder: TemporaryFolder
  var moved: FilePath { folder.path.appending("old.sqlite") }

  init() throws {
    folder = try TemporaryFolder()
  }

  private func move(_ source: FilePath, to target: FilePath) throws {
    try FileManager.default.moveItem(atPath: source.string, toPath: target.string)
  }

  private func keys(in path: FilePath) async throws -> [String?] {
    let store = try HistoryStore(path: path)
    #expect(try await store.verify().firstBroken == nil)
    return try await store.page(HistoryQuery(), limit: 10).map { $0.key?.text }
  }

  @Test(
    "It takes no more rows, and has those that were recorded",
    arguments: [StoreSettings.Journal.wal, .delete])
  func moved(journal: StoreSettings.Journal) async throws {
    let store = try HistoryStore(
      path: folder.history, settings: StoreSettings(journal: journal))
    let id = try #require(try await store.begin([.test("first")]).first)
    try move(folder.history, to: moved)

    await #expect(throws: HistoryError.moved(folder.history)) {
      try await store.begin([.test("second")])
    }
    await #expect(throws: HistoryError.moved(folder.history)) {
      try await store.finish([.test(id)])
    }
    #expect(try await keys(in: moved) == ["first"])
    // Another one may begin in its place, and the first store does not mistake it for its own.
    #expect(try await keys(in: folder.history).isEmpty)
    await #expect(throws: HistoryError.moved(folder.history)) {
      try await store.finish([.test(id)])
    }
  }

  @Test("A removed one takes no more rows")
  func removed() async throws {
    let store = try HistoryStore(path: folder.history)
    _ = try await store.begin([.test("first")])
    try FileManager.default.removeItem(atPath: folder.history.string)
    await #expect(throws: HistoryError.moved(folder.history)) {
      try await store.begin([.test("second")])
    }
    #expect(try contents(of: folder.path).isEmpty)
  }

  @Test("One that was replaced by its copy takes no more rows, and the copy has those there were")
  func replaced() async throws {
    let store = try HistoryStore(path: folder.history)
    _ = try await store.begin([.test("first")])
    try move(folder.history, to: moved)
    try FileManager.default.copyItem(atPath: moved.string, toPath: folder.history.string)
    await #expect(throws: HistoryError.moved(folder.history)) {
      try await store.begin([.test("second")])
    }
    #expect(try await keys(in: folder.history) == ["first"])
  }

  @Test("What was recorded before the move is not lost to a new history in its place")
  func leftover() async throws {
    let store = try HistoryStore(path: folder.history)
    _ = try await store.begin([.test("first")])
    try move(folder.history, to: moved)

    let journal = FilePath(folder.history.string + "-wal")
    #expect(throws: HistoryError.cannotOpen(folder.history, .leftover(journal))) {
      _ = try HistoryStore(path: folder.history)
    }
    try move(moved, to: folder.history)
    #expect(try await keys(in: folder.history) == ["first"])
    // The file is back before anything was refused.
    _ = try await store.begin([.test("second")])
    #expect(try await keys(in: folder.history) == ["second", "first"])
  }
}
