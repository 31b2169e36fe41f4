import HTTP
import S3
import Storage
import Testing
import TextUI

@testable import Browser

@Suite("Sharing")
struct ShareDialogTests {
  private static let url =
    "http://127.0.0.1:8333/reports/p/a.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
    + "AKIA%2F20261122%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature="
    + String(repeating: "0123456789abcdef", count: 4)

  private func shared(_ method: PresignMethod = .get, keys: String = "Enter") throws -> Scene {
    var scene = try Scene.at("p/", .of(["a.txt"], under: "p/"), columns: 80, rows: 18)
    scene.press("s \(keys)")
    scene.answer(
      .presigned(
        PresignedURL(
          url: Self.url, method: method, expiresAt: Timestamp(seconds: 1_795_003_600),
          requiredHeaders: method == .put ? [HTTPHeader("Content-Type", "text/plain")] : [],
          credentialsExpiry: .unknown)))
    return scene
  }

  @Test("The form offers method, expiry and file name")
  func form() throws {
    var scene = try Scene.at("p/", .of(["a.txt"], under: "p/"), columns: 80, rows: 18)
    scene.press("s")
    try expectScreen(scene.screen, "share-form")
  }

  @Test("The URL is unbroken: cut by the width of the screen alone, without a border")
  func unbroken() throws {
    let scene = try shared()
    try expectScreen(scene.screen, "share-url")
    #expect(scene.state.view(scene.state.size).text.joined().contains(Self.url))
  }

  @Test("A URL that is longer than the screen is scrolled, none of it is lost")
  func scrolling() throws {
    var scene = try shared()
    scene.send(.resized(Size(columns: 40, rows: 10)))
    let inner = { (scene: Scene) in scene.state.view(scene.state.size).text.dropFirst().dropLast() }
    let start = inner(scene).joined()
    #expect(start.contains("▸Presigned URL"))
    scene.press("G")
    let end = inner(scene).joined()
    #expect(end.contains("itself is not."))
    scene.press("g j j")
    #expect(inner(scene).dropFirst().first == String(Self.url.dropFirst(40).prefix(40)))
  }

  @Test("y copies the URL, c a curl command, and the message says how")
  func copying() throws {
    var scene = try shared(.put)
    #expect(scene.screen.contains("Content-Type: text/plain"))
    scene.press("y")
    guard case .copy(Self.url, _)? = scene.takeEffects().last else {
      Issue.record("nothing was copied")
      return
    }
    scene.send(.copied("The URL", by: "of the terminal (OSC 52)"))
    #expect(scene.bottom.contains("The URL was sent to the clipboard of the terminal (OSC 52)"))
    scene.press("c")
    guard case .copy(let command, _)? = scene.takeEffects().last else {
      Issue.record("nothing was copied")
      return
    }
    #expect(
      command == "curl -f -T 'a.txt' -H 'Content-Type: text/plain' '\(Self.url)'")
  }

  @Test(
    "An expiry is 1 second through 7 days",
    arguments: [
      ("1", 1), ("90", 90), ("30m", 1_800), ("12h", 43_200), ("7d", 604_800), ("604800", 604_800),
      ("0", nil), ("8d", nil), ("604801", nil), ("x", nil), ("", nil), ("-5", nil),
      ("99999999999999999999", nil), ("604800d", nil),
    ] as [(String, Int?)])
  func expiry(text: String, seconds: Int?) {
    #expect(Expiry.parse(text) == seconds.map { .seconds($0) })
  }

  @Test("A custom expiry and another key are sent as typed")
  func custom() throws {
    var scene = try Scene.at("p/", .of(["a.txt"], under: "p/"), columns: 80, rows: 18)
    scene.press("s → Tab → → → Tab")
    scene.type("90")
    scene.press("Tab")
    scene.type(".gz")
    scene.press("Enter")
    guard case .presign(let method, let location, let expires, nil, _)? = scene.effects.last else {
      Issue.record("nothing was signed")
      return
    }
    #expect(method == .put)
    #expect(location.key == ObjectKey("p/a.txt.gz"))
    #expect(expires == .seconds(90))
  }
}
