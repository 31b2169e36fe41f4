import HTTP
import History
import S3
import Storage
import Synchronization
import SystemPackage
import Testing

@Suite("Deleting")
struct DeletingTests {
  @Test("Deleting a prefix takes exactly the keys that begin with it")
  func prefix() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("foo/a", "foo/b/c", "foobar", "foo", "fo", "zfoo/a")
      let seen = Mutex<[DeletionProgress]>([])
      let report = try await fixture.service.delete(
        [.prefix(ObjectKey("foo/"))], in: fixture.bucket, confirmedAt: .now()
      ) { progress in
        seen.withLock { $0.append(progress) }
      }
      #expect(report == DeletionReport(deleted: 2, bytes: ByteCount(14)))
      #expect(try await fixture.keys() == ["fo", "foo", "foobar", "zfoo/a"])
      #expect(seen.withLock { $0.last } == DeletionProgress(deleted: 2))
      let rows = try await fixture.rows()
      #expect(rows.map { $0.key?.text } == ["foo/b/c", "foo/a"])
      #expect(rows.allSatisfy { $0.action == .delete && $0.outcome == .done })
      #expect(rows.allSatisfy { $0.size == ByteCount(7) && $0.author.user == "ana" })
    }
  }

  @Test("A deletion that is sent again says so, until it has succeeded", arguments: [false, true])
  func retries(ofBucket: Bool) async throws {
    let policy = RetryPolicy(
      maxAttempts: 3, base: .milliseconds(1), cap: .milliseconds(1), deadline: .seconds(5))
    try await ServerFixture.with(retryPolicy: policy) { fixture in
      try await fixture.put("foo/a", "foo/b")
      let countdown = Countdown(1)
      fixture.transport.changeAnswers { request, response in
        guard !request.listedKeys.isEmpty, countdown.next() else { return response }
        return .refusal(503, "SlowDown")
      }
      let shown = Mutex<[String?]>([])
      let service = fixture.service.tellingRetries(
        to: Retries { status in shown.withLock { $0.append(status?.words) } })
      let report =
        ofBucket
        ? try await service.emptyAndRemoveBucket(fixture.bucket)
        : try await service.delete(
          [.prefix(ObjectKey("foo/"))], in: fixture.bucket, confirmedAt: .now())
      #expect(report.deleted == 2 && report.failed == 0)
      #expect(shown.withLock { $0 } == ["retrying 2/3: SlowDown", nil])
    }
  }

  @Test("Objects that a batch could not take just now go with the next, each with one outcome")
  func singleRefusals() async throws {
    let policy = RetryPolicy(
      maxAttempts: 3, base: .milliseconds(1), cap: .milliseconds(1), deadline: .seconds(5))
    try await ServerFixture.with(retryPolicy: policy) { fixture in
      try await fixture.put("p/a", "p/b", "p/c")
      let countdown = Countdown(1)
      fixture.transport.answerInPlace { request in
        guard request.listedKeys.count == 3, countdown.next() else { return nil }
        return .success(
          "<DeleteResult>"
            + request.listedKeys.map {
              "<Error><Key>\($0)</Key><Code>InternalError</Code><Message>Try again.</Message></Error>"
            }.joined() + "</DeleteResult>")
      }
      let report = try await fixture.service.delete(
        [.prefix(ObjectKey("p/"))], in: fixture.bucket, confirmedAt: .now())
      #expect(report.deleted == 3 && report.failed == 0)
      #expect(try await fixture.keys() == [])
      let rows = try await fixture.rows()
      #expect(rows.count == 3 && rows.allSatisfy { $0.outcome == .done })
    }
  }

  @Test("Counting tells objects and bytes of prefixes and of single objects, each once")
  func count() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("foo/a", "foo/b/c", "foobar", "other")
      let count = try await fixture.service.count(
        [
          .prefix(ObjectKey("foo/")), .prefix(ObjectKey("foo/b/")), .object(ObjectKey("foo/a")),
          .object(ObjectKey("other")), .object(ObjectKey("gone")),
        ], in: fixture.bucket)
      #expect(count == DeletionCount(objects: 3, bytes: ByteCount(21), isComplete: true))
    }
  }

  @Test("Selections take what they contain, once where they overlap, and nothing beside it")
  func selections() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("l/a.gz", "l/a.txt", "l/x/b.gz", "l/x/c.gz", "la.gz", "m/a.gz")
      let exclude = KeyFilter([.init(KeyPattern("*c*"), isIncluded: false)])
      let report = try await fixture.service.delete(
        [
          .selection(KeySelection(KeyPattern("l/*.gz"), filter: exclude)),
          .selection(KeySelection(KeyPattern("l/x/*b*"))), .object(ObjectKey("l/a.gz")),
        ], in: fixture.bucket, confirmedAt: .now())
      #expect(report.deleted == 2 && report.failed == 0)
      #expect(try await fixture.keys() == ["l/a.txt", "l/x/c.gz", "la.gz", "m/a.gz"])
      #expect(try await fixture.rows().map { $0.key?.text } == ["l/x/b.gz", "l/a.gz"])
    }
  }

  @Test("Many marked objects of one prefix are found by listing it")
  func manyMarked() async throws {
    try await ServerFixture.with { fixture in
      for number in 100..<200 { try await fixture.put("p/\(number)", content: []) }
      let marked = (100..<200).filter { $0 != 150 }.map {
        DeletionTarget.object(ObjectKey("p/\($0)"))
      }
      let report = try await fixture.service.delete(
        marked, in: fixture.bucket, confirmedAt: .now())
      #expect(report.deleted == 99)
      #expect(try await fixture.keys() == ["p/150"])
      #expect(fixture.transport.sent.count { $0.method == .head } == 0)
    }
  }

  @Test("A store without DeleteObjects has them deleted one by one, each recorded once")
  func withoutBatches() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("p/a", "p/b", "p/c", "q/a", "q/b")
      fixture.transport.answerInPlace { request in
        guard request.query["delete"] != nil else { return nil }
        return HTTPResponse(head: HTTPResponseHead(status: 405, headers: []))
      }
      for prefix in ["p/", "q/"] {
        let before = fixture.transport.sent.count
        fixture.transport.beforeEach { request in
          guard request.method == .delete else { return }
          // No record, no change.
          let rows = try? await fixture.rows()
          #expect(rows?.contains { request.url.hasSuffix($0.key?.text ?? "-") } == true)
        }
        let report = try await fixture.service.delete(
          [.prefix(ObjectKey(prefix))], in: fixture.bucket, confirmedAt: .now())
        #expect(report.failed == 0)
        let changes = fixture.transport.sent[before...].filter(\.isChange)
        #expect(changes.count { $0.query["delete"] != nil } == (prefix == "p/" ? 1 : 0))
        #expect(changes.count { $0.method == .delete } == (prefix == "p/" ? 3 : 2))
      }
      #expect(try await fixture.keys() == [])
      let rows = try await fixture.rows()
      #expect(rows.count == 5)
      #expect(rows.allSatisfy { $0.action == .delete && $0.outcome == .done })
    }
  }

  @Test("Objects that came after the confirmation are left and counted")
  func newer() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("p/a", "p/b", "c")
      let report = try await fixture.service.delete(
        [.prefix(ObjectKey("p/")), .object(ObjectKey("c"))], in: fixture.bucket,
        confirmedAt: Timestamp.now().advanced(by: .seconds(-60)))
      #expect(report == DeletionReport(leftNewer: 3))
      #expect(try await fixture.keys() == ["c", "p/a", "p/b"])
      #expect(try await fixture.rows().isEmpty)
    }
  }

  @Test("A server's clock is known from the very answer that lists what is to be deleted")
  func clockOfTheServer() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("p/a", "p/b")
      // Decades ahead of us, so that everything there is older than the confirmation.
      fixture.transport.changeAnswers { _, answer in
        var answer = answer
        answer.head.headers.removeAll { $0.name.lowercased() == "date" }
        answer.head.headers.append(HTTPHeader("Date", "Fri, 01 Jan 2100 00:00:00 GMT"))
        return answer
      }
      let report = try await fixture.service.delete(
        [.prefix(ObjectKey("p/"))], in: fixture.bucket,
        confirmedAt: Timestamp.now().advanced(by: .seconds(-60)))
      #expect(report.deleted == 2 && report.leftNewer == 0)
    }
  }

  @Test("An object of which the server cannot tell its age is not deleted")
  func unknownAge() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("a")
      fixture.transport.changeAnswers { request, answer in
        // Not one that is asked for again.
        request.method == .head
          ? HTTPResponse(head: HTTPResponseHead(status: 501, headers: [])) : answer
      }
      await #expect(throws: StorageError.self) {
        _ = try await fixture.service.delete(
          [.object(ObjectKey("a"))], in: fixture.bucket, confirmedAt: .now())
      }
      #expect(try await fixture.keys() == ["a"])
      #expect(try await fixture.rows().isEmpty)
    }
  }

  @Test("Keys that XML cannot carry are deleted one by one")
  func hostileKeys() async throws {
    try await ServerFixture.with { fixture in
      let odd = [ObjectKey("p/a\u{1}b"), ObjectKey("p/\u{1b}[31m")]
      for key in odd {
        _ = try await fixture.outside.putObject(
          fixture.location(key), body: .bytes([]), attributes: ObjectAttributes(), progress: nil)
      }
      try await fixture.put("p/plain", "p/& <x>", "p/new\nline")
      let report = try await fixture.service.delete(
        [.prefix(ObjectKey("p/"))], in: fixture.bucket, confirmedAt: .now())
      #expect(report.deleted == 5)
      #expect(report.failures.isEmpty)
      #expect(try await fixture.keys().isEmpty)
      #expect(fixture.transport.sentChanges.count { $0.method == .delete } == 2)
      #expect(try await fixture.rows().count == 5)
    }
  }

  @Test("What is not there counts as missing, which is no failure, and is not sent")
  func missing() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("here")
      let report = try await fixture.service.delete(
        [.object(ObjectKey("gone")), .object(ObjectKey("here"))], in: fixture.bucket,
        confirmedAt: .now())
      #expect(report.deleted == 1)
      #expect(report.missing == 1)
      #expect(report.leftNewer == 0)
      #expect(report.failures.isEmpty)
      #expect(try await fixture.rows().count == 1)
    }
  }

  @Test("All versions of a choice go for ever: its own, older ones and markers, and no others")
  func everyVersion() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.outside.setVersioning(fixture.bucket, isEnabled: true)
      try await fixture.put("a", "a", "ab", "p/x", "p/x", "p/y/z", "p2")
      for key in ["a", "p/x"] { _ = try await fixture.outside.deleteObject(fixture.location(key)) }
      let targets: [DeletionTarget] = [
        .everyVersion(ObjectKey("a")), .everyVersionOf(KeySelection(prefix: ObjectKey("p/"))),
        .everyVersion(ObjectKey("p/x")), .everyVersionOf(KeySelection(prefix: ObjectKey("p/y/"))),
      ]
      let count = try await fixture.service.count(targets, in: fixture.bucket)
      #expect(count == DeletionCount(objects: 7, bytes: ByteCount(35), isComplete: true))
      let report = try await fixture.service.delete(
        targets, in: fixture.bucket, confirmedAt: .now())
      #expect(report.deleted == 7 && report.failed == 0)
      #expect(try await fixture.versions().map(\.key.text).sorted() == ["ab", "p2"])
      let rows = try await fixture.rows(.delete)
      #expect(rows.count == 7 && rows.allSatisfy { $0.versionID != nil && $0.outcome == .done })
    }
  }

  @Test("Versions that came after the confirmation are left")
  func newerVersions() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.outside.setVersioning(fixture.bucket, isEnabled: true)
      try await fixture.put("a", "a")
      let report = try await fixture.service.delete(
        [.everyVersion(ObjectKey("a"))], in: fixture.bucket,
        confirmedAt: .now().advanced(by: .seconds(-3600)))
      #expect(report.deleted == 0 && report.leftNewer == 2)
      #expect(try await fixture.versions().count == 2)
    }
  }

  @Test("In a versioned bucket a deletion adds a marker, whose version the history has")
  func deleteMarker() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.outside.setVersioning(fixture.bucket, isEnabled: true)
      try await fixture.put("a", "b", "c")
      #expect(try await fixture.service.versioning(fixture.bucket) == .enabled)
      let single = try await fixture.service.delete(
        [.object(ObjectKey("a"))], in: fixture.bucket, confirmedAt: .now())
      #expect(single.isVersioned)
      let many = try await fixture.service.delete(
        [.object(ObjectKey("b")), .object(ObjectKey("c"))], in: fixture.bucket,
        confirmedAt: .now())
      #expect(many.isVersioned)
      let markers = try await fixture.versions().filter(\.isDeleteMarker)
      #expect(markers.count == 3)
      let recorded = try await fixture.rows(.delete).compactMap(\.versionID)
      #expect(Set(recorded) == Set(markers.map(\.versionID)))
    }
  }

  @Test("One version can be deleted for ever")
  func version() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.outside.setVersioning(fixture.bucket, isEnabled: true)
      try await fixture.put("a", content: [1])
      try await fixture.put("a", content: [1, 2])
      let old = try #require(try await fixture.versions().first { !$0.isLatest })
      let report = try await fixture.service.delete(
        [.version(old.key, old.versionID)], in: fixture.bucket, confirmedAt: .now())
      #expect(report.deleted == 1 && !report.isVersioned)
      #expect(try await fixture.versions().map(\.size) == [ByteCount(2)])
      #expect(try await fixture.rows().map(\.versionID) == [old.versionID])
    }
  }

  // MARK: - Buckets

  @Test("A bucket is emptied of versions, delete markers and uploads, each on the record")
  func emptyVersioned() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.outside.setVersioning(fixture.bucket, isEnabled: true)
      try await fixture.put("a", "b", "p/c")
      try await fixture.put("a")
      _ = try await fixture.outside.deleteObject(fixture.location("b"))
      _ = try await fixture.outside.createMultipartUpload(
        fixture.location("left"), attributes: ObjectAttributes())
      let count = try await fixture.service.countEveryVersion(in: fixture.bucket)
      #expect(count == DeletionCount(objects: 5, bytes: ByteCount(28), isComplete: true))

      let report = try await fixture.service.emptyAndRemoveBucket(fixture.bucket)
      #expect(report.deleted == 5 && report.failed == 0 && report.abortedUploads == 1)
      #expect(report.stoppedBy == nil && report.warning == nil)
      #expect(try await !fixture.service.buckets().contains { $0.name == fixture.bucket })
      let rows = try await fixture.rows()
      #expect(rows.count(where: { $0.action == .delete && $0.versionID != nil }) == 5)
      #expect(rows.count(where: { $0.action == .abortUpload }) == 1)
      #expect(rows.first?.action == .deleteBucket)
      #expect(rows.allSatisfy { $0.outcome == .done })
    }
  }

  @Test("A bucket without versions is emptied as well")
  func emptyPlain() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("a", "p/b")
      let report = try await fixture.service.emptyAndRemoveBucket(fixture.bucket)
      #expect(report.deleted == 2)
      #expect(try await !fixture.service.buckets().contains { $0.name == fixture.bucket })
    }
  }

  @Test("A server that says that it deleted what it keeps is named for it")
  func emptyOfWhatStays() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("k00", "k01")
      // As SeaweedFS does with a delete marker that was made while versioning was suspended.
      fixture.transport.answerInPlace { request in
        guard request.query["delete"] != nil else { return nil }
        let deleted = request.listedKeys.map {
          "<Deleted><Key>\($0)</Key><VersionId>null</VersionId></Deleted>"
        }
        return .success("<DeleteResult>\(deleted.joined())</DeleteResult>")
      }
      let report = try await fixture.service.emptyAndRemoveBucket(fixture.bucket)
      let said = try #require(report.stoppedBy).message
      #expect(said.contains("s3://\(fixture.bucket)/k00, version null, and still lists it"))
    }
  }

  @Test("A bucket is emptied of keys that a listing of versions damages")
  func emptyOddKeys() async throws {
    try await ServerFixture.with { fixture in
      let odd = ObjectKey("p/a\u{1}b")
      _ = try await fixture.outside.putObject(
        fixture.location(odd), body: .bytes([]), attributes: ObjectAttributes(), progress: nil)
      try await fixture.put("plain")
      let report = try await fixture.service.emptyAndRemoveBucket(fixture.bucket)
      #expect(report.stoppedBy == nil && report.failed == 0)
      #expect(try await !fixture.service.buckets().contains { $0.name == fixture.bucket })
      #expect(try await fixture.rows(.delete).contains { $0.key == odd && $0.outcome == .done })
      #expect(try await fixture.rows(.deleteBucket).map(\.outcome) == [.done])
    }
  }

  @Test("A marker is created also where the store has no conditional writes")
  func markerWithoutCondition() async throws {
    try await ServerFixture.with { fixture in
      let conditions = Mutex<[String?]>([])
      fixture.transport.beforeEach { request in
        guard request.method == .put else { return }
        conditions.withLock { $0.append(request.headers["If-None-Match"]) }
      }
      let refusals = Countdown(1)
      fixture.transport.changeAnswers { request, answer in
        request.method == .put && refusals.next()
          ? HTTPResponse(head: HTTPResponseHead(status: 501, headers: [])) : answer
      }
      let marker = ObjectKey("p/")
      _ = try await fixture.service.createPrefixMarker(bucket: fixture.bucket, key: marker)
      #expect(conditions.withLock { $0 } == ["*", nil])
      let rows = try await fixture.rows()
      #expect(rows.map(\.key) == [marker] && rows.map(\.outcome) == [.done])
    }
  }

  @Test("Without a place for the history one can look, and change nothing")
  func noHistory() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("a")
      let service = S3Service(
        interactive: fixture.outside, transfers: fixture.outside,
        history: HistoryStore(openingAtFirstUse: nil), author: Author.current(user: "ana"))
      #expect(
        try await service.page(bucket: fixture.bucket, prefix: .empty).objects.map(\.key.text)
          == ["a"])
      _ = try await service.download(fixture.location("a"), into: fixture.local.path)
      #expect(try fixture.local.content("a") == "content")
      await #expect {
        _ = try await service.delete(
          [.object(ObjectKey("a"))], in: fixture.bucket, confirmedAt: .now())
      } throws: { error in
        (error as? StorageError)?.kind == .history
      }
      #expect(try await fixture.keys() == ["a"])
    }
  }

  @Test("An expected owner is checked by the server before anything is deleted")
  func expectedOwner() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("a")
      let headers = Mutex<[String?]>([])
      fixture.transport.beforeEach { request in
        headers.withLock { $0.append(request.headers["x-amz-expected-bucket-owner"]) }
      }
      _ = try await fixture.service.emptyAndRemoveBucket(
        fixture.bucket, expectedOwner: AccountID("111122223333"))
      let sent = headers.withLock { $0 }
      #expect(sent.first == "111122223333" && sent.last == "111122223333")
      #expect(
        try await fixture.rows(.deleteBucket).map(\.outcome) == [.done, .failed])
    }
  }

  @Test("A bucket with contents is not removed by mistake")
  func notEmpty() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("a")
      await #expect {
        _ = try await fixture.service.removeBucket(fixture.bucket)
      } throws: { error in
        (error as? StorageError)?.kind == .bucketNotEmpty
      }
      let row = try #require(try await fixture.rows().first)
      #expect(row.outcome == .failed && row.errorCode == "BucketNotEmpty")
    }
  }

  @Test("A bucket that holds nothing but versions is not removed by mistake either")
  func onlyVersions() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.outside.setVersioning(fixture.bucket, isEnabled: true)
      try await fixture.put("a")
      _ = try await fixture.service.delete(
        [.object(ObjectKey("a"))], in: fixture.bucket, confirmedAt: .now())
      await #expect {
        _ = try await fixture.service.removeBucket(fixture.bucket)
      } throws: { error in
        (error as? StorageError)?.kind == .bucketNotEmpty
      }
      #expect(try await fixture.service.buckets().contains { $0.name == fixture.bucket })
    }
  }

  @Test("A name that breaks the rules is refused before anything is recorded or sent")
  func invalidName() async throws {
    try await ServerFixture.with { fixture in
      await #expect {
        _ = try await fixture.service.createBucket(BucketName("Not_A_Name"))
      } throws: { error in
        (error as? StorageError)?.kind == .invalidBucketName
      }
      let rows = try await fixture.rows()
      #expect(rows.isEmpty)
      #expect(fixture.transport.sent.isEmpty)
    }
  }

  @Test("What a server leaves out of its pages is deleted as well")
  func leftOut() async throws {
    try await ServerFixture.with { fixture in
      // SeaweedFS goes through `a/` first, and then finds only what comes after its last key.
      for number in 1_000...2_000 { try await fixture.put("a/\(number)", content: []) }
      try await fixture.put("a-b", "a.txt")
      let target = DeletionTarget.everyVersionOf(KeySelection(prefix: .empty))
      let report = try await fixture.service.delete(
        [target], in: fixture.bucket, confirmedAt: .now())
      #expect(report.deleted == 1_003 && report.unmatched.isEmpty)
      #expect(try await fixture.keys() == [])
    }
  }

  @Test("Cancelling a deletion lets what was sent come to its end, with every row closed")
  func cancel() async throws {
    try await ServerFixture.with { fixture in
      for number in 0..<1_050 { try await fixture.put("p/\(number)", content: []) }
      let gate = Gate()
      fixture.transport.afterEach { request in
        if SentRequest(request).listedKeys.count == 1_000 { await gate.passUncancelled() }
      }
      let deletion = Task {
        try await fixture.service.delete(
          [.prefix(ObjectKey("p/"))], in: fixture.bucket, confirmedAt: .now())
      }
      await gate.arrived()
      deletion.cancel()
      gate.open()
      let report = try await deletion.value
      var left = 0
      var token: ContinuationToken?
      repeat {
        let page = try await fixture.outside.listObjectsV2(
          bucket: fixture.bucket, prefix: .empty, delimiter: nil, after: token)
        left += page.objects.count
        token = page.next
      } while token != nil
      // The small batch may have been under way as well.
      #expect([1_000, 1_050].contains(report.deleted))
      #expect(left <= 1_050 - report.deleted)
      #expect(report.deleted == 1_050 || report.stoppedBy?.isCancellation == true)
      #expect(try await fixture.rows().allSatisfy { $0.outcome != .started })
    }
  }
}

extension ServerFixture {
  func versions() async throws -> [ObjectVersion] {
    try await outside.listObjectVersions(
      bucket: bucket, prefix: .empty, delimiter: nil, after: nil
    ).versions
  }
}
