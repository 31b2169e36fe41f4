import GRDB
import S3
import SystemPackage
import Testing

@testable import History

@Suite("History queries")
struct HistoryQueryTests {
  let folder: TemporaryFolder
  let store: HistoryStore

  init() throws {
    folder = try TemporaryFolder()
    store = try HistoryStore(path: folder.history)
  }

  /// The keys of a page, newest first.
  private func keys(
    _ query: HistoryQuery, before: ChangeID? = nil, limit: Int = 100
  ) async throws -> [String] {
    try await store.page(query, before: before, limit: limit).map { $0.key?.text ?? "" }
  }

  private func fill() async throws {
    let ids = try await store.begin([
      .test("a/1", user: "ana", bucket: "reports", second: 1),
      .test("a/2", action: .delete, user: "bob", bucket: "reports", second: 2),
      .test("b/3", user: "Ana", bucket: "reports-old", second: 3),
      .test("a/4", action: .copy, user: "ana", bucket: "logs", second: 4),
      .test("ab", user: "ana", bucket: "reports", second: 5),
    ])
    try await store.finish([.test(ids[0]), .test(ids[1], .failed)])
  }

  @Test("Pages are newest first, and follow each other without gap or overlap")
  func paging() async throws {
    // Three changes share each second: the number decides among them.
    _ = try await store.begin((0..<30).map { .test("k\($0)", second: Int64($0 / 3)) })
    let all = try await keys(HistoryQuery())
    #expect(all == (0..<30).reversed().map { "k\($0)" })
    var paged: [String] = []
    var before: ChangeID?
    while true {
      let page = try await store.page(HistoryQuery(), before: before, limit: 7)
      guard let last = page.last else { break }
      paged += page.map { $0.key?.text ?? "" }
      before = last.id
    }
    #expect(paged == all)
  }

  @Test("Newest is by the time of the change, not by when it was recorded")
  func byTime() async throws {
    _ = try await store.begin([.test("late", second: 9), .test("early", second: 1)])
    #expect(try await keys(HistoryQuery()) == ["late", "early"])
    #expect(try await keys(HistoryQuery(), before: ChangeID(1)) == ["early"])
    #expect(try await keys(HistoryQuery(), before: ChangeID(2)) == [])
  }

  @Test("Commands ask by exact names")
  func exact() async throws {
    try await fill()
    #expect(try await keys(HistoryQuery(user: "ana")) == ["ab", "a/4", "a/1"])
    #expect(try await keys(HistoryQuery(bucket: BucketName("reports"))) == ["ab", "a/2", "a/1"])
    #expect(try await keys(HistoryQuery(action: .delete)) == ["a/2"])
    #expect(try await keys(HistoryQuery(since: .test(second: 4))) == ["ab", "a/4"])
    #expect(
      try await keys(
        HistoryQuery(user: "ana", bucket: BucketName("reports"), since: .test(second: 2))) == ["ab"]
    )
    #expect(try await keys(HistoryQuery(user: "an")) == [])
    #expect(try await keys(HistoryQuery(user: "")) == [])
  }

  @Test("A prefix is the beginning of the key, byte for byte, in one bucket or in all")
  func prefix() async throws {
    try await fill()
    let reports = BucketName("reports")
    #expect(
      try await keys(HistoryQuery(bucket: reports, prefix: ObjectKey("a/"))) == ["a/2", "a/1"])
    #expect(
      try await keys(HistoryQuery(bucket: reports, prefix: ObjectKey("a"))) == ["ab", "a/2", "a/1"])
    #expect(try await keys(HistoryQuery(prefix: ObjectKey("a/"))) == ["a/4", "a/2", "a/1"])
    #expect(try await keys(HistoryQuery(bucket: reports, prefix: ObjectKey("A"))) == [])
    #expect(try await keys(HistoryQuery(bucket: reports, prefix: .empty)).count == 3)

    for bytes: [UInt8] in [[0xff], [0xff, 0xff], [0xff, 0xff, 0x01], [0xfe, 0xff]] {
      var draft = ChangeDraft.test(second: 20)
      draft.key = ObjectKey(bytes: bytes)
      _ = try await store.begin([draft])
    }
    let found = try await store.page(
      HistoryQuery(bucket: reports, prefix: ObjectKey(bytes: [0xff])), limit: 10)
    #expect(
      Set(found.compactMap(\.key).map(\.bytes)) == [[0xff], [0xff, 0xff], [0xff, 0xff, 0x01]])
    let below = try await store.page(
      HistoryQuery(bucket: reports, prefix: ObjectKey(bytes: [0xfe])), limit: 10)
    #expect(below.compactMap(\.key).map(\.bytes) == [[0xfe, 0xff]])
  }

  @Test("A filter finds any part of a name, in either case, and nothing by accident")
  func containing() async throws {
    try await fill()
    func find(user: String? = nil, bucket: String? = nil) async throws -> [String] {
      try await keys(
        HistoryQuery(user: user, bucket: bucket.map { BucketName($0) }, matching: .containing))
    }
    #expect(try await find(user: "AN") == ["ab", "a/4", "b/3", "a/1"])
    #expect(try await find(bucket: "port") == ["ab", "b/3", "a/2", "a/1"])
    #expect(try await find(user: "o", bucket: "rep") == ["a/2"])
    #expect(try await find(user: "%") == [])
    #expect(try await find(user: "a_a") == [])
    #expect(try await find(user: "\\") == [])
    #expect(try await find(user: "") == ["ab", "a/4", "b/3", "a/2", "a/1"])
  }

  @Test("What LIKE takes for a sign is a sign nowhere, not even below a combining mark")
  func signs() async throws {
    _ = try await store.begin([.test("100%\u{301} sure"), .test("abc\u{301}"), .test("a_\u{301}")])
    for (text, found) in [
      ("%", ["100%\u{301} sure"]), ("%\u{301}", ["100%\u{301} sure"]), ("_\u{301}", ["a_\u{301}"]),
    ] {
      let page = try await store.page(HistoryQuery(text: text), limit: 10)
      #expect(page.map { $0.key?.text } == found, "\(text)")
    }
  }

  @Test("Each word of a text is found in user, action, bucket, key or outcome")
  func text() async throws {
    try await fill()
    func find(_ text: String) async throws -> [String] {
      try await keys(HistoryQuery(text: text))
    }
    #expect(try await find("bob") == ["a/2"])
    #expect(try await find("DELETE") == ["a/2"])
    #expect(try await find("logs") == ["a/4"])
    #expect(try await find("b/3") == ["b/3"])
    #expect(try await find("fail") == ["a/2"])
    #expect(try await find("started  ana reports") == ["ab", "b/3"])
    #expect(try await find("ana nothing") == [])
    #expect(try await find("100%") == [])
    #expect(try await find("  ").count == 5)
  }

  @Test("A cancelled query ends without an answer")
  func cancelled() async throws {
    try await fill()
    let task = Task { [store] in
      withUnsafeCurrentTask { $0?.cancel() }
      return try await store.page(HistoryQuery(text: "a"), limit: 10)
    }
    await #expect(throws: HistoryError.cancelled) { try await task.value }
  }

  static let indexed: [(String, HistoryQuery, ChangeID?)] = [
    ("changesByTime", HistoryQuery(), nil),
    ("changesByTime", HistoryQuery(), ChangeID(100)),
    ("changesByTime", HistoryQuery(since: .test(second: 5)), ChangeID(100)),
    ("changesByUser", HistoryQuery(user: "user3"), nil),
    ("changesByUser", HistoryQuery(user: "user3"), ChangeID(100)),
    ("changesByUser", HistoryQuery(user: "user3", since: .test(second: 5)), ChangeID(100)),
    ("changesByBucket", HistoryQuery(bucket: BucketName("bucket1")), ChangeID(100)),
    (
      "changesByBucket", HistoryQuery(bucket: BucketName("bucket1"), since: .test(second: 5)), nil
    ),
    ("changesByAction", HistoryQuery(action: .delete), ChangeID(100)),
    (
      "changesByKey", HistoryQuery(bucket: BucketName("bucket1"), prefix: ObjectKey("dir/1")), nil
    ),
    (
      "changesByKey", HistoryQuery(bucket: BucketName("bucket1"), prefix: ObjectKey("dir/1")),
      ChangeID(100)
    ),
  ]

  @Test("A page is read off an index; only a rare prefix is sorted", arguments: indexed)
  func plans(index: String, query: HistoryQuery, before: ChangeID?) async throws {
    _ = try await store.begin(
      (0..<500).map {
        .test(
          "dir/\($0)", action: $0.isMultiple(of: 9) ? .delete : .upload, user: "user\($0 % 7)",
          bucket: "bucket\($0 % 3)", second: Int64($0))
      })
    let steps = try await store.database.read { db in
      let (sql, arguments) = try HistorySelection(query, before: before, limit: 50).statement(db)
      return try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)", arguments: arguments)
        .map { $0["detail"] as String }
    }
    #expect(
      steps.contains {
        $0.contains("c USING \(index == "changesByKey" ? "COVERING " : "")INDEX \(index)")
      }, "\(steps)")
    #expect(!steps.contains { $0.hasPrefix("SCAN c") && !$0.contains("USING INDEX") }, "\(steps)")
    let isSorted = steps.contains { $0.contains("TEMP B-TREE") }
    #expect(isSorted == (index == "changesByKey"), "\(steps)")
    #expect(steps.contains { $0.contains("SEARCH o USING INDEX") }, "\(steps)")
  }
}
