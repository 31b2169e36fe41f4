import S3
import Storage
import Testing

@testable import Browser

@Suite("Bookmarks")
struct BookmarksDialogTests {
  private let places = ["s3://reports/2026/", "s3://assets/"].compactMap { Place(parsing: $0) }

  @Test("B bookmarks the place, or the selected bucket")
  func add() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    _ = scene.takeEffects()
    scene.press("B")
    guard case .addBookmark(let place)? = scene.takeEffects().last else {
      return #expect(Bool(false))
    }
    #expect(place == Place(parsing: "s3://reports/p/"))
    scene.press("Tab g B")
    guard case .addBookmark(let bucket)? = scene.takeEffects().last else {
      return #expect(Bool(false))
    }
    #expect(bucket == Place(parsing: "s3://assets/"))
    scene.send(.noticed("s3://assets/ is bookmarked; b lists them"))
    #expect(scene.bottom.contains("is bookmarked"))
  }

  @Test("b lists them; Enter goes there, D takes one out")
  func list() throws {
    var scene = try Scene()
    scene.send(.started(at: nil))
    scene.answer(.failed(.denied))
    scene.press("b")
    scene.answer(.bookmarks(places))
    #expect(scene.screen.contains("▸ s3://reports/2026/"))
    _ = scene.takeEffects()
    scene.press("D")
    guard case .removeBookmark(let gone)? = scene.takeEffects().last else {
      return #expect(Bool(false))
    }
    #expect(gone == places[0])
    #expect(!scene.screen.contains("s3://reports/2026/"))
    scene.press("Enter")
    #expect(scene.state.objects?.place == places[1])
    #expect(!scene.screen.contains("Bookmarks"))
  }

  @Test("Without any it says how to make one")
  func none() throws {
    var scene = try Scene.withBuckets()
    scene.press("b")
    scene.answer(.bookmarks([]))
    #expect(scene.screen.contains("There are no bookmarks here yet"))
    #expect(scene.screen.contains("B bookmarks where you are"))
    scene.press("Enter Esc")
    #expect(!scene.screen.contains("Bookmarks"))
  }
}
