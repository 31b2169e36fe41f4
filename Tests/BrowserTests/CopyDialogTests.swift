import S3
import Storage
import Testing

@testable import Browser

@Suite("Copying, moving and renaming")
struct CopyDialogTests {
  private func wish(_ scene: inout Scene) -> CopyWish? {
    scene.takeEffects().compactMap { effect in
      if case .copyObjects(let wish, _) = effect { wish } else { nil }
    }.last
  }

  private func location(_ key: String, in bucket: String = "reports") -> ObjectLocation {
    ObjectLocation(bucket: BucketName(bucket), key: ObjectKey(key))
  }

  @Test("c copies one object into a prefix, or to another name")
  func copy() throws {
    var scene = try Scene.at("p/", .of(["a.txt", "b/"], under: "p/"))
    scene.press("c")
    #expect(scene.screen.contains("Copy s3://reports/p/a.txt"))
    scene.press("Enter")
    // The text that is proposed leads to where it is: the store refuses that by itself.
    #expect(wish(&scene)?.items == [.object(ObjectKey("p/a.txt"), to: location("p/a.txt"))])

    var other = try Scene.at("p/", .of(["a.txt", "b/"], under: "p/"))
    other.press("c")
    other.type("q/new.txt")
    other.press("Enter")
    let named = wish(&other)
    #expect(named?.items == [.object(ObjectKey("p/a.txt"), to: location("p/q/new.txt"))])
    #expect(named?.isMove == false && named?.ifExists == .skip)
  }

  @Test("m moves what is marked into a prefix, prefixes with all that is in them")
  func move() throws {
    var scene = try Scene.at("p/", .of(["a.txt", "b/"], under: "p/"))
    scene.press("Space Space m")
    for _ in 0..<"s3://reports/p/".count { scene.press("Backspace") }
    scene.type("s3://assets/new")
    scene.press("Tab l Enter")
    let wish = wish(&scene)
    #expect(wish?.isMove == true && wish?.ifExists == .overwrite)
    #expect(
      wish?.items == [
        .object(ObjectKey("p/a.txt"), to: location("new/a.txt", in: "assets")),
        .prefix(ObjectKey("p/b/"), to: location("new/b/", in: "assets")),
      ])
    #expect(scene.state.overlays.count == 1)
  }

  @Test("R gives an object or a prefix another name where it is", arguments: [false, true])
  func rename(isPrefix: Bool) throws {
    var scene = try Scene.at("p/", .of(isPrefix ? ["b/"] : ["b"], under: "p/"))
    scene.press("R")
    scene.type("2")
    scene.press("Enter")
    let wish = wish(&scene)
    #expect(wish?.isMove == true)
    #expect(
      wish?.items == [
        isPrefix
          ? .prefix(ObjectKey("p/b/"), to: location("p/b2/"))
          : .object(ObjectKey("p/b"), to: location("p/b2"))
      ])
  }

  @Test("Nothing is asked for with a destination or a name that is none")
  func refusals() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.press("R")
    scene.type("/x")
    scene.press("Enter")
    #expect(scene.bottom.contains("no slash"))
    scene.press("Esc c")
    for _ in 0..<"s3://reports/p/".count { scene.press("Backspace") }
    scene.type("elsewhere")
    scene.press("Enter")
    #expect(scene.bottom.contains("s3://bucket/prefix/"))
    #expect(wish(&scene) == nil)
  }

  @Test("The end says what was copied, and lists what failed")
  func report() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.press("m Enter")
    let request = try #require(
      scene.effects.last {
        if case .copyObjects = $0 { true } else { false }
      }?.request)
    scene.send(.answered(request, .copyProgressed(CopyProgress(copied: 3, failed: 1))))
    #expect(scene.screen.contains("Moved 3, 1 failed"))
    var report = CopyReport()
    report.note(
      .success(
        CopyResult(source: location("p/a"), destination: location("q/a"), size: ByteCount(1))))
    report.note(.failure(StorageError(kind: .sourceKept, message: "p/b was kept")))
    scene.send(.answered(request, .objectsCopied(report)))
    #expect(scene.screen.contains("Moved 1 object, 1 failed"))
    #expect(scene.screen.contains("p/b was kept"))
    #expect(scene.takeEffects().contains { if case .listObjects = $0 { true } else { false } })
  }

  @Test("A request that is sent again is told of, and no more once it has succeeded")
  func retrying() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.press("c Enter")
    let request = try #require(scene.takeEffects().last?.request)
    scene.send(.answered(request, .copyProgressed(CopyProgress(copied: 3))))
    scene.send(
      .requestRetried(request, RetryStatus(attempt: 2, of: 5, code: "SlowDown")))
    #expect(scene.screen.contains("Copied 3…  retrying 2/5: SlowDown"))
    scene.send(.answered(request, .copyProgressed(CopyProgress(copied: 4))))
    #expect(scene.screen.contains("Copied 4…  retrying 2/5: SlowDown"))
    scene.send(.requestRetried(request, nil))
    #expect(scene.screen.contains("Copied 4…") && !scene.screen.contains("retrying"))
    // What still comes while it stops changes nothing.
    scene.press("Esc")
    scene.send(
      .requestRetried(request, RetryStatus(attempt: 2, of: 5, code: "SlowDown")))
    #expect(scene.screen.contains("Stopping…") && !scene.screen.contains("retrying"))
  }

  @Test("Esc while it runs cancels it, and waits for the end")
  func stopping() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.press("c Enter")
    scene.press("Esc")
    #expect(scene.effects.contains { if case .cancel = $0 { true } else { false } })
    #expect(scene.screen.contains("Stopping"))
    #expect(scene.state.overlays.count == 1)
  }

  private func finish(_ scene: inout Scene, failures: [StorageError]) throws {
    scene.press("c Enter")
    let request = try #require(
      scene.effects.last { if case .copyObjects = $0 { true } else { false } }?.request)
    var report = CopyReport()
    for failure in failures { report.note(.failure(failure)) }
    scene.send(.answered(request, .objectsCopied(report)))
  }

  @Test("What failed stands there with code and advice, and E shows it again")
  func failures() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), rows: 30)
    var second = StorageError.denied
    second.message = "Access to s3://assets was denied"
    try finish(&scene, failures: [.denied, second])
    for press in [nil, "Esc E"] {
      if let press { scene.press(press) }
      #expect(scene.screen.contains("Copied 0 objects, 2 failed"))
      #expect(scene.screen.contains("Access to s3://reports was denied (AccessDenied)"))
      #expect(scene.screen.contains("Access to s3://assets was denied (AccessDenied)"))
      #expect(scene.screen.split(separator: "Ask the bucket's owner").count == 2)
    }
  }

  @Test("One failure alone is the last error, with all that the server said")
  func oneFailure() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), rows: 30)
    try finish(&scene, failures: [.denied])
    scene.press("Esc E")
    #expect(scene.screen.contains("Request ID R1"))
  }
}
