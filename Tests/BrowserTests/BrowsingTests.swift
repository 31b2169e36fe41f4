import S3
import Storage
import Testing
import TextUI

@testable import Browser

@Suite("Browsing")
struct BrowsingTests {
  static let someObjects = ObjectPage.of(
    ["archive/", "summary.csv", "поставка.parquet", "表.csv", "e\u{1b}[2J.txt"], under: "2026/q3/")

  @Test("Buckets and objects stand side by side in 80 × 24")
  func sideBySide() throws {
    var scene = try Scene.at("2026/q3/", Self.someObjects, columns: 80, rows: 24)
    scene.press("j Space")
    try expectScreen(scene.screen, "objects-80x24")
  }

  @Test(
    "Columns go one by one as the screen gets narrower, the name never",
    arguments: [120, 100, 70, 60, 59, 40])
  func narrower(columns: Int) throws {
    let scene = try Scene.at("2026/q3/", Self.someObjects, columns: columns, rows: 12)
    try expectScreen(scene.screen, "objects-\(columns)x12")
  }

  @Test("A screen below 40 × 10 says that it is too small", arguments: [(39, 10), (40, 9), (1, 1)])
  func tooSmall(columns: Int, rows: Int) throws {
    var scene = try Scene.at("", Self.someObjects)
    scene.send(.resized(Size(columns: columns, rows: rows)))
    let words = scene.screen.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(columns < 20 || words == "terminal too small")
  }

  @Test("Moving among the buckets loads nothing, Enter does")
  func movingLoadsNothing() throws {
    var scene = try Scene.withBuckets()
    _ = scene.takeEffects()
    scene.press("j j k G g")
    #expect(scene.takeEffects().isEmpty)
    scene.press("j Enter")
    guard case .listObjects(let place, nil, _)? = scene.takeEffects().last else {
      Issue.record("no listing was asked for")
      return
    }
    #expect(place == Place(bucket: BucketName("logs")))
    #expect(scene.state.focus == .objects)
  }

  @Test("What was settled is said where nothing else is")
  func settled() throws {
    var scene = try Scene.withBuckets()
    var summary = SettlingSummary()
    scene.send(.settled(summary))
    #expect(scene.state.message == nil)
    summary.done = 1
    scene.send(.settled(summary))
    #expect(scene.screen.contains("1 change of processes that died: 1 done, 0 interrupted"))
    scene.send(.noticed("The clock is wrong"))
    scene.send(.settled(summary))
    #expect(scene.screen.contains("The clock is wrong"))
  }

  @Test("Down to a prefix and up again, the selection is where it was")
  func upAgain() throws {
    let page = ObjectPage.of(["a/", "b/", "c/", "d.txt"])
    var scene = try Scene.at("", page)
    scene.press("j j l")
    scene.answer(.page(.of(["x.txt"], under: "c/")))
    #expect(scene.selectedName == "x.txt")
    scene.press("h")
    #expect(scene.selectedName == "c/")
    #expect(scene.takeEffects().isEmpty)
  }

  @Test("Up from a place one jumped to lists the prefix above and selects where one was")
  func upAfterJump() throws {
    var scene = try Scene.at("a/b/", .of(["x"], under: "a/b/"))
    scene.press("h")
    scene.answer(.page(.of(["a1/", "b/", "c"], under: "a/")))
    #expect(scene.selectedName == "b/")
    scene.press("h")
    scene.answer(.page(.of(["0", "a/", "b"])))
    #expect(scene.selectedName == "a/")
    scene.press("h")
    #expect(scene.state.focus == .buckets)
  }

  @Test("Back and forward go through the places one has been")
  func backAndForward() throws {
    var scene = try Scene.at("", .of(["a/", "b"]))
    scene.press("Enter")
    scene.answer(.page(.of(["x"], under: "a/")))
    scene.press("<")
    #expect(scene.state.objects?.place.prefix == .empty)
    scene.press(">")
    #expect(scene.state.objects?.place.prefix == ObjectKey("a/"))
    scene.press(">")
    #expect(scene.bottom.contains("no place to go forward to"))
  }

  @Test("The row .. leads up, and cannot be marked; a prefix named ../ is another thing")
  func parentRow() throws {
    var scene = try Scene.at("p/", .of(["../", "..", "a"], under: "p/"))
    scene.press("g Space")
    #expect(scene.state.objects?.marks.isEmpty == true)
    try expectScreen(scene.screen, "parent-row")
    scene.press("g Enter")
    #expect(scene.state.objects?.place.isRoot == true)
  }

  @Test("The marker of the prefix and empty segments have names of their own")
  func specialNames() throws {
    let page = ObjectPage(
      objects: [
        ObjectSummary(key: ObjectKey("p/"), size: .zero),
        ObjectSummary(key: ObjectKey(bytes: [0x70, 0x2f, 0xff]), size: .zero),
      ], commonPrefixes: [ObjectKey("p//"), ObjectKey("p/\u{202e}x/"), ObjectKey("p/")])
    let scene = try Scene.at("p/", page)
    try expectScreen(scene.screen, "special-names")
  }

  @Test("Four kinds of nothing have four texts")
  func nothing() throws {
    #expect(try Scene.at("", ObjectPage()).screen.contains("This bucket is empty"))
    #expect(try Scene.at("p/", ObjectPage()).screen.contains("Nothing is under this prefix"))
    var filtered = try Scene.at("", .of(["a", "b"]))
    filtered.type("/zz")
    #expect(filtered.screen.contains("Nothing matches /zz"))
    var denied = try Scene.withBuckets()
    denied.press("Enter")
    denied.answer(.failed(.denied))
    #expect(denied.screen.contains("No permission to list this bucket"))
    #expect(denied.bottom.contains("AccessDenied"))
  }

  @Test("Where listing buckets is denied, one opens by its name")
  func byName() throws {
    var scene = try Scene()
    scene.send(.started(at: nil))
    scene.answer(.failed(.denied))
    #expect(scene.screen.contains("No permission"))
    scene.type(":s3://mine/p/")
    scene.press("Enter")
    scene.answer(.page(.of(["x"], under: "p/")))
    #expect(scene.state.buckets.shown == [BucketName("mine")])
    #expect(scene.screen.contains("s3://mine/p/"))
    #expect(scene.screen.contains("Buckets (1+)"))
  }

  @Test("A name without a slash is a prefix when there is one, and costs one request")
  func nameOfPrefix() throws {
    var scene = try Scene.withBuckets()
    _ = scene.takeEffects()
    scene.type(":s3://reports/2026")
    scene.press("Enter")
    scene.answer(.page(.of(["q3/"], under: "2026/")))
    #expect(scene.state.objects?.place == Place(parsing: "s3://reports/2026/"))
    #expect(scene.effects.isEmpty)
  }

  @Test("The name of an object leads to where it is, selected, and back leads past it")
  func nameOfObject() throws {
    var scene = try Scene.at("p/", .of(["x"], under: "p/"))
    scene.type(":s3://reports/2026/q3/summary.csv")
    scene.press("Enter")
    scene.answer(.page(ObjectPage()))
    let page = ObjectPage.of(["a.csv", "summary.csv", "z.csv"], under: "2026/q3/")
    scene.answer(.page(page))
    #expect(scene.state.objects?.place == Place(parsing: "s3://reports/2026/q3/"))
    #expect(scene.selectedName == "summary.csv")
    #expect(!scene.bottom.contains("There is no"))
    scene.press("<")
    #expect(scene.state.objects?.place == Place(parsing: "s3://reports/p/"))

    // Also at the start, and in the root of a bucket.
    scene = try Scene()
    scene.send(.started(at: Place(parsing: "s3://reports/a.csv")))
    scene.answer(.page(ObjectPage()))
    scene.answer(.page(.of(["0", "a.csv"])))
    #expect(scene.state.objects?.place == Place(parsing: "s3://reports"))
    #expect(scene.selectedName == "a.csv")
  }

  @Test("The name of an object leads there also when it is asked for again after a failure")
  func nameOfObjectLater() throws {
    var scene = try Scene.withBuckets()
    scene.type(":s3://reports/p/x")
    scene.press("Enter")
    scene.answer(.failed(StorageError(kind: .connection, message: "down")))
    scene.press("r")
    scene.answer(.page(ObjectPage()))
    scene.answer(.page(.of(["a", "x"], under: "p/")))
    #expect(scene.selectedName == "x")
  }

  @Test("A name that nothing has is said, beside what there is")
  func nameOfNothing() throws {
    var scene = try Scene.withBuckets()
    scene.type(":s3://reports/p/typo")
    scene.press("Enter")
    scene.answer(.page(ObjectPage()))
    scene.answer(.page(.of(["x"], under: "p/")))
    #expect(scene.screen.contains("▸ x"))
    #expect(scene.bottom.contains("There is no s3://reports/p/typo"))
  }

  @Test("Who begins at a bucket is not told that listing all of them is denied")
  func beginsAtBucket() throws {
    var scene = try Scene()
    scene.send(.started(at: Place(parsing: "s3://mine/")))
    scene.answer(.page(.of(["x"])))
    scene.answer(.failed(.denied))
    #expect(scene.screen.contains("▸ x"))
    #expect(!scene.bottom.contains("Error"))
  }

  @Test(
    "Where one was last is opened; the buckets are, when it is gone or denied",
    arguments: [
      (.noSuchBucket, "its bucket is not there any more"), (.accessDenied, "access is denied now"),
    ] as [(StorageError.Kind, String)])
  func lastPlace(kind: StorageError.Kind, reason: String) throws {
    let place = try #require(Place(parsing: "s3://mine/p/"))
    var scene = try Scene()
    scene.send(.started(at: place, wasLeft: true))
    scene.answer(.page(.of(["x"], under: "p/")))
    #expect(scene.screen.contains("▸ x"))
    #expect(scene.state.leaving == .at(place))

    scene = try Scene()
    scene.send(.started(at: place, wasLeft: true))
    scene.answer(.failed(StorageError(kind: kind, message: "no", code: "NO")))
    #expect(scene.bottom.contains("You were at s3://mine/p/ last, but \(reason) (NO)"))
    scene.answer(.buckets([BucketSummary(name: BucketName("reports"))]))
    #expect(scene.state.buckets.shown.contains(BucketName("reports")))
    #expect(scene.state.focus == .buckets && scene.state.leaving == .nowhere)
  }

  @Test("A line that is down forgets nothing, and neither does a name that was mistyped")
  func lastPlaceUnreachable() throws {
    let place = try #require(Place(parsing: "s3://mine/p/"))
    let down = StorageError(kind: .connection, message: "down")
    var scene = try Scene()
    scene.send(.started(at: place, wasLeft: true))
    scene.answer(.failed(down))
    #expect(scene.state.objects?.place == place)
    #expect(scene.state.leaving == .asBefore)
    scene.type(":s3://nope/")
    scene.press("Enter")
    scene.answer(.failed(StorageError(kind: .noSuchBucket, message: "There is no bucket nope")))
    #expect(scene.bottom.contains("There is no bucket nope"))
    #expect(scene.state.leaving == .asBefore)
  }

  @Test("Where one is is remembered once it has been listed, and not again")
  func remembersPlace() throws {
    var scene = try Scene.withBuckets()
    #expect(scene.takeRemembered() == [.nowhere])
    scene.type(":s3://reports/")
    scene.press("Enter")
    #expect(scene.takeRemembered() == [])
    scene.answer(.page(.of(["a", "p/"], next: "more")))
    let root = Place(bucket: BucketName("reports"))
    #expect(scene.takeRemembered() == [.at(root)])
    scene.press("j k j r Tab Tab")
    #expect(scene.takeRemembered() == [])
    scene.type(":s3://nope/")
    scene.press("Enter")
    scene.answer(.failed(.denied))
    #expect(scene.takeRemembered() == [])
    scene.type(":s3://reports/p/")
    scene.press("Enter")
    scene.answer(.page(.of([])))
    #expect(
      scene.takeRemembered() == [.at(Place(bucket: BucketName("reports"), prefix: ObjectKey("p/")))]
    )
    scene.press("<")
    scene.press("<")
    #expect(scene.takeRemembered() == [.at(root)])
  }

  @Test("A bucket that does not exist is not kept among those opened by name")
  func noSuchBucket() throws {
    var scene = try Scene.withBuckets()
    scene.type(":s3://nope/")
    scene.press("Enter")
    #expect(scene.state.buckets.names.contains(BucketName("nope")))
    scene.answer(.failed(StorageError(kind: .noSuchBucket, message: "There is no bucket nope")))
    #expect(!scene.state.buckets.names.contains(BucketName("nope")))
    #expect(scene.screen.contains("There is no bucket nope"))
  }

  @Test("An error stays until a key, which is not swallowed; E shows it in full")
  func errors() throws {
    var scene = try Scene.at("", .of(["a", "b", "c"]))
    scene.press("r")
    scene.answer(.failed(.denied))
    #expect(scene.bottom.contains("Error: Access to s3://reports was denied (AccessDenied). "))
    #expect(scene.bottom.contains("… "))
    #expect(scene.bottom.contains("E details"))
    scene.send(.resized(Size(columns: 120, rows: 20)))
    #expect(scene.bottom.contains("Error:"))
    scene.press("E")
    #expect(scene.screen.contains("Request ID R1"))
    scene.press("Esc")
    #expect(!scene.bottom.contains("Error"))
  }

  @Test(
    "Refreshing keeps the rows until the new ones are there, the selection and the marks by key")
  func refreshing() throws {
    var scene = try Scene.at("", .of(["a", "b", "c", "d"]))
    scene.press("Space j r")
    #expect(scene.selectedName == "c")
    #expect(scene.screen.contains("refreshing…"))
    scene.answer(.page(.of(["0", "a", "b", "b1", "c", "d"])))
    #expect(scene.selectedName == "c")
    #expect(scene.state.objects?.chosenRows == [1])
  }

  @Test("A listing that could not be refreshed says so until it is")
  func notRefreshed() throws {
    var scene = try Scene.at("", .of(["a", "b"]))
    scene.press("r")
    scene.answer(.failed(StorageError(kind: .connection, message: "No answer")))
    scene.press("j")
    #expect(scene.screen.contains("2 objects, not refreshed"))
    scene.press("r")
    scene.answer(.page(.of(["a", "b"])))
    #expect(!scene.screen.contains("not refreshed"))
  }

  @Test("A bucket that is gone takes its listing along")
  func bucketGone() throws {
    var scene = try Scene.at("", .of(["a", "b"]))
    scene.press("r")
    scene.answer(.failed(StorageError(kind: .noSuchBucket, message: "There is no bucket reports")))
    #expect(scene.state.objects?.rows.count == 0)
    #expect(scene.screen.contains("There is no bucket reports"))
    #expect(!scene.state.buckets.names.contains { $0.text == "reports" })
  }

  @Test("A bucket that a new list lacks is looked at again")
  func bucketUnlisted() throws {
    var scene = try Scene.at("", .of(["a", "b"]))
    let others = scene.state.buckets.listed.filter { $0.name.text != "reports" }
    scene.press("Tab r")
    scene.answer(.buckets(others))
    guard case .listObjects? = scene.takeEffects().last else {
      Issue.record("nothing was asked")
      return
    }
  }

  @Test("When the selected row is gone after a refresh, the selection stays at its place")
  func refreshedAway() throws {
    var scene = try Scene.at("", .of(["a", "b", "c", "d"]))
    scene.press("j j r")
    scene.answer(.page(.of(["a", "b", "d"])))
    #expect(scene.selectedName == "d")
  }

  @Test("Text pasted where there is no text field is ignored, and said so")
  func pasting() throws {
    var scene = try Scene.at("", .of(["a", "b"]))
    scene.send(.pasted("Dy\nq"))
    #expect(scene.takeEffects().isEmpty)
    #expect(scene.bottom.contains("Pasted text was ignored"))
    scene.type("/")
    scene.send(.pasted("b"))
    #expect(scene.state.objects?.matchingCount == 1)
  }

  @Test("URI, key, URL and ARN go to the clipboard")
  func copying() throws {
    var scene = try Scene.at("ä/", .of(["x y"], under: "ä/"))
    var texts: [String] = []
    for key in ["u", "k", "h", "a"] {
      _ = scene.takeEffects()
      scene.press("y \(key)")
      if case .copy(let text, _)? = scene.takeEffects().last { texts.append(text) }
    }
    #expect(
      texts == [
        "s3://reports/ä/x y", "ä/x y", "http://127.0.0.1:8333/reports/%C3%A4/x%20y",
        "arn:aws:s3:::reports/ä/x y",
      ])
  }

  @Test("A sequence that is begun shows how it can go on")
  func sequences() throws {
    var scene = try Scene.at("", .of(["a"]))
    scene.press("o")
    #expect(scene.bottom.contains("o …"))
    #expect(scene.bottom.contains("n name"))
    scene.press("Esc")
    #expect(!scene.bottom.contains("o …"))
    scene.press("o w")
    #expect(scene.bottom.contains("o w does nothing here"))
  }
}
