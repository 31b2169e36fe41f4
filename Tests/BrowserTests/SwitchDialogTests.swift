import S3
import Storage
import SystemPackage
import Testing
import TextUI

@testable import Browser

@Suite("Switching and signing in")
struct SwitchDialogTests {
  @Test("What is typed is what is asked for, and a failure leaves everything as it was")
  func switching() throws {
    var scene = try Scene.withBuckets()
    scene.press("S")
    #expect(scene.screen.contains("Work as"))
    scene.type("production")
    scene.press("Enter")
    guard case .switchSession(let choice, _)? = scene.effects.last else {
      Issue.record("nothing was asked for")
      return
    }
    #expect(choice == SessionChoice(profile: "production"))
    #expect(scene.screen.contains("Switching"))
    scene.answer(
      .failed(StorageError(kind: .credentials, message: "There is no profile production")))
    #expect(scene.screen.contains("There is no profile production"))
    scene.press("Esc")
    #expect(!scene.screen.contains("Work as"))
    #expect(scene.screen.contains("assets"))
  }

  @Test("Who has to sign in is told the command, and Enter tries again")
  func signIn() throws {
    var scene = try Scene()
    scene.send(.started(at: nil))
    scene.answer(
      .failed(
        StorageError(
          kind: .signInNeeded, message: "The sign-in of profile demo ended",
          recovery: "Sign in with: aws sso login --profile demo, then try again.")))
    #expect(scene.screen.contains("aws sso login --profile demo"))
    scene.press("Enter")
    #expect(!scene.screen.contains("aws sso login"))
    scene.answer(.buckets([BucketSummary(name: BucketName("reports"))]))
    #expect(scene.screen.contains("reports"))
  }

  @Test("A profile's colour is on its name, which says the same without it")
  func colour() throws {
    let facts = BrowserFacts(
      profile: "production", endpoint: try Endpoint(parsing: "http://127.0.0.1:8333"),
      region: .usEast1, user: "ana", isReadOnly: true, colour: .red, saveFolder: "/",
      localFolder: "/")
    let state = BrowserState(facts: facts, size: Size(columns: 100, rows: 16))
    let frame = state.view(Size(columns: 100, rows: 16))
    let header = (0..<100).map { frame[0, $0] }
    let coloured = header.filter { $0.style == .profileRed }.map(\.text).joined()
    #expect(coloured == "production")
    #expect(header.map(\.text).joined().contains("read-only"))
  }
}
