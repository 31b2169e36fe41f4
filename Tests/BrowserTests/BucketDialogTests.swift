import S3
import Storage
import Testing

@testable import Browser

@Suite("Creating and removing buckets")
struct BucketDialogTests {
  @Test("The rules of names are checked as one types, and nothing is sent against them")
  func rules() throws {
    var scene = try Scene.withBuckets()
    _ = scene.takeEffects()
    scene.press("a")
    scene.type("Re")
    try expectScreen(scene.screen, "create-bucket")
    scene.press("Enter")
    #expect(scene.takeEffects().isEmpty)
    scene.press("Backspace Backspace")
    scene.type("results")
    scene.press("Enter")
    guard case .createBucket(BucketName("results"), nil, _)? = scene.effects.last else {
      Issue.record("no bucket was created")
      return
    }
    scene.answer(.bucketCreated(warning: nil))
    #expect(scene.bottom.contains("Created bucket results"))
    #expect(scene.state.buckets.selected == BucketName("results"))
    #expect(scene.state.overlays.isEmpty)
  }

  @Test("A region is sent only when it is given")
  func region() throws {
    var scene = try Scene.withBuckets()
    scene.press("a")
    scene.type("results")
    scene.press("Tab")
    scene.type("eu-central-1")
    scene.press("Enter")
    guard case .createBucket(_, Region("eu-central-1"), _)? = scene.effects.last else {
      Issue.record("no region was sent")
      return
    }
  }

  @Test("A bucket is removed after y alone; Enter means no")
  func removing() throws {
    var scene = try Scene.withBuckets()
    _ = scene.takeEffects()
    scene.press("j D")
    try expectScreen(scene.screen, "remove-bucket")
    scene.press("Enter")
    #expect(scene.state.overlays.isEmpty)
    scene.press("D Tab")
    scene.type("1111-2222-3333")
    scene.press("Enter y")
    guard case .removeBucket(BucketName("logs"), AccountID("111122223333"), _)? = scene.effects.last
    else {
      Issue.record("no bucket was removed")
      return
    }
    scene.answer(.bucketRemoved(warning: nil))
    #expect(scene.bottom.contains("Removed bucket logs"))
    #expect(!scene.state.buckets.names.contains(BucketName("logs")))
  }

  @Test("A bucket with contents is emptied only once its name has been typed")
  func emptying() throws {
    var scene = try Scene.withBuckets()
    _ = scene.takeEffects()
    scene.press("j D y")
    scene.answer(.failed(StorageError(kind: .bucketNotEmpty, message: "It is not empty")))
    scene.answer(.counted(DeletionCount(objects: 1_203, bytes: .mebibytes(5))))
    scene.type("log")
    scene.press("Enter")
    #expect(scene.takeEffects().isEmpty)
    #expect(scene.bottom.contains("nothing was done"))
    scene.send(.pasted("s"))
    #expect(scene.bottom.contains("ignored"))
    scene.type("s")
    try expectScreen(scene.screen, "empty-bucket")
    scene.press("Enter")
    guard case .emptyAndRemoveBucket(BucketName("logs"), nil, let request)? = scene.effects.last
    else {
      Issue.record("nothing was emptied")
      return
    }
    scene.send(.answered(request, .deletionProgressed(DeletionProgress(deleted: 1_000))))
    scene.send(.requestRetried(request, RetryStatus(attempt: 2, of: 5, code: "SlowDown")))
    #expect(scene.screen.contains("Deleted 1,000…  retrying 2/5: SlowDown"))
    scene.send(.requestRetried(request, nil))
    #expect(scene.screen.contains("Deleted 1,000…") && !scene.screen.contains("retrying"))
    scene.send(.answered(request, .deleted(DeletionReport(deleted: 1_203))))
    #expect(scene.bottom.contains("Deleted 1,203 objects and removed bucket logs"))
  }

  @Test("Removing the bucket that is open closes it")
  func removingOpen() throws {
    var scene = try Scene.at("", .of(["a"]))
    scene.press("Tab D y")
    scene.answer(.bucketRemoved(warning: nil))
    #expect(scene.state.objects == nil)
    #expect(scene.state.focus == .buckets)
  }

  @Test("Why one was not made stands in the dialog whole, with the code and what to try")
  func refused() throws {
    var scene = try Scene.withBuckets(columns: 80, rows: 24)
    scene.press("a")
    scene.type("results")
    scene.press("Enter")
    var denied = StorageError.denied
    denied.recovery = "Use other credentials, or ask the bucket's owner for s3:CreateBucket"
    scene.answer(.failed(denied))
    let panel = scene.screen.split(separator: "\n").dropLast().joined(separator: "\n")
    #expect(panel.contains("Access to s3://reports was denied (AccessDenied)"))
    #expect(panel.contains("Use other credentials") && panel.contains("s3:CreateBucket"))
  }

  @Test(
    "The other dialogs with fields say as much",
    arguments: ["a x Enter", "j s Enter", "j d Enter", "S Enter"])
  func refusedElsewhere(keys: String) throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 80, rows: 24)
    scene.press(keys)
    scene.answer(.failed(.denied))
    let panel = scene.screen.split(separator: "\n").dropLast().joined(separator: "\n")
    #expect(panel.contains("was denied (AccessDenied)"))
    #expect(panel.contains("Ask the bucket's owner for s3:ListBucket"))
  }
}
