import Foundation
import Glibc
import S3
import SystemPackage
import Testing

@testable import History

@Suite("Sharing a history")
struct SharingTests {
  /// Names the file to the processes that ``processes()`` starts.
  private static let pathVariable = "PAIL_TEST_SHARED_HISTORY"
  private static let perWriter = 120

  private func write(_ store: HistoryStore, writer: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<Self.perWriter {
        group.addTask {
          let ids = try await store.begin([.test("w\(writer)/\(number)")])
          try await store.finish(ids.map { .test($0) })
        }
      }
      try await group.waitForAll()
    }
  }

  private func expectWhole(_ path: FilePath, writers: Int) async throws {
    let store = try HistoryStore(path: path)
    let report = try await store.verify()
    #expect(report.isIntact)
    #expect(report.changes == writers * Self.perWriter)
    #expect(report.outcomes == writers * Self.perWriter)
    let entries = try await store.page(HistoryQuery(), limit: 10_000)
    #expect(Set(entries.compactMap(\.key)).count == writers * Self.perWriter)
    #expect(entries.allSatisfy { $0.outcome == .done })
  }

  @Test("Several stores in one process make and fill one file", arguments: [false, true])
  func stores(isNetworkFile: Bool) async throws {
    let folder = try TemporaryFolder()
    var settings = StoreSettings()
    settings.journal = isNetworkFile ? .delete : .wal
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask { [settings] in
          let store = try HistoryStore(path: folder.history, settings: settings)
          try await write(store, writer: writer)
        }
      }
      try await group.waitForAll()
    }
    try await expectWhole(folder.history, writers: 4)
  }

  /// Without shared memory two looks at a file are of two moments, and another store may make its
  /// tables between them.
  @Test("Whoever opens a history while others make it finds it made", arguments: 0..<40)
  func opening(_: Int) async throws {
    let folder = try TemporaryFolder()
    var settings = StoreSettings()
    settings.journal = .delete
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask { [settings] in
          _ = try await HistoryStore(path: folder.history, settings: settings)
            .page(HistoryQuery(), limit: 1)
        }
      }
      try await group.waitForAll()
    }
  }

  /// Started anew by itself, with a path in the environment, this test is one of the writers.
  @Test("Several processes make and fill one file at once: no row is lost, the chain is whole")
  func processes() async throws {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment[Self.pathVariable] {
      return try await write(HistoryStore(path: FilePath(path)), writer: Int(getpid()))
    }
    let folder = try TemporaryFolder()
    var writers: [Process] = []
    for _ in 0..<6 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      process.arguments = [
        "--testing-library", "swift-testing", "--filter", "SharingTests/processes",
      ]
      process.environment = environment.merging(
        [Self.pathVariable: folder.history.string], uniquingKeysWith: { $1 })
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      writers.append(process)
    }
    for writer in writers {
      writer.waitUntilExit()
      #expect(writer.terminationStatus == 0)
    }
    try await expectWhole(folder.history, writers: writers.count)
  }

  @Test("A writer killed in the middle leaves a whole chain, and what it was told is there")
  func killed() async throws {
    let folder = try TemporaryFolder()
    let store = try HistoryStore(path: folder.history)
    // What a killed process leaves: the file and its WAL, not checkpointed, never closed.
    _ = try await store.begin((0..<50).map { .test("k\($0)") })
    let copy = folder.path.appending("copy.sqlite")
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(
        atPath: folder.history.string + suffix, toPath: copy.string + suffix)
    }
    let left = try HistoryStore(path: copy)
    #expect(try await left.page(HistoryQuery(), limit: 100).count == 50)
    #expect(try await left.verify().isIntact)
    #expect(try await left.begin([.test()]).first?.value == 51)
  }
}
