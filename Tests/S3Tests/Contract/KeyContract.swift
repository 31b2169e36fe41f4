import HTTP
import S3
import Testing

@Suite("Contract: keys")
struct KeyContract {
  static let usual = [
    "a b", " a ", "a+b", "50%", "%2F", "%00", "a&b<c>\"'", "q?x=1&y#z", "é", "e\u{301}", "🚀",
    "поставка.parquet", "*", "[a]", "-x", "~", "a=b;c,d", "x\u{202E}y", "a\u{7F}b",
    String(repeating: "k", count: 200),
  ]

  /// moto takes any key that HTTP can carry; SeaweedFS refuses or changes these.
  static let odd = [
    "a//b", "/abs", "//", ".", "..", "./x", "a/../../esc", "../x", "a/.", "trailing/ ", "C:\\x",
    String(repeating: "k", count: 1024), String(repeating: "é", count: 512),
  ]

  static var cases: [(TestServer, String)] {
    TestServer.allCases.flatMap { server in usual.map { (server, $0) } } + odd.map { (.moto, $0) }
  }

  @Test("A key comes back as the bytes that it was", arguments: cases)
  func roundTrip(_ server: TestServer, _ text: String) async throws {
    try await server.withBucket { client, bucket in
      let key = ObjectKey(text)
      let location = ObjectLocation(bucket: bucket, key: key)
      _ = try await client.put("body", bucket, key)
      let page = try await client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
      #expect(page.objects.map(\.key) == [key])
      #expect(try await client.headObject(location).size == ByteCount(4))
      #expect(try await client.read(location).bytes == Array("body".utf8))
      let result = try await client.deleteObjects(bucket, [ObjectIdentifier(key: key)])
      #expect(result.deleted.map(\.key) == [key])
      let after = try await client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
      #expect(after.objects.isEmpty)
    }
  }

  @Test(
    "Keys with control characters are listed, read and deleted one by one",
    arguments: ["a\u{1}b", "\u{1B}[31mred", "bell\u{7}", "new\nline", "tab\tcr\r"])
  func controlCharacters(_ text: String) async throws {
    try await TestServer.seaweed.withBucket { client, bucket in
      let key = ObjectKey(text)
      let location = ObjectLocation(bucket: bucket, key: key)
      _ = try await client.put("body", bucket, key)
      _ = try await client.put("other", bucket, ObjectKey("plain"))
      let page = try await client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
      #expect(Set(page.objects.map(\.key)) == [key, ObjectKey("plain")])
      #expect(try await client.read(location).bytes == Array("body".utf8))
      _ = try await client.deleteObject(location)
      let after = try await client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
      #expect(after.objects.map(\.key) == [ObjectKey("plain")])
    }
  }

  @Test("Two keys that text finds equal are two objects", arguments: TestServer.allCases)
  func normalization(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      _ = try await client.put("composed", bucket, ObjectKey("é"))
      _ = try await client.put("decomposed", bucket, ObjectKey("e\u{301}"))
      let page = try await client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
      #expect(page.objects.count == 2)
      _ = try await client.deleteObjects(bucket, [ObjectIdentifier(key: ObjectKey("é"))])
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("e\u{301}"))
      #expect(try await client.read(location).bytes == Array("decomposed".utf8))
    }
  }
}
