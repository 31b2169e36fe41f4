import Foundation
import GRDB
import S3
import SystemPackage
import Testing

@testable import History

@Suite("Chain of hashes")
struct ChainTests {
  let folder: TemporaryFolder
  let store: HistoryStore

  init() throws {
    folder = try TemporaryFolder()
    store = try HistoryStore(path: folder.history)
  }

  /// Changes 1 to 4, the outcomes 5 and 6 of the first two, change 7.
  private func fill() async throws {
    let ids = try await store.begin((1...4).map { .test("k\($0)", second: Int64($0)) })
    try await store.finish([.test(ids[0]), .test(ids[1], .failed)])
    _ = try await store.begin([.test("k7", action: .delete, second: 7)])
  }

  /// As whoever may write the file could.
  private func tamper(_ sql: String) throws {
    try withForeignConnection(to: folder.history) { db in
      for trigger in try String.fetchAll(
        db, sql: "SELECT name FROM sqlite_master WHERE type = 'trigger'")
      {
        try db.execute(sql: "DROP TRIGGER \(trigger)")
      }
      try db.execute(sql: "PRAGMA foreign_keys = OFF")
      try db.execute(sql: sql)
    }
  }

  @Test("An empty history has the hash of the start")
  func empty() async throws {
    let report = try await store.verify(expecting: .zero)
    #expect(report == ChainReport(head: .zero, changes: 0, outcomes: 0, hasExpected: true))
    #expect(report.isIntact)
  }

  @Test("The hash of a row is the SHA-256 of the documented form")
  func form() async throws {
    var draft = ChangeDraft.test(action: .deleteBucket)
    draft.author = Author(
      user: "a", loginUID: 1, auditUID: nil, host: "h", sshClient: nil, bootID: "b", processID: 2,
      processStart: 3)
    draft.accessKeyID = nil
    draft.endpoint = "e"
    draft.bucket = BucketName("k")
    draft.key = ObjectKey(bytes: [0xff])
    draft.size = nil
    draft.localPath = nil
    draft.startedAt = Timestamp(seconds: 0, nanoseconds: 256)
    _ = try await store.begin([draft])

    func integer(_ place: UInt8, _ low: [UInt8]) -> [UInt8] {
      [place, 0x69, 0, 0, 0, 8] + [UInt8](repeating: 0, count: 8 - low.count) + low
    }
    func text(_ place: UInt8, _ text: String) -> [UInt8] {
      [place, 0x74, 0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8)
    }
    var form = Array("pail history\nchanges\n".utf8)
    form += integer(0, [1])
    form += [1, 0x62, 0, 0, 0, 32] + [UInt8](repeating: 0, count: 32)
    form += text(2, "deleteBucket") + text(3, "a") + integer(4, [1]) + text(6, "h")
    form += text(8, "b") + integer(9, [2]) + integer(10, [3]) + text(12, "e") + text(13, "k")
    form += [14, 0x62, 0, 0, 0, 1, 0xff]
    form += integer(19, [1, 0])
    #expect(try await store.verify().head.bytes == Digest.sha256(form))
  }

  /// Enough for statements of all sizes, and for a commit of more than one of the largest.
  @Test("Rows that are recorded together keep the chain, each with its own values")
  func together() async throws {
    let drafts = (0..<191).map { number in
      var draft = ChangeDraft.test("k\(number)", second: Int64(number))
      draft.versionID = number.isMultiple(of: 2) ? nil : VersionID("v\(number)")
      draft.size = number.isMultiple(of: 3) ? nil : ByteCount(Int64(number))
      return draft
    }
    let ids = try await store.begin(drafts)
    try await store.finish(ids.map { .test($0) })

    let report = try await store.verify()
    #expect(report.isIntact && report.changes == 191 && report.outcomes == 191)
    let entries = try await store.page(HistoryQuery(), limit: 200)
    #expect(entries.reversed().map(\.id) == ids)
    #expect(entries.reversed().map(\.draft) == drafts)
    #expect(entries.allSatisfy { $0.outcome == .done })
  }

  @Test("A walk counts, and ends at the head that later rows build on")
  func growing() async throws {
    try await fill()
    let first = try await store.verify()
    #expect(first.changes == 5)
    #expect(first.outcomes == 2)
    #expect(first.isIntact)
    #expect(first.hasExpected == nil)
    _ = try await store.begin([.test("more")])
    let second = try await store.verify(expecting: first.head)
    #expect(second.hasExpected == true)
    #expect(second.head != first.head)
    let unknown = try #require(ChainHash(bytes: [UInt8](repeating: 7, count: 32)))
    #expect(try await store.verify(expecting: unknown).hasExpected == false)
    #expect(try await store.verify(expecting: unknown).verdict == .altered)
  }

  @Test(
    "An edit shows at the row that was edited",
    arguments: [
      ("UPDATE changes SET user = 'eve' WHERE id = 2", .change, 2),
      ("UPDATE changes SET key = x'00' WHERE id = 1", .change, 1),
      ("UPDATE changes SET sshClient = NULL WHERE id = 4", .change, 4),
      ("UPDATE outcomes SET outcome = 'done' WHERE id = 6", .outcome, 6),
      ("UPDATE outcomes SET finishedAt = finishedAt + 1 WHERE id = 5", .outcome, 5),
    ] as [(String, ChainReport.Row.Kind, Int64)])
  func edited(sql: String, kind: ChainReport.Row.Kind, number: Int64) async throws {
    try await fill()
    let head = try await store.verify().head
    try tamper(sql)
    let report = try await store.verify(expecting: head)
    #expect(report.firstBroken == ChainReport.Row(kind: kind, number: number))
    #expect(report.hasExpected == false)
    #expect(!report.isIntact)
  }

  @Test(
    "A row that is missing shows at the row before it, the first one at the row after it",
    arguments: [
      ("DELETE FROM changes WHERE id = 3", .change, 2),
      ("DELETE FROM outcomes WHERE id = 6", .outcome, 5),
      ("DELETE FROM changes WHERE id = 1", .change, 2),
    ] as [(String, ChainReport.Row.Kind, Int64)])
  func removed(sql: String, kind: ChainReport.Row.Kind, number: Int64) async throws {
    try await fill()
    try tamper(sql)
    let report = try await store.verify()
    #expect(report.firstBroken == ChainReport.Row(kind: kind, number: number))
  }

  @Test("A last row that was edited or removed shows against a head kept elsewhere")
  func tail() async throws {
    try await fill()
    let head = try await store.verify().head
    try tamper("UPDATE changes SET user = 'eve' WHERE id = 7")
    #expect(try await store.verify().isIntact)
    #expect(try await store.verify(expecting: head).isIntact == false)
    try tamper("DELETE FROM changes WHERE id = 7")
    #expect(try await store.verify().isIntact)
    #expect(try await store.verify(expecting: head).isIntact == false)
  }

  @Test("A chain written anew from the start does not have the head kept elsewhere")
  func rewritten() async throws {
    try await fill()
    let head = try await store.verify().head
    let other = try HistoryStore(path: folder.path.appending("other.sqlite"))
    _ = try await other.begin((1...7).map { .test("forged\($0)") })
    #expect(try await other.verify().isIntact)
    #expect(try await other.verify(expecting: head).isIntact == false)
  }

  @Test("A hash is read from 64 digits of either case, and from nothing else")
  func hex() throws {
    let text = "00ff" + String(repeating: "aB", count: 30)
    let hash = try #require(ChainHash(hex: text))
    #expect(hash.bytes.prefix(3) == [0x00, 0xff, 0xab])
    #expect(hash.description == text.lowercased())
    for bad in ["", String(text.dropLast()), text + "0", String(text.dropLast()) + "g", text + "é"]
    {
      #expect(ChainHash(hex: bad) == nil, "\(bad)")
    }
    #expect(ChainHash(bytes: [1, 2, 3]) == nil)
  }
}
