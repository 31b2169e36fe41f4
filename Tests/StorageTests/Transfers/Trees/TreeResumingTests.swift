import HTTP
import History
import S3
import Storage
import SystemPackage
import Testing

@Suite("Resuming trees")
struct TreeResumingTests {
  private func upload(
    _ fixture: ServerFixture, _ attributes: ObjectAttributes = ObjectAttributes(),
    ifExists: TransferRequest.ExistingDestination = .overwrite
  ) -> TransferTree {
    TransferTree(
      .upload(
        folder: fixture.local.path.appending("up"), bucket: fixture.bucket,
        prefix: ObjectKey("p/"), attributes: attributes), ifExists: ifExists)
  }

  private func download(
    _ fixture: ServerFixture, ifExists: TransferRequest.ExistingDestination
  ) -> TransferTree {
    TransferTree(
      .download(
        bucket: fixture.bucket, KeySelection(prefix: ObjectKey("p/")), dropping: ObjectKey("p/"),
        folder: fixture.local.path.appending("down")), ifExists: ifExists)
  }

  /// Runs a tree of which only the files `0` to `4` get through, and stops it so that it can be
  /// resumed.
  private func leave(_ tree: TransferTree, _ fixture: ServerFixture) async throws -> JournalEntry {
    let service = fixture.nextRun()
    let gate = Gate()
    fixture.transport.beforeEach { request in
      let sent = SentRequest(request)
      if let last = sent.key.bytes.last, last >= UInt8(ascii: "5"), sent.method != .head {
        await gate.pass()
      }
    }
    let id = await service.transfers.enqueue(tree)
    for await statuses in service.transfers.updates() {
      if statuses.first(where: { $0.id == id })?.tree?.done == 5 { break }
    }
    #expect(await service.transfers.stopResumably() == StoppedTransfers(kept: 1))
    fixture.transport.beforeEach { _ in }
    let entries = try await service.unfinishedTransfers()
    #expect(entries.count == 1)
    return try #require(entries.first)
  }

  /// Goes on in what is as another run of the program.
  ///
  /// - Returns: the keys of which the body moved, in order, and how the tree ended.
  private func resume(
    _ entry: JournalEntry, _ method: HTTPMethod, _ fixture: ServerFixture
  ) async throws -> (moved: [String], status: TreeStatus) {
    let service = fixture.nextRun()
    let before = fixture.transport.sent.count
    let id = try #require(await service.transfers.resume(entry))
    let (status, stop) = await service.transfers.treeEnd(of: id)
    #expect(stop == nil)
    #expect(try await service.unfinishedTransfers().isEmpty)
    let moved = fixture.transport.sent[before...].filter {
      !$0.key.isEmpty && $0.method == method
    }
    return (moved.map(\.key.text).sorted(), status)
  }

  private func content(_ number: Int) -> String { "content \(number)" }

  @Test("A folder that was stopped goes on with the files that are missing or have changed")
  func upload() async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<10 { try fixture.local.write("up/\(number)", content(number)) }
      let entry = try await leave(upload(fixture), fixture)
      #expect(entry.request.tree != nil && entry.state == .stopped)
      // As long as before, so that only its content tells.
      try fixture.local.write("up/3", "CONTENT 3")
      let (moved, status) = try await resume(entry, .put, fixture)
      #expect(moved == ["p/3", "p/5", "p/6", "p/7", "p/8", "p/9"])
      #expect(status.done == 10 && status.failed == 0)
      _ = try await fixture.service.download(
        fixture.location("p/3"), into: fixture.local.path.appending("check"))
      #expect(try fixture.local.content("check/3") == "CONTENT 3")
    }
  }

  @Test("What a run of before has written is not taken for what is to be stored in another way")
  func otherAttributes() async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<10 { try fixture.local.write("up/\(number)", content(number)) }
      _ = try await leave(upload(fixture), fixture)
      let other = upload(fixture, ObjectAttributes(cacheControl: "no-store"))
      let service = fixture.nextRun()
      let id = await service.transfers.enqueue(other)
      #expect(await service.transfers.treeEnd(of: id).status.done == 10)
      for number in 0..<10 {
        let details = try await fixture.service.details(fixture.location("p/\(number)"))
        #expect(details.cacheControl == "no-store")
      }
    }
  }

  @Test("What it has made itself is not in its way, however existing objects are dealt with")
  func ownObjects() async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<10 { try fixture.local.write("up/\(number)", content(number)) }
      try await fixture.put("p/2")
      let entry = try await leave(upload(fixture, ifExists: .rename), fixture)
      let (moved, status) = try await resume(entry, .put, fixture)
      #expect(moved == ["p/5", "p/6", "p/7", "p/8", "p/9"])
      #expect(status.done == 10 && status.skipped == 0 && status.failed == 0)
      #expect(try await fixture.keys().count == 11)
    }
  }

  @Test(
    "A prefix that was stopped goes on with what is missing or has changed",
    arguments: [TransferRequest.ExistingDestination.overwrite, .rename])
  func download(ifExists: TransferRequest.ExistingDestination) async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<10 {
        try await fixture.put("p/\(number)", content: Array(content(number).utf8))
      }
      try fixture.local.write("down/2", "mine")
      let entry = try await leave(download(fixture, ifExists: ifExists), fixture)
      try fixture.local.write("down/3", "CONTENT 3")
      let (moved, status) = try await resume(entry, .get, fixture)
      #expect(moved == ["p/3", "p/5", "p/6", "p/7", "p/8", "p/9"])
      #expect(status.done == 10)
      for number in [0, 1, 4, 5, 9] {
        #expect(try fixture.local.content("down/\(number)") == content(number))
      }
      if ifExists == .rename {
        #expect(try fixture.local.content("down/2") == "mine")
        #expect(try fixture.local.content("down/2 (1)") == content(2))
      }
    }
  }

  @Test("Two runs do not work on the same folder at once", .timeLimit(.minutes(5)))
  func lease() async throws {
    try await ServerFixture.with { fixture in
      try fixture.local.write("up/0")
      let gate = Gate()
      // The first run alone: a second one that should not be there comes to its end.
      let held = Countdown(1)
      fixture.transport.beforeEach { if $0.method == .put, held.next() { await gate.pass() } }
      let (first, second) = (fixture.nextRun(), fixture.nextRun())
      let id = await first.transfers.enqueue(upload(fixture))
      await gate.arrived()
      let other = await second.transfers.enqueue(upload(fixture))
      #expect(await second.transfers.treeEnd(of: other).stoppedBy?.kind == .inUse)
      gate.open()
      #expect(await first.transfers.treeEnd(of: id).status.done == 1)
      #expect(try await first.unfinishedTransfers().isEmpty)
    }
  }

  @Test("A folder that was cancelled, or of which one file was refused, is not offered again")
  func noTraces() async throws {
    try await ServerFixture.with { fixture in
      try fixture.local.write("up/0")
      let gate = Gate()
      fixture.transport.beforeEach { if $0.method == .put { await gate.pass() } }
      let service = fixture.nextRun()
      let id = await service.transfers.enqueue(upload(fixture))
      await gate.arrived()
      #expect(try await service.unfinishedTransfers().count == 1)
      await service.transfers.cancel(id)
      _ = await service.transfers.treeEnd(of: id)
      #expect(try await service.unfinishedTransfers().isEmpty)
    }
  }

  @Test("Giving up a folder gives up the large files in it as well")
  func abort() async throws {
    try await ServerFixture.with { fixture in
      try fixture.local.write("up/0")
      _ = try fixture.file("up/1", size: 11 << 20)
      let service = fixture.nextRun()
      let gate = Gate()
      fixture.transport.beforeEach { request in
        if SentRequest(request).query["partNumber"] == "2" { await gate.pass() }
      }
      await service.transfers.enqueue(upload(fixture))
      await gate.arrived()
      await service.transfers.stopResumably()
      fixture.transport.beforeEach { _ in }
      let later = fixture.nextRun()
      let entries = try await later.unfinishedTransfers()
      #expect(entries.count == 1 && entries.first?.request.tree != nil)
      #expect(try await fixture.uploads().count == 1)
      #expect(try await later.unfinishedUploads(in: fixture.bucket).isEmpty)
      for entry in entries { try await later.abort(entry) }
      #expect(try await fixture.uploads().isEmpty)
      #expect(try await later.unfinishedTransfers().isEmpty)
    }
  }
}
