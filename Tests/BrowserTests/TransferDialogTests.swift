import S3
import Storage
import SystemPackage
import Testing

@testable import Browser

@Suite("Choosing what to upload and download")
struct TransferDialogTests {
  private static func entry(
    _ name: String, _ kind: LocalEntry.Kind = .file, size: Int64 = 2_048
  ) -> LocalEntry {
    LocalEntry(
      name: Array(name.utf8), kind: kind, isLink: false, size: ByteCount(size),
      modified: Timestamp(seconds: 1_795_000_000))
  }

  private func uploading() throws -> Scene {
    var scene = try Scene.at("2026/", .of(["a"], under: "2026/"), columns: 80, rows: 16)
    scene.press("u")
    scene.answer(
      .folder(
        LocalListing(
          folder: "/home/ana",
          entries: [
            Self.entry("photos", .folder), Self.entry(".hidden"), Self.entry("a.csv"),
            Self.entry("b\u{1b}.txt", size: 5), Self.entry("pipe", .other),
          ])))
    return scene
  }

  private func planned(_ effects: [Effect]) -> [FilePath]? {
    effects.reversed().lazy.compactMap {
      if case .planUpload(let files, _, _) = $0 { files } else { nil }
    }.first
  }

  private static func file(_ path: FilePath, _ key: String) -> UploadPlan.File {
    UploadPlan.File(
      path: path, key: ObjectKey(key), size: ByteCount(2_048),
      modified: Timestamp(seconds: 1_795_000_000), contentType: "text/csv")
  }

  @Test("The local browser shows where the selected file will go, and as what")
  func localBrowser() throws {
    var scene = try uploading()
    scene.press("j Space")
    try expectScreen(scene.screen, "upload-80x16")
    scene.press("k")
    #expect(scene.screen.contains("→ s3://reports/2026/a.csv  text/csv"))
  }

  @Test("A folder that has not been read yet has no number of entries")
  func unread() throws {
    var scene = try Scene.at("2026/", .of(["a"], under: "2026/"), columns: 80, rows: 16)
    scene.press("u")
    #expect(scene.screen.contains("loading…"))
    #expect(!scene.screen.contains("0 entries"))
    scene.answer(.folder(LocalListing(folder: "/home/ana", entries: [])))
    #expect(scene.screen.contains("0 entries"))
  }

  @Test("Marks, ranges and a filter work as among the objects; what is no file cannot be marked")
  func marking() throws {
    var scene = try uploading()
    scene.press("* u")
    #expect(
      planned(scene.takeEffects()) == [
        "/home/ana/a.csv", "/home/ana/b\u{1b}.txt", "/home/ana/photos",
      ])
    scene = try uploading()
    scene.type("/.TXT")
    scene.press("Enter u")
    #expect(planned(scene.takeEffects()) == ["/home/ana/b\u{1b}.txt"])
  }

  @Test("Files go up once nothing is in the way, under the prefix that is shown")
  func uploads() throws {
    var scene = try uploading()
    scene.press("j u")
    scene.answer(.uploadPlan(UploadPlan(files: [Self.file("/home/ana/a.csv", "2026/a.csv")])))
    guard case .transfer(let requests)? = scene.takeEffects().last else {
      Issue.record("nothing was uploaded")
      return
    }
    #expect(
      requests == [
        .upload(
          "/home/ana/a.csv",
          to: ObjectLocation(bucket: BucketName("reports"), key: ObjectKey("2026/a.csv")),
          attributes: ObjectAttributes(contentType: "text/csv"), size: ByteCount(2_048),
          ifExists: .fail)
      ])
    #expect(scene.bottom.contains("Uploading 1 file to s3://reports/2026/"))
  }

  @Test("More files than one looks at go up as one transfer, each with its type by its name")
  func many() throws {
    var scene = try uploading()
    scene.press("j u")
    scene.answer(
      .uploadPlan(
        UploadPlan(
          files: (1...65).map { Self.file(FilePath("/home/ana/\($0).csv"), "2026/\($0).csv") })))
    guard case .transferTrees(let trees)? = scene.takeEffects().last,
      case .list(let requests)? = trees.first?.work
    else {
      Issue.record("no list was uploaded")
      return
    }
    #expect(trees.count == 1 && requests.count == 65)
    #expect(
      requests.last
        == .upload(
          "/home/ana/65.csv",
          to: ObjectLocation(bucket: BucketName("reports"), key: ObjectKey("2026/65.csv")),
          attributes: ObjectAttributes(), size: ByteCount(2_048), ifExists: .fail))
    #expect(scene.bottom.contains("Uploading 65 files to s3://reports/2026/"))
  }

  @Test("The prefix that files go to can be changed")
  func destination() throws {
    var scene = try uploading()
    scene.press("p ^u")
    scene.type("new")
    scene.press("Enter j u")
    guard case .planUpload(_, let place, _)? = scene.effects.last else {
      Issue.record("nothing was planned")
      return
    }
    #expect(place == Place(bucket: BucketName("reports"), prefix: ObjectKey("new/")))
  }

  @Test("Storage class, encryption, metadata, tags and content type go along with every file")
  func attributes() throws {
    var scene = try uploading()
    scene.press("j a")
    scene.type("text/x")
    scene.press("Tab → → Tab → → Tab")
    scene.type("key-1")
    scene.press("Tab")
    scene.type("owner=ana, team=a=b")
    scene.press("Tab")
    scene.type("cost=ü 1")
    try expectScreen(scene.screen, "upload-attributes")
    scene.press("Enter")
    #expect(scene.screen.contains("text/x · STANDARD_IA · SSE-KMS · 2 metadata · 1 tag"))
    #expect(scene.screen.contains("→ s3://reports/2026/a.csv  text/x"))
    scene.press("u")
    scene.answer(.uploadPlan(UploadPlan(files: [Self.file("/home/ana/a.csv", "2026/a.csv")])))
    guard case .transfer(let requests)? = scene.takeEffects().last,
      case .upload(_, _, let attributes)? = requests.first?.work
    else {
      Issue.record("nothing was uploaded")
      return
    }
    #expect(
      attributes
        == ObjectAttributes(
          contentType: "text/x",
          metadata: [
            MetadataField(name: "owner", value: "ana"), MetadataField(name: "team", value: "a=b"),
          ], tagging: "cost=%C3%BC%201", storageClass: StorageClass("STANDARD_IA"),
          serverSideEncryption: "aws:kms", kmsKeyID: "key-1"))
  }

  @Test(
    "Attributes that no object can have are refused at once",
    arguments: [
      (4, "owner", "is not name=value"), (4, "a=1, a=2", "is there twice"),
      (4, "ow ner=1", "cannot name metadata"), (5, "=x", "is not name=value"),
    ])
  func badAttributes(row: Int, text: String, words: String) throws {
    var scene = try uploading()
    // The KMS key is left out without KMS.
    scene.press("a" + String(repeating: " Tab", count: row - 1))
    scene.type(text)
    scene.press("Enter")
    #expect(scene.screen.contains(words))
    scene.press("Esc")
    #expect(scene.screen.contains("Upload from /home/ana"))
    #expect(!scene.screen.contains("metadata"))
  }

  @Test("Keys that exist: overwrite, skip, rename, one by one or all that follow")
  func conflicts() throws {
    var scene = try uploading()
    scene.press("* u")
    let keys = ["2026/a", "2026/b", "2026/c", "2026/d"]
    let files = keys.map { Self.file("/home/ana/x", $0) }
    let existing = keys.dropLast().map { ObjectKey($0) }.reduce(into: [:]) {
      $0[$1] = ObjectSummary(
        key: $1, size: ByteCount(7), lastModified: Timestamp(seconds: 1_794_000_000))
    }
    scene.answer(.uploadPlan(UploadPlan(files: files, existing: existing)))
    try expectScreen(scene.screen, "conflict")
    scene.press("s R")
    guard case .transfer(let requests)? = scene.takeEffects().last else {
      Issue.record("nothing was uploaded")
      return
    }
    #expect(requests.map(\.ifExists) == [.rename, .rename, .fail])
    #expect(requests.map(\.location.key) == keys.dropFirst().map { ObjectKey($0) })
  }

  private static func taken(_ number: Int) -> TakenName {
    TakenName(
      key: ObjectKey("2026/photos/\(number)"), path: FilePath("/home/ana/photos/\(number)"),
      size: ByteCount(2_048), modified: nil, existingSize: ByteCount(7), existingModified: nil)
  }

  private func folder(_ taken: Range<Int>) -> UploadPlan {
    UploadPlan(
      files: [Self.file("/home/ana/a.csv", "2026/a.csv")],
      folders: [UploadPlan.Folder(path: "/home/ana/photos", prefix: ObjectKey("2026/photos/"))],
      existing: [
        ObjectKey("2026/a.csv"): ObjectSummary(key: ObjectKey("2026/a.csv"), size: ByteCount(7))
      ], taken: taken.map(Self.taken))
  }

  private func trees(_ effects: [Effect]) -> [TransferTree]? {
    effects.reversed().lazy.compactMap {
      if case .transferTrees(let trees) = $0 { trees } else { nil }
    }.first
  }

  @Test("A folder is one transfer, and what is in the way in it is asked about with the files")
  func folders() throws {
    var scene = try uploading()
    scene.press("* u")
    scene.answer(.uploadPlan(folder(0..<3)))
    #expect(scene.screen.contains("2026/a.csv") && scene.screen.contains("1 of 4"))
    scene.press("o")
    #expect(scene.screen.contains("s3://reports/2026/photos/0"))
    scene.press("s o r")
    let effects = scene.takeEffects()
    let tree = try #require(trees(effects)?.first)
    #expect(
      tree.work
        == .upload(
          folder: "/home/ana/photos", bucket: BucketName("reports"),
          prefix: ObjectKey("2026/photos/"), attributes: ObjectAttributes()))
    #expect(tree.ifExists == .fail)
    #expect(
      tree.decisions == [
        Self.taken(0).key: .skip, Self.taken(1).key: .overwrite, Self.taken(2).key: .rename,
      ])
    #expect(scene.bottom.contains("Uploading 1 file and 1 folder to s3://reports/2026/"))
  }

  @Test("Of more names than one can be asked about, the rest is decided together")
  func tooManyTaken() throws {
    var scene = try uploading()
    scene.press("* u")
    scene.answer(.uploadPlan(folder(0..<UploadPlan.askedSingly + 1)))
    #expect(scene.screen.contains("1 of 1001+"))
    for _ in 0...UploadPlan.askedSingly { scene.press("o") }
    #expect(scene.screen.contains("More names exist already"))
    scene.press("o s")
    #expect(trees(scene.takeEffects()) == nil)
    scene.press("S")
    let tree = try #require(trees(scene.takeEffects())?.first)
    #expect(tree.ifExists == .skip)
    #expect(tree.decisions.count == UploadPlan.askedSingly)
    #expect(tree.decisions.values.allSatisfy { $0 == .overwrite })
  }

  @Test("Two sources for one key are refused before anything is sent")
  func duplicates() throws {
    var scene = try uploading()
    scene.press("* u")
    _ = scene.effects
    let files = [Self.file("/a/x", "2026/x"), Self.file("/b/x", "2026/x")]
    scene.answer(.uploadPlan(UploadPlan(files: files)))
    #expect(scene.bottom.contains("/a/x and /b/x would both become 2026/x"))
    let hasTransfer = scene.takeEffects().contains {
      if case .transfer = $0 { true } else { false }
    }
    #expect(!hasTransfer)
  }

  @Test("Esc peels filter and marks of the local browser, then closes it")
  func closing() throws {
    var scene = try uploading()
    scene.press("Space Esc")
    #expect(!scene.state.overlays.isEmpty)
    scene.press("Esc")
    #expect(scene.state.overlays.isEmpty)
  }

  @Test("A folder whose name is no UTF-8 is kept byte for byte unless another one is typed")
  func folderOfBytes() throws {
    let folder = FilePath(bytes: Array("/home/ana/".utf8) + [0xff])
    var scene = try Scene(saveFolder: folder)
    scene.send(.started(at: Place(bucket: BucketName("reports"))))
    scene.answer(.page(.of(["a.txt"])))
    scene.press("d")
    #expect(!scene.bottom.contains("next field"))
    // What is shown for the byte would, with more behind it, name another folder.
    scene.type("/x")
    scene.press("Enter")
    #expect(scene.screen.contains("not UTF-8"))
    scene.press("Backspace Backspace Enter")
    guard case .planDownload(let wish, _)? = scene.effects.last else {
      Issue.record("nothing was planned")
      return
    }
    #expect(wish.folder == folder)
  }

  @Test("Downloads go to the folder that is shown and can be changed")
  func downloads() throws {
    var scene = try Scene.at("p/", .of(["a.txt", "b/"], under: "p/"), columns: 80, rows: 16)
    scene.press("d")
    try expectScreen(scene.screen, "download-80x16")
    scene.press("^u")
    scene.type("/srv/x")
    scene.press("Enter")
    guard case .planDownload(let wish, _)? = scene.effects.last else {
      Issue.record("nothing was planned")
      return
    }
    #expect(wish.folder == "/srv/x")
    #expect(wish.prefixes == [ObjectKey("p/b/")] || wish.objects.count == 1)
    let object = ObjectSummary(key: ObjectKey("p/a.txt"), size: ByteCount(3))
    let existing = DownloadFolder.ExistingFile(
      size: ByteCount(4), modified: Timestamp(seconds: 1_795_000_000), isRegular: true)
    scene.answer(
      .downloadPlan(
        DownloadPlan(
          items: [
            DownloadPlan.Item(object: object, name: ObjectKey("a.txt"), existing: existing)
          ], folder: "/srv/x")))
    #expect(scene.screen.contains("/srv/x/a.txt"))
    scene.press("o")
    guard case .transfer(let requests)? = scene.takeEffects().last else {
      Issue.record("nothing was downloaded")
      return
    }
    #expect(requests.map(\.ifExists) == [.overwrite])
  }

  @Test("What a plan leaves out is listed with the reason")
  func leftOut() throws {
    var scene = try Scene.at("p/", .of(["a.txt"], under: "p/"), columns: 80, rows: 16)
    scene.press("d Enter")
    scene.answer(
      .downloadPlan(
        DownloadPlan(
          items: [], folder: "/tmp",
          leftOut: [LeftOut(name: Array("../x".utf8), reason: "it leads out of the folder")])))
    #expect(scene.screen.contains("../x: it leads out of the folder"))
    #expect(scene.bottom.contains("Nothing to do, 1 left out"))
  }
}
