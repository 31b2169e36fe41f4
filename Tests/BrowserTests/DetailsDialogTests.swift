import S3
import Storage
import Testing

@testable import Browser

@Suite("Details of an object")
struct DetailsDialogTests {
  private func opened(_ metadata: ObjectMetadata) throws -> Scene {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 80, rows: 40)
    _ = scene.takeEffects()
    scene.press("i")
    scene.answer(.details(metadata))
    return scene
  }

  @Test("The tags themselves stand there, harmless, and so does why they cannot be read")
  func tags() throws {
    var scene = try opened(ObjectMetadata(size: ByteCount(3), tagCount: 2))
    #expect(scene.screen.contains("Loading 2"))
    scene.answer(
      .tags([
        ObjectTag(key: "project", value: "atlas"),
        ObjectTag(key: "a key of some length", value: "\u{1b}x"),
      ]))
    #expect(scene.screen.contains("project        atlas"))
    #expect(scene.screen.contains("a key of some length  \\x1bx"))

    scene = try opened(ObjectMetadata(size: ByteCount(3), tagCount: 2))
    scene.answer(.failed(.denied))
    #expect(scene.screen.contains("2, which cannot be read:"))
    #expect(scene.screen.contains("(AccessDenied)"))
  }

  @Test("Where versions are kept they stand there, the newest first, and no other key's")
  func versions() throws {
    var scene = try opened(ObjectMetadata(size: ByteCount(3), versionID: VersionID("v3")))
    func version(_ key: String, _ id: String, isLatest: Bool = false, isMarker: Bool = false)
      -> ObjectVersion
    {
      ObjectVersion(
        key: ObjectKey(key), versionID: VersionID(id), isLatest: isLatest,
        isDeleteMarker: isMarker, size: ByteCount(2_048),
        lastModified: Timestamp(seconds: 1_795_000_000))
    }
    scene.answer(
      .versions(
        VersionPage(versions: [
          version("p/a", "v3", isLatest: true), version("p/a", "v2", isMarker: true),
          version("p/a", "v1"), version("p/ab", "v9"),
        ])))
    #expect(scene.screen.contains("2026-11-18 11:06  2.0 KiB     v3  latest"))
    #expect(scene.screen.contains("2026-11-18 11:06  deleted     v2"))
    #expect(scene.screen.contains("v1") && !scene.screen.contains("v9"))
  }

  @Test("Nothing more is asked for of an object that has neither")
  func neither() throws {
    let scene = try opened(ObjectMetadata(size: ByteCount(3)))
    #expect(scene.effects.isEmpty && !scene.screen.contains("Tags"))
  }
}
