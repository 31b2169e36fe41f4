import Foundation
import HTTP
import History
import S3
import Storage
import Synchronization
import SystemPackage
import Testing

@Suite("Transfer engine")
struct TransferEngineTests {
  private static let mebibyte = 1 << 20

  @Test(
    "Files of any size arrive as they are", arguments: [0, 1, 5 << 20, (5 << 20) + 1, 11 << 20])
  func roundTrip(size: Int) async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up.bin", size: size)
      let uploaded = try await fixture.service.upload(file, to: fixture.location("a/up.bin"))
      #expect(uploaded.size == ByteCount(Int64(size)))
      #expect(uploaded.checksum?.hasPrefix("crc64nvme:") == true)
      #expect(uploaded.warning == nil)

      let downloaded = try await fixture.service.download(
        fixture.location("a/up.bin"), into: fixture.local.path.appending("down"))
      #expect(downloaded.localPath == fixture.local.path.appending("down/up.bin"))
      #expect(downloaded.size == ByteCount(Int64(size)))
      #expect(try fixture.bytes("down/up.bin") == fixture.bytes("up.bin"))

      let row = try #require(try await fixture.rows().first)
      #expect(row.action == .upload && row.outcome == .done)
      #expect(row.key == ObjectKey("a/up.bin") && row.size?.bytes == Int64(size))
      #expect(row.localPath == file)
      #expect(row.etag == uploaded.etag && row.checksum == uploaded.checksum)
      #expect(try await fixture.uploads().isEmpty)
      #expect(try await fixture.rows().count == 1)
    }
  }

  @Test("A large file goes up in parts and comes down in ranges of one ETag")
  func parts() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up.bin", size: 11 * Self.mebibyte)
      _ = try await fixture.service.upload(file, to: fixture.location("up.bin"))
      let sent = fixture.transport.sent
      #expect(sent.count(where: \.isPart) == 3)
      #expect(sent.count(where: \.isCompleteUpload) == 1)
      _ = try await fixture.service.download(
        fixture.location("up.bin"), into: fixture.local.path.appending("down"))
      #expect(
        fixture.transport.sent.count { $0.method == .get && $0.key == ObjectKey("up.bin") } == 3)
    }
  }

  @Test(
    "A byte flipped in a small object is fetched again, and never gets a name", arguments: [1, 9])
  func smallFlips(times: Int) async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up.bin", size: 4_096)
      _ = try await fixture.service.upload(file, to: fixture.location("p/small"))
      let left = Mutex(times)
      fixture.transport.changeAnswers { request, response in
        guard request.method == .get, request.key == ObjectKey("p/small") else { return response }
        let isFlipped = left.withLock { left in
          left -= 1
          return left >= 0
        }
        var changed = response
        if isFlipped { changed.body[100] ^= 1 }
        return changed
      }
      let engine = fixture.service.transfers
      let id = await engine.enqueue(
        TransferTree(
          .download(
            bucket: fixture.bucket, KeySelection(prefix: ObjectKey("p/")),
            dropping: ObjectKey("p/"), folder: fixture.local.path.appending("down")),
          ifExists: .overwrite))
      let end = await engine.treeEnd(of: id)
      if times == 1 {
        #expect(end.status.done == 1)
        #expect(try fixture.bytes("down/small") == fixture.bytes("up.bin"))
      } else {
        #expect(end.status.failed == 1)
        #expect(await engine.failures(of: id).first?.end.error?.kind == .damaged)
        #expect(
          try FileManager.default.contentsOfDirectory(
            atPath: fixture.local.path.appending("down").string
          ).isEmpty)
      }
    }
  }

  @Test(
    "What was left of a small object goes with its download, unless it is known that nothing was")
  func leftOfSmall() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("p/small")
      let down = try LocalFolder(in: "/dev/shm")
      func leave() async throws {
        try await DownloadFolder.open(down.path).target(
          RelativeName(ObjectKey("small")), size: nil, existing: .overwrite
        ).keep()
        #expect(try down.names().count { $0.hasSuffix(".part") } == 1)
      }
      let engine = fixture.service.transfers
      try await leave()
      let summary = ObjectSummary(key: ObjectKey("p/small"), size: ByteCount(7))
      let one = try await start(
        TransferRequest(
          .download(
            fixture.location("p/small"), summary: summary, folder: down.path,
            name: ObjectKey("small"))), fixture)
      _ = try await engine.result(of: one)
      #expect(try down.names() == ["small"])

      try FileManager.default.removeItem(atPath: down.path.appending("small").string)
      try await leave()
      // The journal knows of nothing.
      let tree = await engine.enqueue(
        TransferTree(
          .download(
            bucket: fixture.bucket, KeySelection(prefix: ObjectKey("p/")),
            dropping: ObjectKey("p/"), folder: down.path), ifExists: .overwrite))
      #expect(await engine.treeEnd(of: tree).status.done == 1)
      #expect(try down.content("small") == "content")
      #expect(try down.names().count == 2)
    }
  }

  @Test("The type is guessed from the name unless one is given")
  func contentType() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("page.html", size: 10)
      _ = try await fixture.service.upload(file, to: fixture.location("guessed"))
      _ = try await fixture.service.upload(
        file, to: fixture.location("given"),
        attributes: ObjectAttributes(contentType: "text/x-special"))
      #expect(
        try await fixture.service.details(fixture.location("guessed")).contentType
          == ContentType.guess(fileName: "page.html"))
      #expect(
        try await fixture.service.details(fixture.location("given")).contentType
          == "text/x-special")
    }
  }

  // MARK: - Cancelling

  @Test("Cancelling an upload in parts leaves no upload and no object, and aborts on the record")
  func cancelParts() async throws {
    try await ServerFixture.with { fixture in
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if SentRequest(request).query["partNumber"] == "2" { await gate.pass() }
      }
      let file = try fixture.file("up.bin", size: 16 * Self.mebibyte)
      let id = try await start(
        .upload(file, to: fixture.location("up.bin"), attributes: .init()), fixture)
      await gate.arrived()
      #expect(try await fixture.uploads().count == 1)
      await fixture.service.transfers.cancel(id)
      await expectCancelled(id, fixture)
      #expect(try await fixture.uploads().isEmpty)
      #expect(try await fixture.keys().isEmpty)
      let rows = try await fixture.rows()
      #expect(rows.map(\.action) == [.abortUpload, .upload])
      #expect(rows.map(\.outcome) == [.done, .cancelled])
    }
  }

  @Test("An upload whose creation is answered after the cancellation is aborted")
  func cancelWhileCreating() async throws {
    try await ServerFixture.with { fixture in
      let gate = Gate()
      fixture.transport.afterEach { request in
        if SentRequest(request).isCreateUpload { await gate.passUncancelled() }
      }
      let file = try fixture.file("up.bin", size: 6 * Self.mebibyte)
      let id = try await start(
        .upload(file, to: fixture.location("up.bin"), attributes: .init()), fixture)
      await gate.arrived()
      await fixture.service.transfers.cancel(id)
      #expect(await fixture.service.transfers.status().first?.state == .cancelling)
      gate.open()
      await expectCancelled(id, fixture)
      #expect(try await fixture.uploads().isEmpty)
      #expect(fixture.transport.sent.count(where: \.isAbortUpload) == 1)
      #expect(fixture.transport.sent.count(where: \.isPart) == 0)
    }
  }

  @Test("A small upload that is cancelled before it is sent has a row that says so")
  func cancelSmall() async throws {
    try await ServerFixture.with { fixture in
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if request.method == .put { await gate.pass() }
      }
      let file = try fixture.file("up.bin", size: 100)
      let id = try await start(
        .upload(file, to: fixture.location("up.bin"), attributes: .init()), fixture)
      await gate.arrived()
      await fixture.service.transfers.cancel(id)
      await expectCancelled(id, fixture)
      #expect(try await fixture.rows().map(\.outcome) == [.cancelled])
      #expect(try await fixture.keys().isEmpty)
    }
  }

  @Test("Cancelling a download removes its partial file")
  func cancelDownload() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("big.bin", content: ServerFixture.bytes(11 * Self.mebibyte))
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if request.headers["Range"]?.hasPrefix("bytes=5242880-") == true { await gate.pass() }
      }
      let id = try await start(
        .download(fixture.location("big.bin"), into: fixture.local.path.appending("down")),
        fixture)
      await gate.arrived()
      #expect(try fixture.localNames().contains { $0.hasSuffix(".part") })
      await fixture.service.transfers.cancel(id)
      await expectCancelled(id, fixture)
      #expect(try fixture.localNames() == ["down"])
    }
  }

  @Test("A transfer that waits is cancelled at once, and can be tried again")
  func cancelWaiting() async throws {
    var settings = TransferSettings.small
    settings.concurrentTransfers = 1
    try await ServerFixture.with(settings: settings) { fixture in
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if request.method == .put { await gate.pass() }
      }
      let engine = fixture.service.transfers
      let file = try fixture.file("up.bin", size: 100)
      let ids = await engine.enqueue(
        ["one", "two"].map {
          .upload(file, to: fixture.location($0), attributes: .init(), ifExists: .overwrite)
        })
      await gate.arrived()
      #expect(await engine.status().map(\.state) == [.running, .waiting])
      await engine.cancel(ids[1])
      #expect(await engine.status().map(\.state) == [.running, .cancelled])
      await engine.retry(ids[1])
      gate.open()
      for id in ids { _ = try await engine.result(of: id) }
      #expect(try await fixture.keys() == ["one", "two"])
      await engine.clearFinished()
      #expect(await engine.status().isEmpty)
    }
  }

  // Far below a second, unless the queue is gone through for each one that waits.
  @Test("All that wait are cancelled together, however many", .timeLimit(.minutes(5)))
  func cancelAll() async throws {
    var settings = TransferSettings.small
    settings.concurrentTransfers = 1
    try await ServerFixture.with(settings: settings) { fixture in
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if request.method == .put { await gate.pass() }
      }
      let engine = fixture.service.transfers
      let file = try fixture.file("up.bin", size: 100)
      let request = TransferRequest.upload(
        file, to: fixture.location("up.bin"), attributes: .init(), ifExists: .overwrite)
      await engine.enqueue(Array(repeating: request, count: 50_000))
      await gate.arrived()
      await engine.cancelAll()
      #expect(await engine.status().allSatisfy { $0.state == .cancelled })
      #expect(try await fixture.keys().isEmpty)
      #expect(try await fixture.rows().count == 1)
    }
  }

  // MARK: - Changes underneath

  @Test("A file that changes between its parts is noticed, and nothing of it is kept")
  func sourceChanges() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("up.bin", size: 11 * Self.mebibyte)
      fixture.transport.afterEach { request in
        guard SentRequest(request).isCreateUpload else { return }
        #expect(throws: Never.self) {
          // Of the same size: nothing but the time and the file itself tells.
          try fixture.local.write(
            "up.bin", bytes: Array(repeating: 7, count: Int(11 * Self.mebibyte)))
        }
      }
      await #expect {
        _ = try await fixture.service.upload(file, to: fixture.location("up.bin"))
      } throws: { error in
        (error as? StorageError)?.kind == .fileChanged
      }
      #expect(try await fixture.uploads().isEmpty)
      #expect(try await fixture.keys().isEmpty)
      let row = try #require(try await fixture.rows(.upload).first)
      #expect(row.outcome == .failed && row.errorCode == "SourceChanged")
    }
  }

  @Test("A file that changes while it waits for its turn is not sent")
  func sourceChangesWhileWaiting() async throws {
    var settings = TransferSettings.small
    settings.concurrentRequests = 1
    try await ServerFixture.with(settings: settings) { fixture in
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if request.method == .put { await gate.pass() }
      }
      let engine = fixture.service.transfers
      let first = try fixture.file("first.bin", size: 100)
      let second = try fixture.file("second.bin", size: 100)
      let ids = await engine.enqueue([
        .upload(first, to: fixture.location("first"), attributes: .init(), ifExists: .overwrite)
      ])
      await gate.arrived()
      let later = await engine.enqueue([
        .upload(second, to: fixture.location("second"), attributes: .init(), ifExists: .overwrite)
      ])
      // Once it has a size the file is open.
      for await statuses in engine.updates() where statuses.last?.total != nil { break }
      try fixture.local.write("second.bin", bytes: Array("another, and longer".utf8))
      gate.open()
      for id in ids { _ = try await engine.result(of: id) }
      await #expect {
        for id in later { _ = try await engine.result(of: id) }
      } throws: { error in
        (error as? StorageError)?.kind == .fileChanged
      }
      #expect(try await fixture.keys() == ["first"])
      let row = try #require(try await fixture.rows().first)
      #expect(row.key == ObjectKey("second") && row.outcome == .failed)
      #expect(row.errorCode == "SourceChanged")
      #expect(fixture.transport.sentChanges.map(\.key) == [ObjectKey("first")])
    }
  }

  @Test("A part whose file changes once it is digested, before its turn, is not sent")
  func sourceChangesOnceDigested() async throws {
    var settings = TransferSettings.small
    settings.concurrentRequests = 1
    try await ServerFixture.with(settings: settings) { fixture in
      let size = 11 * Self.mebibyte
      let file = try fixture.file("up.bin", size: size)
      fixture.transport.afterEach { request in
        guard request.method == .put else { return }
        #expect(throws: Never.self) {
          try fixture.local.write("up.bin", bytes: Array(repeating: 7, count: Int(size)))
        }
      }
      await #expect {
        _ = try await fixture.service.upload(file, to: fixture.location("up.bin"))
      } throws: { error in
        (error as? StorageError)?.kind == .fileChanged
      }
      #expect(fixture.transport.sentChanges.filter { $0.method == .put }.count == 1)
      #expect(try await fixture.uploads().isEmpty)
      #expect(try await fixture.rows(.upload).first?.errorCode == "SourceChanged")
    }
  }

  @Test("An object that is replaced between its ranges is noticed, and no file is left")
  func objectChanges() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("big.bin", content: ServerFixture.bytes(11 * Self.mebibyte))
      let replacement = ServerFixture.bytes(11 * Self.mebibyte, seed: 2)
      fixture.transport.afterEach { request in
        guard request.method == .head else { return }
        await #expect(throws: Never.self) {
          try await fixture.put("big.bin", content: replacement)
        }
      }
      await #expect {
        _ = try await fixture.service.download(
          fixture.location("big.bin"), into: fixture.local.path.appending("down"))
      } throws: { error in
        (error as? StorageError)?.kind == .objectChanged
      }
      #expect(try fixture.localNames() == ["down"])
    }
  }

  // MARK: - What is there already

  @Test("An existing object is overwritten, skipped, kept beside a new one, or refused")
  func existingObject() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("a/data.csv")
      let file = try fixture.file("data.csv", size: 10)
      let location = fixture.location("a/data.csv")

      let skipped = try await fixture.service.upload(file, to: location, ifExists: .skip)
      #expect(skipped.isSkipped)
      await #expect {
        _ = try await fixture.service.upload(file, to: location, ifExists: .fail)
      } throws: { error in
        (error as? StorageError)?.kind == .alreadyExists
      }
      #expect(fixture.transport.sentChanges.isEmpty)
      #expect(try await fixture.rows().isEmpty)

      let renamed = try await fixture.service.upload(file, to: location, ifExists: .rename)
      #expect(renamed.location.key == ObjectKey("a/data (1).csv"))
      let again = try await fixture.service.upload(file, to: location, ifExists: .rename)
      #expect(again.location.key == ObjectKey("a/data (2).csv"))
      // As one is resumed that had the name which somebody else has taken since.
      let resumed = try await fixture.service.upload(
        file, to: again.location, ifExists: .rename)
      #expect(resumed.location.key == ObjectKey("a/data (3).csv"))
      try await fixture.put("a/other (1).csv")
      let other = try await fixture.service.upload(
        file, to: fixture.location("a/other (1).csv"), ifExists: .rename)
      #expect(other.location.key == ObjectKey("a/other (1) (1).csv"))
      #expect(try await fixture.service.details(location).size == ByteCount(7))
      _ = try await fixture.service.upload(file, to: location, ifExists: .overwrite)
      #expect(try await fixture.service.details(location).size == ByteCount(10))
    }
  }

  @Test("An object that appears between the question and the write is not overwritten")
  func existingObjectAppears() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("data.csv", size: 10)
      fixture.transport.afterEach { request in
        guard request.method == .head else { return }
        await #expect(throws: Never.self) { try await fixture.put("data.csv") }
      }
      await #expect {
        _ = try await fixture.service.upload(
          file, to: fixture.location("data.csv"), ifExists: .fail)
      } throws: { error in
        (error as? StorageError)?.kind == .alreadyExists
      }
      #expect(try await fixture.service.details(fixture.location("data.csv")).size == ByteCount(7))
      let row = try #require(try await fixture.rows().first)
      #expect(row.outcome == .failed && row.errorCode == "PreconditionFailed")
    }
  }

  @Test("An existing file is skipped, kept beside a new one, or overwritten")
  func existingFile() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("data.csv")
      let folder = try fixture.local.makeFolder("down")
      try fixture.local.write("down/data.csv", "mine")
      let object = fixture.location("data.csv")
      #expect(
        try await fixture.service.download(object, into: folder, ifExists: .skip).isSkipped)
      let renamed = try await fixture.service.download(object, into: folder, ifExists: .rename)
      #expect(renamed.localPath == folder.appending("data (1).csv"))
      #expect(try fixture.local.content("down/data.csv") == "mine")
      _ = try await fixture.service.download(object, into: folder, ifExists: .overwrite)
      #expect(try fixture.local.content("down/data.csv") == "content")
    }
  }

  @Test("A key that leads out of the folder is refused before anything is asked")
  func escapingName() async throws {
    try await ServerFixture.with { fixture in
      await #expect {
        _ = try await fixture.service.download(
          fixture.location("x"), into: fixture.local.path.appending("down"),
          name: ObjectKey("../../x"))
      } throws: { error in
        (error as? StorageError)?.kind == .localFile
      }
      #expect(fixture.transport.sent.isEmpty)
    }
  }

  // MARK: - Telling

  @Test("Listeners see a transfer from its start to its end, whole numbers last")
  func updates() async throws {
    try await ServerFixture.with { fixture in
      let engine = fixture.service.transfers
      let file = try fixture.file("up.bin", size: 11 * Self.mebibyte)
      let updates = engine.updates()
      await engine.enqueue([
        .upload(file, to: fixture.location("a/up.bin"), attributes: .init())
      ])
      var last: TransferStatus?
      for await statuses in updates {
        let status = try #require(statuses.first)
        #expect(status.name == Array("up.bin".utf8))
        #expect(status.moved.bytes >= 0)
        if let total = status.total { #expect(status.moved <= total) }
        last = status
        if status.state.isOver { break }
      }
      let status = try #require(last)
      guard case .finished(let result) = status.state else {
        Issue.record("it ended as \(status.state)")
        return
      }
      #expect(result.size == .mebibytes(11))
      #expect(status.moved == .mebibytes(11) && status.total == .mebibytes(11))
    }
  }

  @Test("No more requests with bodies run at once than allowed, over all transfers")
  func requestLimit() async throws {
    var settings = TransferSettings.small
    settings.concurrentRequests = 2
    try await ServerFixture.with(settings: settings) { fixture in
      let load = Load()
      fixture.transport.beforeEach { if $0.body.count > 1_000_000 { await load.begin() } }
      fixture.transport.afterEach { if $0.body.count > 1_000_000 { await load.end() } }
      let engine = fixture.service.transfers
      let file = try fixture.file("up.bin", size: 11 * Self.mebibyte)
      let ids = await engine.enqueue(
        (0..<3).map {
          .upload(file, to: fixture.location("\($0)"), attributes: .init())
        })
      for id in ids { _ = try await engine.result(of: id) }
      #expect(await load.highest == 2)
    }
  }

  // MARK: - Helpers

  private func start(
    _ request: TransferRequest, _ fixture: ServerFixture
  ) async throws -> TransferID {
    var request = request
    request.ifExists = .overwrite
    return try #require(await fixture.service.transfers.enqueue([request]).first)
  }

  private func expectCancelled(
    _ id: TransferID, _ fixture: ServerFixture, sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    await #expect(sourceLocation: sourceLocation) {
      _ = try await fixture.service.transfers.result(of: id)
    } throws: { error in
      (error as? StorageError)?.isCancellation == true
    }
    #expect(
      await fixture.service.transfers.status().first { $0.id == id }?.state == .cancelled,
      sourceLocation: sourceLocation)
  }
}

/// How many are between `begin` and `end`.
private actor Load {
  private var current = 0
  private(set) var highest = 0

  func begin() {
    current += 1
    highest = max(highest, current)
  }

  func end() {
    current -= 1
  }
}

extension TreeOutcome.End {
  fileprivate var error: StorageError? {
    if case .failed(let error) = self { error } else { nil }
  }
}
