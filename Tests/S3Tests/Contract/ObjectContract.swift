import Foundation
import HTTP
import S3
import SystemPackage
import Testing

@Suite("Contract: objects")
struct ObjectContract {
  @Test("What is put comes back, with what was said of it", arguments: TestServer.allCases)
  func roundTrip(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("reports/q3.csv"))
      let counter = ByteCounter()
      let attributes = ObjectAttributes(
        contentType: "text/csv", cacheControl: "no-store",
        metadata: [MetadataField(name: "owner", value: "ana é")])
      let receipt = try await client.putObject(
        location, body: .bytes(Array("123456789".utf8)), attributes: attributes, progress: counter)
      #expect(counter.value == 9)
      #expect(receipt.checksum == "crc64nvme:rosUhgp5mIg=")
      #expect(receipt.etag == ETag("25f9e794323b453885f5181f1b624d0b"))

      let head = try await client.headObject(location)
      #expect(head.size == ByteCount(9))
      #expect(head.etag == receipt.etag)
      #expect(head.contentType == "text/csv")
      #expect(head.cacheControl == "no-store")
      #expect(head.metadata == [MetadataField(name: "owner", value: "ana é")])
      let (bytes, metadata) = try await client.read(location)
      #expect(bytes == Array("123456789".utf8))
      #expect(metadata.etag == receipt.etag)
      if server == .seaweed { #expect(head.checksum == "crc64nvme:rosUhgp5mIg=") }
    }
  }

  @Test("Ranges, also beyond the end, and an object that changed", arguments: TestServer.allCases)
  func ranges(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("k"))
      let receipt = try await client.put("0123456789", bucket, location.key)
      let (middle, metadata) = try await client.read(
        location, range: 2..<5, ifMatch: receipt.etag)
      #expect(middle == Array("234".utf8))
      #expect(metadata.size == ByteCount(10))
      #expect(try await client.read(location, range: 8..<20).bytes == Array("89".utf8))
      let beyond = await failed { try await client.read(location, range: 10..<20) }
      #expect(beyond?.code == .invalidRange)
      let changed = await failed { try await client.read(location, ifMatch: ETag("other")) }
      #expect(changed?.code == .preconditionFailed)
      let missing = await failed {
        try await client.read(ObjectLocation(bucket: bucket, key: ObjectKey("missing")))
      }
      #expect(missing?.code == .noSuchKey)
    }
  }

  @Test(
    "A deletion on condition leaves an object that has changed, and minds none that is gone",
    arguments: TestServer.allCases)
  func conditionalDeletion(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("k"))
      let first = try await client.put("first", bucket, location.key)
      let second = try await client.put("second", bucket, location.key)
      let changed = await failed { try await client.deleteObject(location, ifMatch: first.etag) }
      #expect(changed?.code == .preconditionFailed)
      #expect(try await client.read(location).bytes == Array("second".utf8))
      for _ in 1...2 { _ = try await client.deleteObject(location, ifMatch: second.etag) }
      let gone = await failed { try await client.headObject(location) }
      #expect(gone?.code == .noSuchKey)
    }
  }

  @Test("Nothing at all is an object too", arguments: TestServer.allCases)
  func empty(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("empty/"))
      _ = try await client.putObject(
        location, body: .none, attributes: ObjectAttributes(), progress: nil)
      #expect(try await client.headObject(location).size == .zero)
      #expect(try await client.read(location).bytes.isEmpty)
    }
  }

  @Test("Files go from disk to the store and back to disk", arguments: TestServer.allCases)
  func files(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("file"))
      let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 17 &+ $0 >> 9) }
      let source = try Self.file(bytes)
      _ = try await client.putObject(
        location, body: .file(FileSlice(file: source, offset: 0, count: 3_000_000)),
        attributes: ObjectAttributes(), progress: nil)
      let copy = try Self.file([])
      _ = try await client.getObject(
        location, range: 1_000_000..<3_000_000, ifMatch: nil,
        into: .file(copy, offset: 1_000_000, limit: 2_000_000), progress: nil)
      _ = try await client.getObject(
        location, range: 0..<1_000_000, ifMatch: nil,
        into: .file(copy, offset: 0, limit: 1_000_000), progress: nil)
      var read = [UInt8](repeating: 0, count: 3_000_001)
      let count = try read.withUnsafeMutableBytes { buffer in
        try copy.descriptor.read(fromAbsoluteOffset: 0, into: buffer)
      }
      #expect(count == 3_000_000)
      #expect(Array(read.prefix(count)) == bytes)
    }
  }

  @Test("A condition keeps what is there", arguments: TestServer.allCases)
  func conditions(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("k"))
      func put(_ text: String, _ condition: WriteCondition) async -> S3Error? {
        await failure { () async throws(S3Error) in
          try await client.putObject(
            location, body: .bytes(Array(text.utf8)), attributes: ObjectAttributes(),
            condition: condition, progress: nil)
        }
      }
      #expect(await put("first", .ifNoneMatch) == nil)
      #expect(await put("second", .ifNoneMatch)?.code == .preconditionFailed)
      #expect(try await client.read(location).bytes == Array("first".utf8))
      // moto has no If-Match for PUT.
      if server == .seaweed {
        #expect(await put("third", .ifMatch(ETag("other")))?.code == .preconditionFailed)
        let etag = try #require(try await client.headObject(location).etag)
        #expect(await put("fourth", .ifMatch(etag)) == nil)
        #expect(try await client.read(location).bytes == Array("fourth".utf8))
      }
    }
  }

  @Test("Bytes that change on their way do not become an object")
  func checksumIsVerified() async throws {
    try await TestServer.seaweed.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("k"))
      let unlucky = S3Client(
        endpoint: client.endpoint, region: client.region,
        credentials: try TestServer.seaweed.credentials(), transport: FlippingTransport(),
        retryPolicy: RetryPolicy(maxAttempts: 1, base: .zero, cap: .zero, deadline: .zero))
      let error = await failed { try await unlucky.put("body", bucket, location.key) }
      #expect(error?.code == .badDigest)
      let head = await failed { try await client.headObject(location) }
      #expect(head?.code == .noSuchKey)
    }
  }

  /// Flips a bit of each body after it has been signed.
  private struct FlippingTransport: HTTPTransport {
    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
      var request = request
      if case .bytes(var bytes) = request.body, !bytes.isEmpty {
        bytes[0] ^= 1
        request.body = .bytes(bytes)
      }
      return try await TestServer.transport.send(request)
    }
  }

  static func file(_ bytes: [UInt8]) throws -> OpenFile {
    let path = FilePath(NSTemporaryDirectory()).appending("pail-\(UUID().uuidString)")
    let descriptor = try FileDescriptor.open(
      path, .readWrite, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
    try FileManager.default.removeItem(atPath: path.string)
    try descriptor.writeAll(bytes)
    return OpenFile(descriptor)
  }
}
