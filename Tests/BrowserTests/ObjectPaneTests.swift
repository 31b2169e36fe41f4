import S3
import Storage
import Testing
import TextUI

@testable import Browser

@Suite("Object pane")
struct ObjectPaneTests {
  /// A bucket with 1,000 objects loaded and more to come.
  private func bigListing() throws -> Scene {
    try .at("", .numbered(0..<1_000, next: "t1"), columns: 80, rows: 14)
  }

  private func listings(_ effects: [Effect]) -> [ContinuationToken?] {
    effects.compactMap { if case .listObjects(_, let token, _) = $0 { .some(token) } else { nil } }
  }

  @Test("A page is asked for once, when one comes near the last row")
  func asksAsOneMoves() throws {
    var scene = try bigListing()
    #expect(listings(scene.takeEffects()).isEmpty)
    scene.press("j j PgDn")
    #expect(listings(scene.takeEffects()).isEmpty)
    scene.press("G")
    #expect(scene.bottom.contains("More is coming"))
    #expect(scene.selectedName == "100999")
    scene.press("k j")
    #expect(listings(scene.effects) == [ContinuationToken("t1")])
    scene.answer(.page(.numbered(1_000..<2_000, next: "t2")))
    #expect(scene.selectedName == "100999")
    #expect(scene.screen.contains("2,000+ objects"))
  }

  @Test("The count is final only with the last page")
  func finalCount() throws {
    var scene = try bigListing()
    #expect(scene.screen.contains("1,000+ objects"))
    scene.press("G")
    #expect(scene.screen.contains("1,000+ objects, loading…"))
    scene.answer(.page(.numbered(1_000..<1_500)))
    #expect(scene.screen.contains("1,500 objects "))
  }

  @Test("An empty page with more to come is followed, a token that came before is not")
  func pages() throws {
    var scene = try Scene.at("", ObjectPage(next: ContinuationToken("t1")))
    scene.answer(.page(ObjectPage(next: ContinuationToken("t2"))))
    scene.answer(.page(.of(["a"], next: "t1")))
    #expect(scene.state.objects?.rows.count == 1)
    #expect(scene.state.objects?.hasMore == false)
    #expect(scene.bottom.contains("repeats itself"))
    #expect(scene.screen.contains("1+ objects, incomplete"))
  }

  @Test("Esc stops a listing that hangs, and moving on takes it up again")
  func stopping() throws {
    var scene = try bigListing()
    scene.press("G Esc")
    guard case .cancel? = scene.takeEffects().last else {
      Issue.record("nothing was cancelled")
      return
    }
    #expect(scene.screen.contains("1,000+ objects, stopped"))
    scene.press("G")
    #expect(listings(scene.effects) == [ContinuationToken("t1")])
  }

  @Test("A page that failed is asked for again by the next move, and not before")
  func failedPage() throws {
    var scene = try bigListing()
    scene.press("G")
    scene.answer(.failed(StorageError(kind: .connection, message: "No answer")))
    #expect(listings(scene.takeEffects()).isEmpty)
    scene.send(.resized(Size(columns: 80, rows: 15)))
    #expect(listings(scene.takeEffects()).isEmpty)
    scene.press("j")
    #expect(listings(scene.takeEffects()) == [ContinuationToken("t1")])
  }

  @Test("Answers to requests that are no longer waited for change nothing")
  func lateAnswers() throws {
    var scene = try bigListing()
    scene.press("G")
    guard let request = scene.effects.last?.request else {
      Issue.record("no page was asked for")
      return
    }
    scene.press("Esc")
    scene.send(.answered(request, .page(.numbered(1_000..<2_000))))
    #expect(scene.state.objects?.rows.count == 1_000)
  }

  @Test("Esc peels the listing, then the filter, then the marks, and quits never")
  func peeling() throws {
    var scene = try bigListing()
    scene.press("Space")
    scene.type("/99")
    scene.press("Enter G")
    #expect(scene.state.objects?.isLoading == true)
    scene.press("Esc")
    #expect(scene.state.objects?.isLoading == false)
    #expect(scene.state.objects?.ordering.filter == "99")
    scene.press("Esc")
    #expect(scene.state.objects?.ordering.filter == "")
    #expect(scene.state.objects?.marks.count == 1)
    scene.press("Esc")
    #expect(scene.state.objects?.marks.isEmpty == true)
    _ = scene.takeEffects()
    scene.press("Esc Esc Esc")
    #expect(scene.takeEffects().isEmpty)
  }

  @Test("A filter counts what it found so far, and loads until the screen is full")
  func filtering() throws {
    var scene = try bigListing()
    scene.type("/1009")
    #expect(scene.state.objects?.matchingCount == 100)
    #expect(scene.screen.contains("/1009: 100+ · 1,000+ objects"))
    scene.type("99")
    #expect(listings(scene.effects) == [ContinuationToken("t1")])
    scene.answer(.page(.numbered(1_000..<1_100)))
    #expect(scene.state.objects?.matchingCount == 1)
    #expect(scene.screen.contains("/100999: 1 · 1,100 objects"))
    #expect(scene.selectedName == "100999")
  }

  @Test("Sorting by size loads the whole listing, keeps the selection on its row, again reverses")
  func sorting() throws {
    var scene = try bigListing()
    scene.press("j j o s")
    #expect(scene.selectedName == "100002")
    #expect(listings(scene.effects) == [ContinuationToken("t1")])
    scene.answer(.page(.numbered(1_000..<1_300)))
    #expect(scene.screen.contains("Size ▲"))
    scene.press("g o s")
    #expect(scene.screen.contains("Size ▼"))
    let pane = try #require(scene.state.objects)
    let sizes = (0..<pane.shownCount).compactMap { pane.row(at: $0).flatMap(pane.rows.size)?.bytes }
    #expect(sizes.count == 1_300)
    #expect(sizes == sizes.sorted(by: >))
  }

  @Test("Rows of a store that lists out of order are shown in order")
  func outOfOrder() throws {
    let scene = try Scene.at("", .of(["c", "a", "b"]))
    let pane = try #require(scene.state.objects)
    let names = (0..<3).compactMap { pane.row(at: $0).map { pane.rows.key($0).text } }
    #expect(names == ["a", "b", "c"])
  }

  @Test("Space marks and goes down, v marks a range, * inverts what is shown")
  func marking() throws {
    var scene = try Scene.at("", .of(["a", "b", "c", "d", "e/"]))
    scene.press("Space")
    #expect(scene.selectedName == "b")
    scene.press("j v j v")
    #expect(scene.state.objects?.chosenRows == [0, 2, 3])
    #expect(scene.screen.contains("3 marked, 99.2 KiB"))
    scene.press("*")
    #expect(scene.state.objects?.chosenRows == [1, 4])
    scene.press("Esc")
    #expect(scene.state.objects?.chosenRows == [3])
  }

  @Test("The memory of a million rows is their bytes, and sorting does not copy them")
  func packed() {
    var rows = ListingRows()
    for page in 0..<20 {
      rows.append(
        .numbered(page * 1_000..<(page + 1) * 1_000, under: "p/"), prefix: ObjectKey("p/"))
    }
    #expect(rows.count == 20_000)
    #expect(rows.key(12_345) == ObjectKey("p/112345"))
    #expect(rows.row(of: ObjectKey("p/112345")) == 12_345)
    #expect(rows.row(of: ObjectKey("p/1123456")) == nil)
    #expect(rows.ordered(by: RowOrdering(filter: "99")).count == 20_000 - 20_000 + matches(rows))
  }

  private func matches(_ rows: ListingRows) -> Int {
    (0..<rows.count).count { rows.key($0).text.dropFirst(2).contains("99") }
  }

  @Test(
    "A filter finds text in either case, also beyond ASCII",
    arguments: [
      ("ABC", "xabcx", true), ("é", "CAFÉ", true), ("ß", "STRASSE", false), ("a", "", false),
      ("", "x", true), ("tab", "ta", false),
    ])
  func filterCase(filter: String, name: String, matches: Bool) {
    let found = Array(name.utf8).withUnsafeBufferPointer { NameFilter(filter).matches($0) }
    #expect(found == matches)
  }
}
