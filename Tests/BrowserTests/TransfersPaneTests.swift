import History
import S3
import Storage
import SystemPackage
import Testing
import TextUI

@testable import Browser

extension TransferStatus {
  /// A transfer of 2 GiB in some state; odd numbers go up, even ones come down.
  static func sample(
    _ number: Int, _ state: State = .running, moved: Int64 = 1_234_567_890
  ) -> TransferStatus {
    TransferStatus(
      id: TransferID(number), direction: number % 2 == 1 ? .upload : .download,
      name: Array("file-\(number).tar".utf8),
      location: ObjectLocation(bucket: BucketName("reports"), key: ObjectKey("p/file-\(number)")),
      localPath: "/srv/x", total: .gibibytes(2), moved: ByteCount(moved), rate: 41_200_000,
      timeLeft: .seconds(21), state: state)
  }
}

extension JournalEntry {
  /// An upload of which 1 of 2 GiB had arrived when its process died.
  static func sample(
    _ id: Int64, _ name: String, endpoint: String = "http://127.0.0.1:8333",
    profile: String? = "demo", state: State? = nil
  ) -> JournalEntry {
    let time = Timestamp(seconds: 1_795_000_000)
    return JournalEntry(
      id: JournalID(id),
      request: JournalRequest(
        .upload, endpoint: endpoint, region: "us-east-1", profile: profile,
        bucket: BucketName("reports"), key: ObjectKey("p/\(name)"),
        localPath: FilePath("/srv/\(name)")),
      subject: JournalSubject(size: .gibibytes(2), partSize: .mebibytes(8)),
      state: state
        ?? .abandoned(
          JournalLease(user: "ana", host: "h", bootID: "b", processID: 1, processStart: 1)),
      kept: .gibibytes(1), createdAt: time, updatedAt: time)
  }
}

@Suite("Transfers pane")
struct TransfersPaneTests {
  private static let result = TransferResult(
    location: ObjectLocation(bucket: BucketName("reports"), key: ObjectKey("k")),
    localPath: "/srv/x", size: .mebibytes(12))

  private var several: [TransferStatus] {
    [
      .sample(1, .finished(Self.result)), .sample(2), .sample(3, moved: 0),
      .sample(4, .retrying(RetryStatus(attempt: 2, of: 5, code: "SlowDown"))),
      .sample(5, .failed(.denied)),
      .sample(6, .waiting), .sample(7, .cancelled), .sample(8, .paused), tree(9, .running),
    ]
  }

  private func tree(_ number: Int, _ state: TransferStatus.State) -> TransferStatus {
    var status = TransferStatus.sample(number, state)
    status.tree = TreeStatus(found: 9_000, done: 1_200, failed: 3, bytes: .gibibytes(2))
    return status
  }

  @Test("A folder without anything in it is not shown as if it had been uploaded")
  func emptyFolder() throws {
    var scene = try Scene.at("", .of(["a"]), columns: 100, rows: 20)
    var empty = tree(
      1,
      .finished(
        TransferResult(
          location: ObjectLocation(bucket: BucketName("reports"), key: ObjectKey("e/")),
          localPath: "/e", size: .zero)))
    empty.tree = TreeStatus()
    scene.send(.transfersProgressed([empty]))
    #expect(scene.screen.contains("nothing is in it"))
  }

  @Test("The rate of all is the one that is told with them")
  func overallRate() throws {
    var scene = try Scene.at("", .of(["a"]), columns: 100, rows: 20)
    scene.send(.transfersProgressed([.sample(1), .sample(2)], rate: 7 * 1_048_576))
    #expect(scene.screen.contains("7.0 MiB/s"))
  }

  @Test("The box shows bars, rates and what went wrong", arguments: [80, 120])
  func box(columns: Int) throws {
    var scene = try Scene.at("p/", .of(["a", "b"], under: "p/"), columns: columns, rows: 30)
    scene.send(.transfersProgressed(several))
    scene.press("t")
    try expectScreen(scene.screen, "transfers-\(columns)x30")
  }

  @Test("A transfer from before a switch names its session, and its end lists nothing anew")
  func earlierSession() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    let earlier = [TransferID(1): "ana"]
    scene.send(.transfersProgressed([.sample(1), .sample(3)], earlier: earlier))
    let rows = scene.screen.split(separator: "\n").filter { $0.contains(".tar") }
    #expect(rows.map { $0.contains("of ana") } == [true, false])
    let result = TransferResult(
      location: ObjectLocation(bucket: BucketName("reports"), key: ObjectKey("k")),
      localPath: "/srv/x", size: .mebibytes(12))
    _ = scene.takeEffects()
    scene.send(
      .transfersProgressed(
        [.sample(1, .finished(result)), .sample(3, .cancelled)], earlier: earlier))
    #expect(scene.bottom.contains("Uploaded 1 file, 12.0 MiB, 1 cancelled"))
    // That of this session alone has the bucket listed anew.
    #expect(scene.takeEffects().count { if case .listObjects = $0 { true } else { false } } == 1)
    scene.send(.transfersProgressed([.sample(1)], earlier: earlier))
    scene.send(.transfersProgressed([.sample(1, .finished(result))], earlier: earlier))
    #expect(scene.takeEffects().isEmpty)
  }

  @Test("A folder of which something is not verified, or named otherwise, says of how much")
  func unverified() throws {
    var done = tree(1, .finished(Self.result))
    done.tree = TreeStatus(found: 9, isComplete: true, done: 9, renamed: 3, unverified: 2)
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.send(.transfersProgressed([done]))
    #expect(scene.screen.contains("2 not verified  3 under other names"))
  }

  @Test("A file under another name says which, and one that started over says why")
  func otherName() throws {
    var done = TransferStatus.sample(2, .finished(Self.result))
    done.otherName = ObjectKey("%2E%2E")
    var result = Self.result
    result.resumption = .startedOver(.objectChanged)
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 120, rows: 30)
    scene.send(.transfersProgressed([.sample(2), .sample(4)]))
    scene.send(.transfersProgressed([done, .sample(4, .finished(result))]))
    #expect(scene.screen.contains("done  12.0 MiB  as %2E%2E"))
    #expect(scene.screen.contains("done  12.0 MiB  started over, since the object has changed"))
    #expect(scene.bottom.contains("Downloaded 2 files, 24.0 MiB, 1 under another name"))
  }

  @Test("Enter and i show all that is known of a transfer", arguments: ["Enter", "i"])
  func details(key: String) throws {
    var result = Self.result
    result.verification = .notVerified(.unprovenETag)
    result.resumption = .resumed(kept: .mebibytes(3))
    var done = TransferStatus.sample(2, .finished(result))
    done.otherName = ObjectKey("%2E%2E")
    var prefix = tree(4, .finished(Self.result))
    prefix.tree = TreeStatus(
      found: 900, isComplete: true, done: 900, renamed: 300,
      otherNames: [
        OtherName(
          location: ObjectLocation(bucket: BucketName("reports"), key: ObjectKey("p/\u{1B}/..")),
          localPath: "/srv/%2E%2E")
      ])
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 80, rows: 24)
    scene.send(.transfersProgressed([done, prefix, .sample(6, .failed(.denied))]))
    scene.press("t g \(key)")
    try expectScreen(scene.screen, "transfer-details-file-80x24")
    scene.press("Esc j \(key)")
    try expectScreen(scene.screen, "transfer-details-tree-80x24")
    scene.press("Esc j \(key)")
    #expect(scene.screen.contains("S3 code"))
    scene.press("Esc")
    #expect(scene.state.focus == .transfers)
  }

  @Test("What an earlier run has left shows what is known of it")
  func detailsOfLeft() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 80, rows: 24)
    scene.send(.foundLeftTransfers([.sample(1, "backup.tar")]))
    scene.press("t g i")
    try expectScreen(scene.screen, "transfer-details-left-80x24")
  }

  @Test("A transfer of which no byte moves says for how long instead of a bar")
  func stalled() throws {
    var status = TransferStatus.sample(1)
    status.stalledFor = .seconds(12)
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.send(.transfersProgressed([status]))
    #expect(scene.screen.contains("stalled 12 s  1.1/2.0 GiB"))
  }

  @Test("There is no box while there is nothing in it")
  func hidden() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    #expect(!scene.screen.contains("Transfers"))
    scene.send(.transfersProgressed(several))
    #expect(scene.screen.contains("Transfers (3 of 9)"))
    scene.press("t")
    #expect(scene.state.focus == .transfers)
    scene.send(.transfersProgressed([]))
    #expect(!scene.screen.contains("Transfers"))
    #expect(scene.state.focus == .objects)
  }

  @Test("x cancels what runs, r tries again what failed, C clears")
  func keys() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.send(.transfersProgressed(several))
    scene.press("t g j x")
    guard case .controlTransfer(.own(TransferID(2)), .cancel)? = scene.takeEffects().last else {
      Issue.record("nothing was cancelled")
      return
    }
    scene.press("j j j r")
    guard case .controlTransfer(.own(TransferID(5)), .retry)? = scene.takeEffects().last else {
      Issue.record("nothing was tried again")
      return
    }
    scene.press("g x")
    #expect(scene.takeEffects().isEmpty)
    scene.press("C")
    guard case .clearTransfers? = scene.takeEffects().last else {
      Issue.record("nothing was cleared")
      return
    }
  }

  private func listed(_ scene: inout Scene) -> [Place] {
    scene.takeEffects().compactMap {
      if case .listObjects(let place, _, _) = $0 { place } else { nil }
    }
  }

  @Test("The prefix is listed anew now and then while uploads come to it, and after the last one")
  func refreshAfterUpload() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    let place = Place(bucket: BucketName("reports"), prefix: ObjectKey("p/"))
    let done = TransferStatus.State.finished(Self.result)
    _ = scene.takeEffects()
    scene.send(.transfersProgressed([.sample(1), .sample(3), .sample(5), .sample(7)]))
    #expect(listed(&scene).isEmpty)
    let first: [TransferStatus] = [.sample(1, done), .sample(3), .sample(5), .sample(7)]
    scene.send(.transfersProgressed(first, at: .seconds(9)))
    #expect(scene.effects.count == 1)
    scene.answer(.page(.of(["a", "file-1"], under: "p/")))
    // Neither at once nor twice for the same.
    let second: [TransferStatus] = [.sample(1, done), .sample(3, done), .sample(5), .sample(7)]
    scene.send(.transfersProgressed(second, at: .seconds(11)))
    #expect(listed(&scene).isEmpty)
    scene.send(.transfersProgressed(second, at: .seconds(12)))
    #expect(listed(&scene) == [place])
    // What is being listed comes to its end before it is listed again.
    let third: [TransferStatus] = [
      .sample(1, done), .sample(3, done), .sample(5, done), .sample(7),
    ]
    scene.send(.transfersProgressed(third, at: .seconds(20)))
    #expect(listed(&scene).isEmpty)
    let last: [TransferStatus] = [
      .sample(1, done), .sample(3, done), .sample(5, done), .sample(7, .cancelled),
    ]
    scene.send(.transfersProgressed(last, at: .seconds(20)))
    #expect(listed(&scene) == [place])
    scene.send(.transfersProgressed(last, at: .seconds(40)))
    #expect(listed(&scene).isEmpty)
  }

  @Test("An upload that is paused holds up neither the list nor what is said of the others")
  func pausedUpload() throws {
    var scene = try Scene.at("p/", .of([], under: "p/"))
    _ = scene.takeEffects()
    scene.send(.transfersProgressed([.sample(1, .paused), .sample(3)], at: .seconds(1)))
    let done: [TransferStatus] = [.sample(1, .paused), .sample(3, .finished(Self.result))]
    scene.send(.transfersProgressed(done, at: .seconds(2)))
    #expect(listed(&scene).count == 1)
    #expect(scene.bottom.contains("Uploaded 1 file, 12.0 MiB"))
    // Also right after another listing, since nothing more is coming.
    scene.send(.transfersProgressed(done + [.sample(5)], at: .seconds(2)))
    scene.send(
      .transfersProgressed(done + [.sample(5, .finished(Self.result))], at: .seconds(2)))
    #expect(listed(&scene).count == 1)
  }

  @Test("Uploads to another prefix hold up nothing, and it is listed anew when one is there again")
  func uploadElsewhere() throws {
    var scene = try Scene.at("q/", .of(["x"], under: "q/"))
    scene.type(":s3://reports/p/")
    scene.press("Enter")
    scene.answer(.page(.of(["a"], under: "p/")))
    _ = scene.takeEffects()
    var elsewhere = TransferStatus.sample(3)
    elsewhere.location.key = ObjectKey("q/y")
    scene.send(.transfersProgressed([.sample(1), elsewhere], at: .seconds(1)))
    scene.send(
      .transfersProgressed([.sample(1, .finished(Self.result)), elsewhere], at: .seconds(1)))
    #expect(listed(&scene).map(\.prefix) == [ObjectKey("p/")])
    elsewhere.state = .finished(Self.result)
    scene.send(
      .transfersProgressed([.sample(1, .finished(Self.result)), elsewhere], at: .seconds(1)))
    #expect(listed(&scene).isEmpty)
    scene.press("<")
    #expect(listed(&scene).map(\.prefix) == [ObjectKey("q/")])
  }

  @Test("What another process uploads is listed when it is done, and when the process ends")
  func othersUploads() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.send(
      .otherProgressed(OtherProcess(processID: 4711, transfers: [.sample(1), .sample(2)])))
    #expect(listed(&scene).isEmpty)
    let done = TransferStatus.sample(1, .finished(Self.result))
    scene.send(.otherProgressed(OtherProcess(processID: 4711, transfers: [done, .sample(2)])))
    #expect(listed(&scene).count == 1)
    scene.send(.otherProgressed(OtherProcess(processID: 4711, transfers: [.sample(3)])))
    _ = scene.takeEffects()
    // Its last words may be older than its end.
    scene.send(.otherEnded(processID: 4711, isComplete: true))
    #expect(listed(&scene).count == 1)
  }

  @Test("On the smallest screen t goes to a box that is there", arguments: [40, 80])
  func smallest(columns: Int) throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: columns, rows: 10)
    scene.send(.transfersProgressed([.sample(1), .sample(2), .sample(3)]))
    scene.press("t G")
    #expect(scene.state.focus == .transfers)
    #expect(scene.screen.contains("▸Transfers") && scene.screen.contains("▸↑ file-3"))
  }

  @Test("A prefix of an empty segment has the name in the box that it has in the list")
  func emptySegment() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    var prefix = tree(2, .running)
    prefix.name = Array("/".utf8)
    scene.send(.transfersProgressed([prefix]))
    #expect(scene.screen.contains("↓ (empty)/"))
  }

  @Test("The end of the last transfer is said, and an error rather than that")
  func summary() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    let result = TransferResult(
      location: ObjectLocation(bucket: BucketName("reports"), key: ObjectKey("k")),
      localPath: "/srv/x", size: .mebibytes(12))
    scene.send(.transfersProgressed([.sample(2), .sample(4)]))
    scene.send(.transfersProgressed([.sample(2, .finished(result)), .sample(4, .cancelled)]))
    #expect(scene.bottom.contains("Downloaded 1 file, 12.0 MiB, 1 cancelled"))
    scene.send(.transfersProgressed([.sample(2, .finished(result)), .sample(4)]))
    scene.send(
      .transfersProgressed([.sample(2, .finished(result)), .sample(4, .finished(result))]))
    #expect(scene.bottom.contains("Downloaded 1 file, 12.0 MiB  "))
    scene.send(.transfersProgressed([.sample(2, .finished(result)), .sample(4)]))
    scene.send(.transfersProgressed([.sample(2, .finished(result)), .sample(4, .failed(.denied))]))
    #expect(scene.bottom.contains("Error: Access to s3://reports was denied"))
  }

  @Test("E shows the error of the selected transfer")
  func errorOfTransfer() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.send(.transfersProgressed([.sample(2, .failed(.denied)), .sample(4)]))
    scene.press("t g E")
    #expect(scene.screen.contains("Request ID R1"))
  }

  @Test("p pauses and lets go on, K and J move what waits, in this process")
  func order() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.send(.transfersProgressed(several))
    scene.press("t g j p")
    guard case .controlTransfer(.own(TransferID(2)), .pause)? = scene.takeEffects().last else {
      Issue.record("nothing was paused")
      return
    }
    scene.press("G k p")
    guard case .controlTransfer(.own(TransferID(8)), .resume)? = scene.takeEffects().last else {
      Issue.record("nothing goes on")
      return
    }
    scene.press("k k K")
    guard case .moveTransfer(TransferID(6), by: -1)? = scene.takeEffects().last else {
      Issue.record("nothing was moved")
      return
    }
    scene.press("J")
    guard case .moveTransfer(TransferID(6), by: 1)? = scene.takeEffects().last else {
      Issue.record("nothing was moved")
      return
    }
    scene.press("g K p")
    #expect(scene.takeEffects().isEmpty)
    #expect(scene.bottom.contains("That transfer is over"))
  }

  @Test("L limits the bandwidth, the title shows it, and nothing typed means no limit")
  func limit() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 80, rows: 24)
    scene.send(.transfersProgressed([.sample(1)]))
    scene.press("t L")
    scene.type("2x")
    scene.press("Enter")
    try expectScreen(scene.screen, "limit")
    scene.press("Backspace")
    scene.type("M")
    scene.press("Enter")
    guard case .limitTransfers(nil, 2_097_152)? = scene.takeEffects().last else {
      Issue.record("nothing was limited")
      return
    }
    scene.send(.transfersLimited(2_097_152))
    #expect(scene.screen.contains("Transfers (0 of 1), at most 2.0 MiB/s"))
    scene.press("L ^u Enter")
    guard case .limitTransfers(nil, nil)? = scene.takeEffects().last else {
      Issue.record("the limit stays")
      return
    }
  }

  @Test("The time that all need is told while every size is known")
  func timeLeft() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.send(.transfersProgressed([.sample(1), .sample(2)]))
    #expect(scene.screen.contains("78.6 MiB/s  0:22"))
    scene.send(.transfersProgressed([.sample(1), tree(2, .running)]))
    #expect(scene.screen.contains("78.6 MiB/s ─"))
  }

  @Test("Transfers of other processes stand below, marked, and are controlled there")
  func others() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 100, rows: 24)
    scene.send(.otherProgressed(OtherProcess(processID: 4711, transfers: [.sample(1)])))
    #expect(scene.screen.contains("Transfers (0 of 1)"))
    scene.send(
      .otherProgressed(
        OtherProcess(processID: 815, transfers: [.sample(1), .sample(3, .failed(.denied))])))
    scene.send(.transfersProgressed([.sample(1), .sample(2)]))
    scene.press("t G")
    try expectScreen(scene.screen, "transfers-others-100x24")
    scene.press("x")
    guard
      case .controlTransfer(.other(4711, TransferID(1)), .cancel)? = scene.takeEffects().last
    else {
      Issue.record("nothing was cancelled")
      return
    }
    // Rows above come and go; the selection stays on its transfer.
    scene.send(.otherEnded(processID: 815, isComplete: true))
    #expect(scene.bottom.contains("Process 815 has ended; H shows what became of its transfers"))
    #expect(scene.state.transfers.selected?.processID == 4711)
    scene.press("q")
    #expect(scene.screen.contains("2 transfers"), "those of others go on by themselves")
  }

  @Test("A process that dies disappears with a message, and its transfers with it")
  func othersDie() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    scene.send(.otherProgressed(OtherProcess(processID: 4711, transfers: [.sample(1)])))
    scene.press("t")
    scene.send(.otherEnded(processID: 4711, isComplete: false))
    #expect(scene.bottom.contains("Process 4711 ended with 1 transfer unfinished"))
    #expect(!scene.screen.contains("Transfers ("))
    #expect(scene.state.focus == .objects)
  }

  @Test("What earlier runs have left is asked for once something is on the screen")
  func looksForLeft() throws {
    var scene = try Scene()
    scene.send(.started(at: nil))
    #expect(scene.effects.allSatisfy { $0.request != nil })
    scene.answer(.buckets([BucketSummary(name: BucketName("reports"))]))
    let asked = { (effects: [Effect]) in
      effects.count { if case .findLeftTransfers = $0 { true } else { false } }
    }
    #expect(asked(scene.takeEffects()) == 1)
    scene.press("r")
    scene.answer(.buckets([]))
    #expect(asked(scene.takeEffects()) == 0)
  }

  @Test("What earlier runs have left stands last; r goes on with one of it, R with all")
  func left() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 100, rows: 24)
    let lease = JournalLease(user: "ana", host: "h", bootID: "b", processID: 1, processStart: 1)
    let entries: [JournalEntry] = [
      .sample(3, "backup.tar"), .sample(4, "film.mkv", state: .stopped),
      .sample(5, "elsewhere", endpoint: "http://other:1"),
      .sample(7, "with other keys", profile: "work"), .sample(8, "with no profile", profile: nil),
      .sample(6, "busy", state: .running(lease)),
    ]
    scene.send(.foundLeftTransfers(entries))
    #expect(scene.bottom.contains("2 transfers were interrupted: t, then R goes on with all"))
    scene.send(.transfersProgressed([.sample(1)]))
    scene.press("t j")
    try expectScreen(scene.screen, "transfers-left-100x24")
    _ = scene.takeEffects()
    scene.press("r")
    guard case .resumeLeftTransfers(let one)? = scene.takeEffects().last else {
      Issue.record("nothing goes on")
      return
    }
    #expect(one.map(\.id) == [JournalID(3)])
    // It waits in the queue, and the journal does not know that yet.
    scene.send(.foundLeftTransfers(entries))
    #expect(scene.state.transfers.left.map(\.id) == [JournalID(4)])
    scene.press("R")
    guard case .resumeLeftTransfers(let rest)? = scene.takeEffects().last else {
      Issue.record("nothing goes on")
      return
    }
    #expect(rest.map(\.id) == [JournalID(4)])
    // Once it is over and cleared, what could not be finished is offered again.
    scene.send(.transfersProgressed([.sample(1, .failed(.denied))]))
    scene.press("C")
    scene.send(.foundLeftTransfers(entries))
    #expect(scene.state.transfers.left.map(\.id) == [JournalID(3), JournalID(4)])
  }

  @Test("What was left for other profiles and servers is said once, and does not go on here")
  func leftElsewhere() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 120, rows: 24)
    let entries: [JournalEntry] = [
      .sample(5, "elsewhere", endpoint: "http://other:1"), .sample(7, "keys", profile: "work"),
    ]
    scene.send(.foundLeftTransfers(entries))
    #expect(
      scene.bottom.contains(
        "2 transfers were interrupted with another profile or server: S switches there"))
    #expect(scene.state.transfers.left.isEmpty)
    scene.press("j")
    scene.send(.foundLeftTransfers(entries))
    #expect(!scene.bottom.contains("interrupted"))
  }

  @Test("What another process has taken over is not offered, until it fails there or is read again")
  func takenOverElsewhere() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    // Of an upload and of a download; the entries are of uploads.
    let entries: [JournalEntry] = [.sample(3, "file-1"), .sample(4, "file-2")]
    let left = { (scene: Scene) in scene.state.transfers.left.map(\.id) }
    scene.send(.foundLeftTransfers(entries))
    #expect(left(scene) == [JournalID(3), JournalID(4)])
    let waiting = OtherProcess(processID: 4711, transfers: [.sample(1, .waiting), .sample(2)])
    scene.send(.otherProgressed(waiting))
    #expect(left(scene) == [JournalID(4)] && scene.screen.contains("1 interrupted"))
    scene.send(.foundLeftTransfers(entries))
    #expect(left(scene) == [JournalID(4)])
    scene.send(
      .otherProgressed(OtherProcess(processID: 4711, transfers: [.sample(1, .failed(.denied))])))
    #expect(left(scene) == [JournalID(3), JournalID(4)])
    scene.send(.otherProgressed(waiting))
    _ = scene.takeEffects()
    scene.send(.otherEnded(processID: 4711, isComplete: true))
    #expect(left(scene) == [JournalID(4)])
    let effects = scene.takeEffects()
    #expect(effects.contains { if case .findLeftTransfers = $0 { true } else { false } })
  }

  @Test("What was said of interrupted transfers goes when another process takes them over")
  func saidOfLeft() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    let both: [JournalEntry] = [.sample(3, "file-1"), .sample(4, "file-3")]
    scene.send(.foundLeftTransfers(both))
    #expect(scene.bottom.contains("2 transfers were interrupted"))
    let process = { OtherProcess(processID: 4711, transfers: $0) }
    let asks = { (effects: [Effect]) in
      effects.contains { if case .findLeftTransfers = $0 { true } else { false } }
    }
    _ = scene.takeEffects()
    scene.send(.otherProgressed(process([.sample(1)])))
    #expect(scene.bottom.contains("1 transfer was interrupted"))
    #expect(asks(scene.takeEffects()), "it may hold more than it shows")
    scene.send(.otherProgressed(process([.sample(1)])))
    #expect(!asks(scene.takeEffects()))
    let lease = JournalLease(user: "ana", host: "h", bootID: "b", processID: 4711, processStart: 1)
    scene.send(.foundLeftTransfers([.sample(4, "file-3", state: .running(lease))]))
    #expect(!scene.bottom.contains("interrupted"))
    scene.send(.otherProgressed(process([])))
    scene.send(.foundLeftTransfers(both))
    #expect(scene.bottom.contains("2 transfers were interrupted"))
    scene.send(.otherProgressed(process([.sample(1), .sample(3)])))
    #expect(!scene.bottom.contains("interrupted"))
    // What was said since stays.
    scene.send(.foundLeftTransfers([.sample(5, "file-5")]))
    scene.send(.noticed("Deleted 1 object"))
    scene.send(.otherProgressed(process([.sample(5)])))
    #expect(scene.bottom.contains("Deleted 1 object"))
  }

  @Test("Transfers that another process has stopped have not failed")
  func stoppedElsewhere() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"))
    let stopped = StorageError(kind: .stopped, message: "Stopped")
    scene.send(
      .otherProgressed(
        OtherProcess(
          processID: 4711,
          transfers: [
            .sample(1, .finished(Self.result)), .sample(3, .failed(stopped)),
            tree(5, .failed(stopped)),
          ])))
    scene.send(.otherEnded(processID: 4711, isComplete: true))
    #expect(scene.bottom.contains("1,201 files"), "the files of a folder count")
    #expect(scene.bottom.contains("3 failed, 2 stopped"))
  }

  @Test("x gives up what was left only after a question whose answer no has the focus")
  func givingUp() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 80, rows: 24)
    scene.send(.foundLeftTransfers([.sample(3, "backup.tar")]))
    scene.press("t x")
    try expectScreen(scene.screen, "give-up")
    _ = scene.takeEffects()
    scene.press("Enter")
    #expect(scene.state.overlays.isEmpty && scene.takeEffects().isEmpty)
    scene.press("x y")
    guard case .abortLeftTransfer(let entry, _)? = scene.effects.last else {
      Issue.record("nothing was given up")
      return
    }
    #expect(entry.id == JournalID(3))
    scene.answer(.leftTransferAborted(warning: nil))
    #expect(scene.bottom.contains("Gave up backup.tar"))
    scene.send(.foundLeftTransfers([]))
    #expect(scene.state.focus == .objects && !scene.screen.contains("Transfers ("))
  }
}
