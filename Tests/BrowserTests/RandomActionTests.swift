import History
import S3
import Storage
import SystemPackage
import TestSupport
import Testing
import TextUI

@testable import Browser

/// A browser that is handled at random by somebody, and answered at random by a hostile world.
private struct Monkey {
  var dice: SeededRandom
  var state: BrowserState
  var waiting: [Effect] = []

  private static let keys: [Key] =
    KeyTable.standard.bindings.flatMap(\.keys).flatMap(\.presses).map(\.key)
    + "abcxyzäß表O[ ]'".map { Key.character($0) } + [.insert, .function(5), .control("w")]

  private static let names = [
    "a", "b/", "..", "../", "", "/", "//x", "表", "e\u{301}", "\u{301}", "\u{1b}[31mred",
    "\u{202e}abc", "\u{7}", "long-\(String(repeating: "x", count: 300)).tar.gz", "👨‍👩‍👧.png",
    "\u{200b}", "\r\n", "a b", "%2F", "-x", "\u{9b}31m", "\u{e000}", "🇩🇪/",
  ]

  init(seed: UInt64) throws {
    dice = SeededRandom(seed: seed)
    state = try Scene(columns: 80, rows: 24).state
    send(.started(at: nil))
  }

  mutating func send(_ action: Action) {
    for effect in state.reduce(action) where effect.request != nil { waiting.append(effect) }
    if waiting.count > 40 { waiting.removeFirst(20) }
  }

  private mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &dice) }

  private mutating func name() -> String { Self.names[roll(Self.names.count)] }

  mutating func step() {
    switch roll(20) {
    case 0: send(.resized(Size(columns: roll(140), rows: roll(50))))
    case 1: send(.pasted(name()))
    case 2: send(.transfersProgressed(transfers()))
    case 3 where roll(2) == 0:
      send(.foundLeftTransfers((0..<roll(4)).map { .sample(Int64($0 + 1), name()) }))
    case 3: send(.copied("The URL", by: "of the terminal"))
    case 4...8: answer()
    case 9: retry()
    default: send(.keyPressed(KeyPress(Self.keys[roll(Self.keys.count)])))
    }
  }

  private mutating func retry() {
    guard !waiting.isEmpty, let request = waiting[roll(waiting.count)].request else { return }
    let status = RetryStatus(attempt: roll(9), of: roll(9), code: name())
    send(.requestRetried(request, roll(3) == 0 ? nil : status))
  }

  private mutating func answer() {
    guard !waiting.isEmpty else { return }
    let effect = waiting.remove(at: roll(waiting.count))
    guard let request = effect.request else { return }
    if roll(6) == 0 {
      let kinds: [StorageError.Kind] = [
        .accessDenied, .cancelled, .bucketNotEmpty, .connection, .service,
      ]
      let error = StorageError(
        kind: kinds[roll(kinds.count)], message: "no \(name())", recovery: name(), code: name(),
        detail: "\(name())\n\(name())")
      return send(.answered(request, .failed(error)))
    }
    if let answer = fitting(effect) { send(.answered(request, answer)) }
  }

  private mutating func fitting(_ effect: Effect) -> Answer? {
    switch effect {
    case .listBuckets:
      return .buckets((0..<roll(5)).map { _ in BucketSummary(name: BucketName(name())) })
    case .listObjects(let place, _, _): return .page(page(under: place.prefix))
    case .order(let rows, let ordering, let from, _):
      return .order(rows.ordered(by: ordering, from: from), covering: rows.count)
    case .readDetails:
      return .details(
        ObjectMetadata(
          size: ByteCount(Int64(roll(1_000_000))), contentType: name(),
          metadata: [MetadataField(name: name(), value: name())]))
    case .readTags: return .tags([ObjectTag(key: name(), value: name())])
    case .readVersions(let location, _):
      return .versions(
        VersionPage(versions: [
          ObjectVersion(
            key: location.key, versionID: VersionID(name()), isLatest: roll(2) == 0,
            isDeleteMarker: roll(2) == 0)
        ]))
    case .readVersioning: return .versioning([.never, .enabled, .suspended][roll(3)])
    case .createBucket: return .bucketCreated(warning: nil)
    case .removeBucket: return .bucketRemoved(warning: nil)
    case .createPrefixMarker: return .markerCreated(warning: nil)
    case .count, .countEveryVersion:
      return .counted(DeletionCount(objects: roll(9_999), isComplete: roll(2) == 0))
    case .delete, .emptyAndRemoveBucket:
      let failure = DeletionFailure(key: ObjectKey(name()), code: name(), message: name())
      return .deleted(DeletionReport(deleted: roll(99), failures: roll(2) == 0 ? [] : [failure]))
    case .abortLeftTransfer: return .leftTransferAborted(warning: nil)
    case .copyObjects:
      var report = CopyReport()
      for _ in 0..<roll(3) { report.note(.failure(StorageError(kind: .service, message: name()))) }
      return [
        .copyProgressed(CopyProgress(copied: roll(9_999), failed: roll(3))),
        .objectsCopied(report),
      ][roll(2)]
    case .presign:
      return .presigned(
        PresignedURL(
          url: "http://h/" + String(repeating: "u", count: roll(600)), method: .get,
          expiresAt: Timestamp(seconds: Int64(roll(1 << 40)))))
    case .readHistory: return .history([])
    case .readBookmarks:
      return .bookmarks((0..<roll(20)).compactMap { _ in Place(parsing: name()) })
    case .listFolder(let path, _):
      let entries = (0..<roll(6)).map { _ in
        LocalEntry(
          name: Array(name().utf8), kind: [.file, .folder, .other][roll(3)], isLink: false,
          size: ByteCount(Int64(roll(5_000))), modified: Timestamp(seconds: .max))
      }
      return .folder(LocalListing(folder: path, entries: entries))
    case .planUpload(let files, let place, _):
      return .uploadPlan(uploadPlan(files.count, to: place))
    case .planDownload(let wish, _):
      let items = wish.objects.map { object in
        DownloadPlan.Item(
          object: object, name: object.key,
          existing: DownloadFolder.ExistingFile(
            size: ByteCount(1), modified: Timestamp(seconds: .min), isRegular: true))
      }
      return .downloadPlan(
        DownloadPlan(
          items: items, folder: wish.folder,
          leftOut: roll(2) == 0 ? [] : [LeftOut(name: Array(name().utf8), reason: name())]))
    default: return nil
    }
  }

  private mutating func uploadPlan(_ count: Int, to place: Place) -> UploadPlan {
    let files = (0..<count).map { index in
      UploadPlan.File(
        path: "/x", key: place.prefix + ObjectKey("\(roll(3) == 0 ? 0 : index)"),
        size: ByteCount(1), modified: nil, contentType: "text/plain")
    }
    let taken = files.filter { _ in roll(2) == 0 }.map {
      ($0.key, ObjectSummary(key: $0.key, size: .zero))
    }
    let names = (0..<roll(2) * UploadPlan.askedSingly + roll(3)).map {
      TakenName(
        key: place.prefix + ObjectKey("f/\($0)"), path: "/f", size: .zero, modified: nil,
        existingSize: .zero, existingModified: nil)
    }
    return UploadPlan(
      files: files,
      folders: [UploadPlan.Folder(path: "/f", prefix: place.prefix + ObjectKey("f/"))],
      existing: Dictionary(taken) { first, _ in first }, taken: names)
  }

  private mutating func page(under prefix: ObjectKey) -> ObjectPage {
    var page = ObjectPage(next: roll(3) == 0 ? ContinuationToken("\(roll(1_000))") : nil)
    for _ in 0..<roll(60) {
      let key = (roll(9) == 0 ? ObjectKey.empty : prefix) + ObjectKey(name() + "\(roll(99))")
      if roll(4) == 0 {
        page.commonPrefixes.append(key + ObjectKey("/"))
      } else {
        page.objects.append(
          ObjectSummary(
            key: key, size: ByteCount([0, 1, 5_000_000_000, .max, -7][roll(5)]),
            lastModified: Timestamp(seconds: [0, 1_795_000_000, .max, .min][roll(4)]),
            storageClass: StorageClass(name())))
      }
    }
    return page
  }

  private mutating func transfers() -> [TransferStatus] {
    (0..<roll(7)).map { number in
      var status = TransferStatus.sample(number)
      status.name = Array(name().utf8)
      status.moved = ByteCount([0, 77, .max, -5][roll(4)])
      status.total = [nil, .zero, ByteCount(.max), .gibibytes(3)][roll(4)]
      status.rate = [0, .nan, .infinity, 1e30, 5e6][roll(5)]
      status.state =
        [
          .waiting, .running, .retrying(RetryStatus(attempt: 2, of: 5, code: name())),
          .failed(.denied),
          .paused, .cancelling, .cancelled,
        ][roll(7)]
      return status
    }
  }
}

@Suite("Whatever happens")
struct RandomActionTests {
  @Test("Frames stay whole and the focus visible, and nothing traps", arguments: 0..<10)
  func anything(seed: Int) throws {
    var monkey = try Monkey(seed: UInt64(seed))
    for step in 0..<200 {
      monkey.step()
      try check(monkey.state, "seed \(seed), step \(step)")
    }
  }

  private func check(_ state: BrowserState, _ context: String) throws {
    let frame = state.view(state.size)
    #expect(frame.size == state.size)
    for row in 0..<frame.size.rows {
      let width = (0..<frame.size.columns).reduce(0) { $0 + frame[row, $1].width }
      #expect(width == frame.size.columns, "\(context): row \(row) has \(width) columns")
    }
    for scalar in frame.text.joined().unicodeScalars {
      let isControl = scalar.properties.generalCategory == .control
      let isBidi =
        (0x202a...0x202e).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
      #expect(!isControl && !isBidi, "\(context): U+\(String(scalar.value, radix: 16))")
    }
    if let cursor = frame.cursor {
      #expect(
        (0..<max(frame.size.columns, 1)).contains(cursor.column)
          && (0..<max(frame.size.rows, 1)).contains(cursor.row), "\(context): \(cursor)")
    }
    guard state.layout.objects != nil || state.layout.buckets != nil else { return }
    try checkFocus(state, frame, context)
  }

  /// One pane or dialog has its marker, and one row of the focused list the selection.
  private func checkFocus(_ state: BrowserState, _ frame: Frame, _ context: String) throws {
    let text = frame.text
    if state.overlays.isEmpty {
      let rect = try #require(focusedRect(state), "\(context): the focused pane is not to be seen")
      let titles = text.joined().ranges(of: "┌▸").count
      #expect(titles == 1, "\(context): \(titles) panes have the focus")
      #expect(frame[rect.row, rect.column + 1].text == "▸", "\(context)")
      let selected = (rect.row + 1..<rect.endRow - 1).count {
        frame[$0, rect.column + 1].text == "▸"
      }
      #expect(selected == (isEmpty(state) ? 0 : 1), "\(context): \(selected) rows are selected")
    } else {
      #expect(text.contains { $0.contains("▸") }, "\(context): no dialog has the focus")
    }
  }

  private func focusedRect(_ state: BrowserState) -> Rect? {
    switch state.focus {
    case .buckets: state.layout.buckets
    case .objects: state.layout.objects
    case .transfers: state.layout.transfers
    }
  }

  private func isEmpty(_ state: BrowserState) -> Bool {
    switch state.focus {
    case .buckets: state.buckets.shown.isEmpty
    case .objects: (state.objects?.shownCount ?? 0) == 0
    case .transfers: state.transfers.isEmpty
    }
  }
}
