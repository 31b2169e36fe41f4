import S3
import Storage
import SystemPackage
import Testing
import TextUI

@testable import Browser

/// A browser without a world: a test presses keys, looks at the effects, and answers them.
struct Scene {
  var state: BrowserState
  /// Wanted since the last look, oldest first. Orders are carried out at once.
  private(set) var effects: [Effect] = []
  /// Where the next run was to begin, as wanted since the last look.
  private var remembered: [BrowserState.Leaving] = []

  init(
    columns: Int = 100, rows: Int = 16, saveFolder: FilePath = "/home/ana/downloads",
    endsAtLogout: Bool = false
  ) throws {
    state = BrowserState(
      facts: BrowserFacts(
        profile: "demo", endpoint: try Endpoint(parsing: "http://127.0.0.1:8333"),
        region: .usEast1, user: "ana", saveFolder: saveFolder,
        localFolder: "/home/ana", endsAtLogout: endsAtLogout),
      size: Size(columns: columns, rows: rows))
  }

  /// With two buckets listed.
  static func withBuckets(columns: Int = 100, rows: Int = 16) throws -> Scene {
    var scene = try Scene(columns: columns, rows: rows)
    scene.send(.started(at: nil))
    scene.answer(
      .buckets(["assets", "logs", "reports"].map { BucketSummary(name: BucketName($0)) }))
    // Which the first answer leads to, whatever it is.
    scene.effects.removeAll { if case .findLeftTransfers = $0 { true } else { false } }
    return scene
  }

  /// With a prefix of the bucket `reports` open, showing `page`.
  static func at(
    _ prefix: String, _ page: ObjectPage, columns: Int = 100, rows: Int = 16
  ) throws -> Scene {
    var scene = try withBuckets(columns: columns, rows: rows)
    scene.type(":s3://reports/\(prefix)")
    scene.press("Enter")
    scene.answer(.page(page))
    return scene
  }

  mutating func send(_ action: Action) {
    for effect in state.reduce(action) {
      if case .order(let rows, let ordering, let from, let id) = effect {
        send(.answered(id, .order(rows.ordered(by: ordering, from: from), covering: rows.count)))
      } else if case .remember(let leaving) = effect {
        remembered.append(leaving)
      } else {
        effects.append(effect)
      }
    }
  }

  /// Presses keys by their names, separated by blanks: `j j Enter`.
  mutating func press(_ names: String) {
    for name in names.split(separator: " ") {
      guard let press = KeyPress(name: String(name)) else {
        Issue.record("there is no key \(name)")
        continue
      }
      send(.keyPressed(press))
    }
  }

  /// Types text, a character at a time.
  mutating func type(_ text: String) {
    for character in text { send(.keyPressed(KeyPress(.character(character)))) }
  }

  /// Answers the newest request that waits for an answer.
  mutating func answer(_ answer: Answer) {
    guard let index = effects.lastIndex(where: { $0.request != nil }),
      let request = effects[index].request
    else {
      Issue.record("nothing waits for an answer")
      return
    }
    effects.remove(at: index)
    send(.answered(request, answer))
  }

  /// The effects wanted since the last call.
  mutating func takeEffects() -> [Effect] {
    defer { effects = [] }
    return effects
  }

  mutating func takeRemembered() -> [BrowserState.Leaving] {
    defer { remembered = [] }
    return remembered
  }

  /// The screen as the text a person sees, trailing blanks left out.
  var screen: String {
    state.view(state.size).text.map { row in
      String(row.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n") + "\n"
  }

  /// The bottom row.
  var bottom: String { state.view(state.size).text.last ?? "" }

  /// The name of the selected row of the objects; nil on `..`.
  var selectedName: String? {
    guard let pane = state.objects, let row = pane.selectedRow else { return nil }
    return String(decoding: pane.rows.name(row), as: UTF8.self)
  }
}

extension Effect {
  var request: RequestID? {
    switch self {
    case .listBuckets(let id), .listObjects(_, _, let id), .order(_, _, _, let id),
      .readDetails(_, let id), .readTags(_, let id), .readVersions(_, let id),
      .readVersioning(_, let id), .createBucket(_, _, let id),
      .removeBucket(_, _, let id), .emptyAndRemoveBucket(_, _, let id),
      .createPrefixMarker(_, _, let id), .count(_, _, let id), .countEveryVersion(_, let id),
      .delete(_, _, let id),
      .copyObjects(_, let id), .presign(_, _, _, _, let id), .readHistory(_, _, _, let id),
      .listFolder(_, let id), .planUpload(_, _, let id), .planDownload(_, let id),
      .switchSession(_, let id), .abortLeftTransfer(_, let id), .readBookmarks(let id):
      id
    case .cancel, .transfer, .transferTrees, .controlTransfer, .moveTransfer, .limitTransfers,
      .clearTransfers,
      .copy,
      .suspend, .redraw, .quit, .quitInBackground, .findLeftTransfers, .resumeLeftTransfers,
      .addBookmark, .removeBookmark, .remember:
      nil
    }
  }
}

extension ObjectPage {
  /// Objects of some size and day, and common prefixes, named below a prefix.
  static func of(
    _ names: [String], under prefix: String = "", next: String? = nil
  ) -> ObjectPage {
    var page = ObjectPage(next: next.map { ContinuationToken($0) })
    for (number, name) in names.enumerated() {
      let key = ObjectKey(prefix + name)
      if name.hasSuffix("/") {
        page.commonPrefixes.append(key)
      } else {
        page.objects.append(
          ObjectSummary(
            key: key, size: ByteCount(Int64(number + 1) * 12_700),
            lastModified: Timestamp(seconds: 1_795_000_000 + Int64(number) * 86_400),
            storageClass: .standard))
      }
    }
    return page
  }

  /// Objects `00000` on, in order.
  static func numbered(
    _ range: Range<Int>, under prefix: String = "", next: String? = nil
  ) -> ObjectPage {
    .of(range.map { "\(100_000 + $0)" }, under: prefix, next: next)
  }
}

extension StorageError {
  static let denied = StorageError(
    kind: .accessDenied, message: "Access to s3://reports was denied",
    recovery: "Ask the bucket's owner for s3:ListBucket", code: "AccessDenied", requestID: "R1",
    detail: "AccessDenied (403): no\nRequest ID R1")
}
