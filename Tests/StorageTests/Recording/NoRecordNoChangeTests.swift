import HTTP
import History
import S3
import Storage
import Synchronization
import SystemPackage
import Testing

/// Asks the history, through a connection of its own, at the moment at which a request is sent.
///
/// What another connection sees is committed, and the history's own tests prove that a commit is on
/// the disk.
private final class Inspector: Sendable {
  private struct Row: Hashable {
    var action: ChangeAction
    var key: ObjectKey?
  }

  private let reader: HistoryStore
  private let checked = Mutex(0)

  init(_ fixture: ServerFixture) async throws {
    reader = try await HistoryStore.open(path: fixture.historyPath)
    fixture.transport.beforeEach { [self] request in await check(SentRequest(request)) }
  }

  /// Changing requests that were looked at.
  var count: Int { checked.withLock { $0 } }

  private func check(_ request: SentRequest) async {
    guard request.isChange else { return }
    checked.withLock { $0 += 1 }
    do {
      let open = try await reader.page(HistoryQuery(), limit: 5_000)
        .filter { $0.outcome == .started && $0.bucket.text == request.bucket }
      let missing = Set(Self.rows(for: request))
        .subtracting(open.map { Row(action: $0.action, key: $0.key) })
      #expect(
        missing.isEmpty,
        "\(request.method) of \(request.key.text) was sent with \(missing.count) rows missing")
    } catch {
      Issue.record("the history could not be read: \(error)")
    }
  }

  private static func rows(for request: SentRequest) -> [Row] {
    if request.query["delete"] != nil {
      #expect(!request.listedKeys.isEmpty)
      return request.listedKeys.map { Row(action: .delete, key: ObjectKey($0)) }
    }
    if request.isAbortUpload { return [Row(action: .abortUpload, key: request.key)] }
    if request.key.isEmpty {
      return [Row(action: request.method == .put ? .createBucket : .deleteBucket, key: nil)]
    }
    return [Row(action: request.method == .delete ? .delete : .upload, key: request.key)]
  }
}

@Suite("No record, no change")
struct NoRecordNoChangeTests {
  @Test("Each request that changes something finds its row on the disk")
  func rowsComeFirst() async throws {
    try await ServerFixture.with { fixture in
      let inspector = try await Inspector(fixture)
      let service = fixture.service
      let name = BucketName("\(fixture.bucket)-b")
      try await service.createBucket(name)
      try await service.removeBucket(name)
      try await service.createPrefixMarker(bucket: fixture.bucket, key: ObjectKey("p/"))

      let small = try fixture.file("small", size: 10)
      let large = try fixture.file("large", size: 11 << 20)
      _ = try await service.upload(small, to: fixture.location("small"))
      _ = try await service.upload(large, to: fixture.location("large"), ifExists: .fail)
      for number in 0..<1_100 { try await fixture.put("p/\(number)", content: []) }
      let report = try await service.delete(
        [.prefix(ObjectKey("p/")), .object(ObjectKey("small"))], in: fixture.bucket,
        confirmedAt: .now())
      #expect(report.deleted == 1_102)

      _ = try await fixture.outside.createMultipartUpload(
        fixture.location("left"), attributes: ObjectAttributes())
      _ = try await service.emptyAndRemoveBucket(fixture.bucket)
      // Buckets and marker 3, uploads 1 and 5, batches 2 and a single object 1; then the abortion,
      // the large object and the bucket.
      #expect(inspector.count == fixture.transport.sentChanges.count)
      #expect(inspector.count == 3 + 1 + 5 + 3 + 3)
      let rows = try await fixture.rows()
      #expect(rows.allSatisfy { $0.outcome == .done })
      #expect(rows.count(where: { $0.action == .delete }) == 1_103)
    }
  }

  @Test("The rows of a cancelled upload come first as well")
  func abortionIsRecordedFirst() async throws {
    try await ServerFixture.with { fixture in
      let inspector = try await Inspector(fixture)
      let gate = Gate()
      fixture.transport.afterEach { request in
        if SentRequest(request).isCreateUpload { await gate.passUncancelled() }
      }
      let file = try fixture.file("large", size: 6 << 20)
      let engine = fixture.service.transfers
      let ids = await engine.enqueue([
        .upload(file, to: fixture.location("large"), attributes: ObjectAttributes())
      ])
      await gate.arrived()
      for id in ids { await engine.cancel(id) }
      gate.open()
      await engine.cancelAll()
      #expect(inspector.count == 2)
      #expect(fixture.transport.sent.count(where: \.isAbortUpload) == 1)
    }
  }

  @Test("When the history cannot be written, nothing is sent")
  func refusedWithoutHistory() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("kept")
      try fixture.history.close()
      try await expectEveryChangeRefused(.history, fixture)
      await expectRefusal(.history) {
        _ = try await fixture.service.presign(
          .get, fixture.location("kept"), expires: .seconds(60))
      }
      #expect(fixture.transport.sentChanges.isEmpty)
      #expect(try await fixture.keys() == ["kept"])
    }
  }

  @Test("One object that the history cannot take is named, and not its bucket")
  func refusedObject() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("kept")
      try fixture.history.close()
      await #expect {
        _ = try await fixture.service.delete(
          [.object(ObjectKey("kept"))], in: fixture.bucket, confirmedAt: .now())
      } throws: { error in
        (error as? StorageError)?.message.hasPrefix("s3://\(fixture.bucket)/kept was left alone")
          == true
      }
    }
  }

  @Test("Read-only mode refuses every change before anything is recorded or sent")
  func readOnly() async throws {
    try await ServerFixture.with(isReadOnly: true) { fixture in
      try await fixture.put("kept")
      try await expectEveryChangeRefused(.readOnly, fixture)
      #expect(fixture.transport.sent.isEmpty)
      #expect(try await fixture.rows().isEmpty)

      // A URL for reading is recorded, and changes nothing.
      let kept = fixture.location("kept")
      _ = try await fixture.service.presign(.get, kept, expires: .seconds(60))
      #expect(try await fixture.rows().map(\.action) == [.presign])
      _ = try await fixture.service.download(kept, into: fixture.local.path.appending("down"))
      #expect(try fixture.local.content("down/kept") == "content")
    }
  }

  @Test("When only the outcome cannot be written, the change stands and that is said")
  func outcomeUnrecorded() async throws {
    try await ServerFixture.with { fixture in
      let file = try fixture.file("file", size: 10)
      fixture.transport.afterEach { request in
        guard SentRequest(request).isChange else { return }
        #expect(throws: Never.self) { try fixture.history.close() }
      }
      let result = try await fixture.service.upload(file, to: fixture.location("file"))
      #expect(result.warning?.kind == .outcomeUnrecorded)
      #expect(try await fixture.keys() == ["file"])
      let reader = try await HistoryStore.open(path: fixture.historyPath)
      #expect(try await reader.page(HistoryQuery(), limit: 10).map(\.outcome) == [.started])
    }
  }

  private func expectEveryChangeRefused(
    _ kind: StorageError.Kind, _ fixture: ServerFixture
  ) async throws {
    let service = fixture.service
    let kept = fixture.location("kept")
    let small = try fixture.file("small", size: 10)
    let large = try fixture.file("large", size: 6 << 20)
    await expectRefusal(kind) {
      _ = try await service.createBucket(BucketName("\(fixture.bucket)-b"))
    }
    await expectRefusal(kind) { _ = try await service.removeBucket(fixture.bucket) }
    await expectRefusal(kind) {
      _ = try await service.createPrefixMarker(bucket: fixture.bucket, key: ObjectKey("p/"))
    }
    await expectRefusal(kind) {
      _ = try await service.delete([.prefix(.empty)], in: fixture.bucket, confirmedAt: .now())
    }
    await expectRefusal(kind) { _ = try await service.emptyAndRemoveBucket(fixture.bucket) }
    await expectRefusal(kind) {
      _ = try await service.emptyAndRemoveBucket(
        fixture.bucket, expectedOwner: AccountID("111122223333"))
    }
    for file in [small, large] {
      await expectRefusal(kind) { _ = try await service.upload(file, to: kept) }
    }
    await expectRefusal(kind) {
      _ = try await service.presign(.put, kept, expires: .seconds(60))
    }
  }

  private func expectRefusal(
    _ kind: StorageError.Kind, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: () async throws -> Void
  ) async {
    await #expect(sourceLocation: sourceLocation) {
      try await change()
    } throws: { error in
      (error as? StorageError)?.kind == kind
    }
  }
}
