import History
import S3
import Storage
import SystemPackage
import Testing

@testable import Browser

@Suite("History on the screen")
struct HistoryDialogTests {
  private static func entries(
    _ numbers: Range<Int64>, localPath: FilePath? = nil
  ) -> [HistoryEntry] {
    let author = Author(
      user: "ana", loginUID: 1_000, auditUID: 1_000, host: "bastion", sshClient: "10.0.0.7",
      bootID: "b", processID: 7, processStart: 9)
    return numbers.reversed().map { number in
      HistoryEntry(
        id: ChangeID(number),
        ChangeDraft(
          Change(
            number % 2 == 0 ? .upload : .delete, bucket: BucketName("reports"),
            key: ObjectKey("p/file-\(number)"), size: ByteCount(number * 1_000),
            localPath: localPath),
          author: author, accessKeyID: "AKIA", endpoint: "http://127.0.0.1:8333",
          startedAt: Timestamp(seconds: 1_795_000_000 + number)),
        Ending(outcome: number == 9 ? .started : .done))
    }
  }

  private func queries(_ effects: [Effect]) -> [(HistoryQuery, ChangeID?)] {
    effects.compactMap {
      if case .readHistory(let query, let before, _, _) = $0 { (query, before) } else { nil }
    }
  }

  @Test("Changes stand newest first, with who, what and how it ended", arguments: [80, 120])
  func list(columns: Int) throws {
    var scene = try Scene.withBuckets(columns: columns, rows: 16)
    scene.press("H")
    scene.answer(.history(Self.entries(1..<10)))
    try expectScreen(scene.screen, "history-\(columns)x16")
  }

  @Test("User, bucket and action filter as one types, each letter asking anew")
  func filters() throws {
    var scene = try Scene.withBuckets()
    scene.press("H")
    scene.answer(.history([]))
    scene.type("an")
    scene.press("Tab")
    scene.type("rep")
    scene.press("Tab")
    scene.type("del")
    let last = try #require(queries(scene.takeEffects()).last)
    #expect(
      last.0
        == HistoryQuery(
          user: "an", bucket: BucketName("rep"), action: .delete, matching: .containing))
    #expect(scene.screen.contains("= delete"))
    scene.type("x")
    #expect(scene.screen.contains("no action begins so"))
    #expect(queries(scene.takeEffects()).isEmpty)
  }

  @Test("What is shown stays until the answer to the next letter is there")
  func staying() throws {
    var scene = try Scene.withBuckets()
    scene.press("H")
    #expect(scene.screen.contains("Loading…"))
    scene.answer(.history(Self.entries(1..<10)))
    scene.type("an")
    #expect(scene.screen.contains("p/file-9"))
    scene.answer(.history(Self.entries(20..<21)))
    #expect(!scene.screen.contains("p/file-9") && scene.screen.contains("p/file-20"))
    scene.type("x")
    scene.answer(.history([]))
    #expect(scene.screen.contains("No change matches"))
    scene.type("y")
    #expect(!scene.screen.contains("Loading…"))
  }

  @Test("Older pages are read as one comes near the end")
  func pages() throws {
    var scene = try Scene.withBuckets()
    scene.press("H")
    scene.answer(.history(Self.entries(101..<201)))
    #expect(scene.screen.contains("100+ changes"))
    #expect(queries(scene.takeEffects()).isEmpty)
    for _ in 0..<12 { scene.press("PgDn") }
    #expect(queries(scene.effects).map(\.1) == [ChangeID(101)])
    scene.answer(.history(Self.entries(1..<2)))
    #expect(scene.screen.contains("101 changes"))
  }

  @Test("A local name that is not UTF-8 is shown by its bytes")
  func localName() throws {
    let path = FilePath(bytes: Array("/srv/b".utf8) + [0xFF] + Array(".csv".utf8))
    var scene = try Scene.withBuckets()
    scene.press("H")
    scene.answer(.history(Self.entries(1..<2, localPath: path)))
    scene.press("↓ Enter G")
    #expect(scene.screen.contains("/srv/b\\xff.csv"))
  }

  @Test("Enter shows everything about one change")
  func details() throws {
    var scene = try Scene.withBuckets()
    scene.press("H")
    scene.answer(.history(Self.entries(1..<3)))
    scene.press("↓ Enter")
    #expect(scene.screen.contains("SSH from"))
    #expect(scene.screen.contains("p/file-1"))
    scene.press("Esc Esc")
    #expect(scene.state.overlays.isEmpty)
  }
}
