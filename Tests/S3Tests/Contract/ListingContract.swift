import HTTP
import S3
import Testing

@Suite("Contract: listings")
struct ListingContract {
  /// Puts small objects, 32 at a time.
  private func fill(_ client: S3Client, _ bucket: BucketName, _ keys: [ObjectKey]) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, key) in keys.enumerated() {
        if index >= 32 { try await group.next() }
        group.addTask { _ = try await client.put("x", bucket, key) }
      }
      try await group.waitForAll()
    }
  }

  @Test("2,500 keys come in pages, each once", arguments: TestServer.allCases)
  func pages(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      let keys = (0..<2500).map { ObjectKey("p/key \($0)+é") }
      try await fill(client, bucket, keys)
      for pageSize in [1000, 333] {
        var listed: [ObjectKey] = []
        var pageCount = 0
        var token: ContinuationToken?
        repeat {
          let page = try await client.listObjectsV2(
            bucket: bucket, prefix: ObjectKey("p/"), delimiter: "/", after: token,
            pageSize: pageSize)
          listed += page.objects.map(\.key)
          pageCount += 1
          token = page.next
        } while token != nil
        #expect(listed == keys.sorted())
        #expect(pageCount >= (2500 + pageSize - 1) / pageSize)
      }
      let later = try await client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, startAfter: keys.sorted()[2497], after: nil)
      #expect(later.objects.map(\.key) == Array(keys.sorted()[2498...]))

      for start in stride(from: 0, to: keys.count, by: 1000) {
        let batch = keys[start..<min(start + 1000, keys.count)]
        let result = try await client.deleteObjects(
          bucket, batch.map { ObjectIdentifier(key: $0) })
        #expect(result.deleted.count == batch.count)
        #expect(result.failed.isEmpty)
      }
      let after = try await client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
      #expect(after.objects.isEmpty)
    }
  }

  @Test("A delimiter rolls keys up into prefixes", arguments: TestServer.allCases)
  func prefixes(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      try await fill(
        client, bucket,
        ["top", "a b/1", "a b/2", "c+d/e/1", "foo", "foobar", "foo/x"].map { ObjectKey($0) })
      let root = try await client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: "/", after: nil)
      #expect(root.objects.map(\.key.text) == ["foo", "foobar", "top"])
      #expect(root.commonPrefixes.map(\.text) == ["a b/", "c+d/", "foo/"])
      let inner = try await client.listObjectsV2(
        bucket: bucket, prefix: ObjectKey("c+d/"), delimiter: "/", after: nil)
      #expect(inner.objects.isEmpty)
      #expect(inner.commonPrefixes.map(\.text) == ["c+d/e/"])
      let all = try await client.listObjectsV2(
        bucket: bucket, prefix: ObjectKey("foo"), delimiter: nil, after: nil)
      #expect(Set(all.objects.map(\.key.text)) == ["foo", "foo/x", "foobar"])
    }
  }

  @Test("Versions and delete markers are listed and deleted", arguments: TestServer.allCases)
  func versions(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      try await client.setVersioning(bucket, isEnabled: true)
      let key = ObjectKey("v+ é")
      let location = ObjectLocation(bucket: bucket, key: key)
      let first = try await client.put("one", bucket, key)
      let second = try await client.put("two", bucket, key)
      let marker = try await client.deleteObject(location)
      #expect(marker.isDeleteMarker)
      let gone = await failed { try await client.headObject(location) }
      #expect(gone?.code == .noSuchKey)

      var old = location
      old.versionID = first.versionID
      #expect(old.versionID != nil)
      #expect(try await client.read(old).bytes == Array("one".utf8))

      var versions: [ObjectVersion] = []
      var next: VersionMarker?
      repeat {
        let page = try await client.listObjectVersions(
          bucket: bucket, prefix: .empty, delimiter: nil, after: next, pageSize: 2)
        versions += page.versions
        next = page.next
      } while next != nil
      #expect(versions.map(\.key) == [key, key, key])
      #expect(
        Set(versions.map(\.versionID))
          == [first.versionID, second.versionID, marker.deleteMarkerVersionID])
      #expect(versions.filter(\.isDeleteMarker).map(\.versionID) == [marker.deleteMarkerVersionID])
      #expect(versions.filter(\.isLatest).map(\.isDeleteMarker) == [true])

      let result = try await client.deleteObjects(
        bucket, versions.map { ObjectIdentifier(key: $0.key, versionID: $0.versionID) })
      #expect(result.failed.isEmpty)
      #expect(result.deleted.count == 3)
      let after = try await client.listObjectVersions(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
      #expect(after.versions.isEmpty)
    }
  }
}
