import S3
import Storage
import Testing
import TextUI

@testable import Browser

@Suite("Deleting")
struct DeleteDialogTests {
  private func deletions(_ effects: [Effect]) -> [[DeletionTarget]] {
    effects.compactMap { if case .delete(let targets, _, _) = $0 { targets } else { nil } }
  }

  /// The request of the effect that `matches`.
  private func request(_ scene: Scene, _ matches: (Effect) -> Bool) throws -> RequestID {
    try #require(scene.effects.last(where: matches)?.request)
  }

  @Test("One object: its whole name, its size, and whether it can be undone")
  func one() throws {
    var scene = try Scene.at("p/", .of(["a.txt", "b/"], under: "p/"))
    scene.press("D")
    scene.answer(.versioning(.never))
    try expectScreen(scene.screen, "delete-one")
  }

  @Test(
    "What versioning says about undoing",
    arguments: [
      (VersioningState.enabled, "adds delete markers"), (.suspended, "only versions from before"),
      (.never, "cannot be undone"),
    ])
  func undoing(state: VersioningState, words: String) throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.press("D")
    scene.answer(.versioning(state))
    #expect(scene.screen.contains(words))
  }

  @Test("Only y deletes; n, Esc and Enter do not", arguments: ["n", "Esc", "Enter", "^c"])
  func declining(key: String) throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.press("D \(key)")
    #expect(scene.state.overlays.isEmpty)
    #expect(deletions(scene.takeEffects()).isEmpty)
  }

  @Test("All versions go only after v, and after the word has been typed")
  func everyVersion() throws {
    var scene = try Scene.at("p/", .of(["a", "b/", "c"], under: "p/"))
    scene.press("Space Space D")
    scene.press("v")
    #expect(!scene.screen.contains("older versions"))
    let question = try request(scene) { if case .readVersioning = $0 { true } else { false } }
    scene.send(.answered(question, .versioning(.enabled)))
    #expect(scene.screen.contains("[v] all versions"))
    scene.press("v")
    let count = try request(scene) { if case .count = $0 { true } else { false } }
    scene.send(.answered(count, .counted(DeletionCount(objects: 5, bytes: .mebibytes(3)))))
    try expectScreen(scene.screen, "delete-versions")
    scene.type("delet")
    scene.press("Enter")
    #expect(scene.bottom.contains("That is not the word"))
    #expect(deletions(scene.takeEffects()).isEmpty)
    scene.type("e")
    scene.press("Enter")
    #expect(
      deletions(scene.takeEffects()) == [
        [
          .everyVersion(ObjectKey("p/a")),
          .everyVersionOf(KeySelection(prefix: ObjectKey("p/b/"))),
        ]
      ])
  }

  @Test("Esc stops the count of versions, and then leaves everything as it is")
  func everyVersionDeclined() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.press("D")
    scene.answer(.versioning(.suspended))
    scene.press("v Esc")
    #expect(scene.screen.contains("the count was stopped"))
    scene.send(.pasted("delete"))
    scene.press("Enter Esc")
    #expect(scene.state.overlays.isEmpty)
    #expect(deletions(scene.takeEffects()).isEmpty)
  }

  @Test("What is below prefixes is counted live; Esc stops the count, and then the question")
  func counting() throws {
    var scene = try Scene.at("p/", .of(["a/", "b", "c/"], under: "p/"))
    scene.press("* D")
    let count = try request(scene) { if case .count = $0 { true } else { false } }
    scene.send(
      .answered(count, .counted(DeletionCount(objects: 2_000, bytes: .mebibytes(3)))))
    try expectScreen(scene.screen, "delete-counting")
    scene.press("Esc")
    #expect(scene.screen.contains("2,000+ objects, 3.0 MiB+; the count was stopped"))
    scene.press("Esc")
    #expect(scene.state.overlays.isEmpty)
  }

  @Test("The smallest screen still says how much, whether for ever, and how to answer")
  func smallest() throws {
    var scene = try Scene.at("p/", .of(["a/", "b", "c/", "d", "e", "f"], under: "p/"))
    scene.send(.resized(Size(columns: 40, rows: 10)))
    scene.press("* D")
    scene.answer(.counted(DeletionCount(objects: 7, isComplete: true)))
    try expectScreen(scene.screen, "delete-40x10")
  }

  @Test("Exactly the marked rows are deleted, a prefix by its bytes")
  func targets() throws {
    var scene = try Scene.at("p/", .of(["a/", "b", "c"], under: "p/"))
    scene.press("Space j Space D y")
    #expect(
      deletions(scene.takeEffects()) == [
        [.prefix(ObjectKey("p/a/")), .object(ObjectKey("p/c"))]
      ])
  }

  @Test("Afterwards: how many were deleted, and a list of what was not, with code and key")
  func report() throws {
    var scene = try Scene.at("p/", .of(["a/", "b"], under: "p/"))
    scene.press("D y")
    let id = try request(scene) { if case .delete = $0 { true } else { false } }
    scene.send(.answered(id, .deletionProgressed(DeletionProgress(deleted: 1_000, failed: 1))))
    scene.send(.requestRetried(id, RetryStatus(attempt: 2, of: 5, code: "SlowDown")))
    #expect(scene.screen.contains("Deleted 1,000, 1 failed…  retrying 2/5: SlowDown"))
    scene.send(.requestRetried(id, nil))
    #expect(scene.screen.contains("Deleted 1,000, 1 failed…"))
    #expect(!scene.screen.contains("retrying"))
    let failures = [
      DeletionFailure(
        key: ObjectKey("p/a/\u{1b}x"), code: "AccessDenied", message: "no",
        recovery: "Ask for s3:DeleteObject"),
      DeletionFailure(
        key: ObjectKey("p/a/y"), code: "AccessDenied", message: "",
        recovery: "Ask for s3:DeleteObject"),
    ]
    scene.send(.answered(id, .deleted(DeletionReport(deleted: 1_203, failures: failures))))
    #expect(scene.bottom.contains("Deleted 1,203 objects, 2 failed"))
    #expect(scene.screen.contains("p/a/\\x1bx  AccessDenied: no"))
    #expect(scene.screen.contains("p/a/y  AccessDenied: not deleted"))
    // What to do is said once for all.
    #expect(scene.screen.split(separator: "Ask for s3:DeleteObject").count == 2)
    // And the prefix is listed anew.
    #expect(
      try request(scene) { if case .listObjects = $0 { true } else { false } }.value > id.value)
    scene.press("Esc E")
    #expect(scene.screen.contains("p/a/\\x1bx  AccessDenied: no"))
    #expect(scene.screen.split(separator: "Ask for s3:DeleteObject").count == 2)
  }

  @Test("Why a deletion ended early is in the list too, with what to do: the bottom row is short")
  func refusal() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.press("D y")
    let id = try request(scene) { if case .delete = $0 { true } else { false } }
    let refused = StorageError(
      kind: .accessDenied, message: "Access was denied", recovery: "Use other credentials")
    let failure = DeletionFailure(key: ObjectKey("p/a"), code: "AccessDenied", message: "no")
    scene.send(
      .answered(id, .deleted(DeletionReport(deleted: 0, failures: [failure], stoppedBy: refused))))
    let list = scene.screen.split(separator: "\n").dropLast().joined(separator: "\n")
    #expect(list.contains("Use other credentials"))
  }

  @Test("A deletion that is stopped still tells what it did")
  func stopping() throws {
    var scene = try Scene.at("p/", .of(["a/"], under: "p/"))
    scene.press("D y")
    let id = try request(scene) { if case .delete = $0 { true } else { false } }
    scene.press("Esc")
    guard case .cancel(id)? = scene.effects.last else {
      Issue.record("nothing was cancelled")
      return
    }
    let stopped = StorageError(kind: .cancelled, message: "Cancelled")
    scene.send(.answered(id, .deleted(DeletionReport(deleted: 3, stoppedBy: stopped))))
    #expect(scene.bottom.contains("Deleted 3 objects, then stopped"))
  }
}
