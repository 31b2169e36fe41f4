import S3
import Storage
import Testing
import TextUI

@testable import Browser

@Suite("Requests that are sent again")
struct RequestRetriesTests {
  private static let slowDown = RetryStatus(attempt: 2, of: 5, code: "SlowDown")
  private static let words = "retrying 2/5: SlowDown"

  /// The newest request that waits for an answer.
  private func request(_ scene: Scene) throws -> RequestID {
    try #require(scene.effects.last { $0.request != nil }?.request)
  }

  @Test("Both panes say what holds their first listings up", arguments: [(80, 24), (120, 35)])
  func firstListings(columns: Int, rows: Int) throws {
    var scene = try Scene(columns: columns, rows: rows)
    scene.send(.started(at: Place(bucket: BucketName("reports"), prefix: ObjectKey("2026/"))))
    let requests = scene.effects.compactMap(\.request)
    #expect(requests.count == 2)
    let before = scene.screen
    for request in requests { scene.send(.requestRetried(request, Self.slowDown)) }
    try expectScreen(scene.screen, "retrying-\(columns)x\(rows)")
    for request in requests { scene.send(.requestRetried(request, nil)) }
    #expect(scene.screen == before)
  }

  @Test("A further page says so beside the count, and no more once it has come")
  func furtherPage() throws {
    var scene = try Scene.at("", .numbered(0..<100, next: "t1"), columns: 80)
    scene.press("G")
    scene.send(.requestRetried(try request(scene), Self.slowDown))
    #expect(scene.screen.contains("100+ objects, \(Self.words) "))
    // Where there is too little room for all of it, this stays.
    scene.press("Space v")
    scene.send(.resized(Size(columns: 60, rows: 16)))
    #expect(scene.screen.contains("…, \(Self.words) "))
    scene.send(.resized(Size(columns: 80, rows: 16)))
    scene.send(.requestRetried(try request(scene), nil))
    #expect(scene.screen.contains("100+ objects, loading… "))
    scene.answer(.page(.numbered(100..<150)))
    #expect(scene.screen.contains(" 150 objects ─"))
  }

  @Test("A listing that was left or stopped says nothing any more, wherever one is now")
  func leftListing() throws {
    var scene = try Scene.at("a/", .of(["b/"], under: "a/"))
    scene.press("Enter")
    let left = try request(scene)
    scene.send(.requestRetried(left, Self.slowDown))
    #expect(scene.screen.contains(Self.words))
    scene.press("h")
    #expect(!scene.screen.contains("retrying"))
    // The place is asked for anew, and that request is in no trouble yet.
    scene.press("Enter")
    let asked = try request(scene)
    #expect(asked != left && scene.screen.contains("Loading…"))
    scene.send(.requestRetried(left, Self.slowDown))
    #expect(!scene.screen.contains("retrying"))
    scene.send(.requestRetried(asked, Self.slowDown))
    #expect(scene.screen.contains(Self.words))
    scene.press("Esc")
    #expect(scene.screen.contains("Stopped. r lists again") && !scene.screen.contains("retrying"))
  }

  @Test("Refreshing says so beside the rows that stay, and where there are none")
  func refreshing() throws {
    var scene = try Scene.at("", .of(["a"]))
    scene.press("r")
    scene.send(.requestRetried(try request(scene), Self.slowDown))
    #expect(scene.screen.contains("1 object, \(Self.words) "))

    scene = try Scene.withBuckets()
    scene.press("Enter")
    scene.answer(.failed(StorageError(kind: .connection, message: "No answer")))
    scene.press("r")
    #expect(scene.screen.contains("refreshing…"))
    scene.send(.requestRetried(try request(scene), Self.slowDown))
    #expect(scene.screen.contains("└ \(Self.words) "))

    scene = try Scene.withBuckets(columns: 120)
    scene.press("r")
    scene.send(.requestRetried(try request(scene), Self.slowDown))
    #expect(scene.screen.contains("└ retrying") && scene.screen.contains("assets"))
  }

  @Test("Details say so where they will stand, on a small screen too", arguments: [24, 10])
  func details(rows: Int) throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 60, rows: rows)
    scene.press("i")
    let request = try request(scene)
    scene.send(.requestRetried(request, Self.slowDown))
    scene.press("G")
    #expect(scene.screen.contains("Loading…  \(Self.words)"))
    scene.send(.requestRetried(request, nil))
    #expect(scene.screen.contains("Loading…") && !scene.screen.contains("retrying"))
  }

  @Test(
    "Dialogs say so behind what they wait for",
    arguments: [
      ("Tab a x y z Enter", "Creating…  "), ("a x Enter", "Creating…  "),
      ("j D", "Asking whether the bucket keeps versions…  "), ("g j D", "counting… "),
      ("Tab D y", "Removing…  "), ("j s Enter", "Signing…  "),
      ("j d Enter", "Looking what is there…  "),
      ("j c Enter", "Copied 0…  "), ("j D y", "Deleted 0…  "),
    ])
  func dialogs(keys: String, doing: String) throws {
    var scene = try Scene.at("p/", .of(["a/", "b"], under: "p/"))
    scene.press(keys)
    let request = try request(scene)
    scene.send(.requestRetried(request, Self.slowDown))
    #expect(scene.screen.contains(doing + Self.words))
    scene.send(.requestRetried(request, nil))
    #expect(!scene.screen.contains("retrying"))
  }
}
