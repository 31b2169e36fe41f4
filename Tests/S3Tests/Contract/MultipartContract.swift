import HTTP
import S3
import Testing

@Suite("Contract: multipart uploads")
struct MultipartContract {
  private static let partSize = 5 << 20

  private static let bytes = (0..<(partSize + 1_000_000)).map {
    UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 11)
  }

  @Test("Parts become one object with one checksum", arguments: TestServer.allCases)
  func complete(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("big file+é"))
      let id = try await client.createMultipartUpload(
        location, attributes: ObjectAttributes(contentType: "application/x-test")
      ).uploadID
      #expect(
        try await client.listMultipartUploads(bucket: bucket, prefix: .empty).map(\.uploadID)
          == [id])
      let file = try ObjectContract.file(Self.bytes)
      let counter = ByteCounter()
      async let second = client.uploadPart(
        location, uploadID: id, partNumber: PartNumber(2),
        body: .file(FileSlice(file: file, offset: Int64(Self.partSize), count: 1_000_000)),
        progress: nil)
      let first = try await client.uploadPart(
        location, uploadID: id, partNumber: PartNumber(1),
        body: .file(FileSlice(file: file, offset: 0, count: Int64(Self.partSize))),
        progress: counter)
      #expect(counter.value == Int64(Self.partSize))

      let parts = [try await second, first]
      let listed = try await client.listParts(location, uploadID: id)
      #expect(listed.map(\.number.value) == [1, 2])
      #expect(listed.map(\.size.bytes) == [Int64(Self.partSize), 1_000_000])
      #expect(listed.map(\.etag) == [first.etag, parts[0].etag])

      let receipt = try await client.completeMultipartUpload(
        location, uploadID: id, parts: parts, condition: .none,
        objectSize: Int64(Self.bytes.count))
      let whole = try await client.putObject(
        ObjectLocation(bucket: bucket, key: ObjectKey("whole")), body: .bytes(Self.bytes),
        attributes: ObjectAttributes(), progress: nil)
      #expect(receipt.checksum == whole.checksum)

      let head = try await client.headObject(location)
      #expect(head.size.bytes == Int64(Self.bytes.count))
      #expect(head.contentType == "application/x-test")
      #expect(head.etag == receipt.etag)
      #expect(head.etag?.text.hasSuffix("-2") == true)
      if server == .seaweed { #expect(head.checksum == receipt.checksum) }
      #expect(
        try await client.headPart(location, PartNumber(2))?.size == ByteCount(1_000_000))
      // moto answers, and tells nothing of parts.
      let sizes = try await client.partSizesByAttributes(location, count: 2)
      #expect(sizes == (server == .seaweed ? [Int64(Self.partSize), 1_000_000] : nil))
      #expect(try await client.read(location).bytes == Self.bytes)
      #expect(try await client.listMultipartUploads(bucket: bucket, prefix: .empty).isEmpty)
    }
  }

  @Test(
    "An aborted upload leaves nothing, and can be aborted again", arguments: TestServer.allCases)
  func abort(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("aborted"))
      let id = try await client.createMultipartUpload(location, attributes: ObjectAttributes())
        .uploadID
      _ = try await client.uploadPart(
        location, uploadID: id, partNumber: PartNumber(1), body: .bytes(Array("part".utf8)),
        progress: nil)
      try await client.abortMultipartUpload(location, uploadID: id)
      try await client.abortMultipartUpload(location, uploadID: id)
      #expect(try await client.listMultipartUploads(bucket: bucket, prefix: .empty).isEmpty)
      let error = await failure { () async throws(S3Error) in
        try await client.listParts(location, uploadID: id)
      }
      #expect([.noSuchUpload, .noSuchKey].contains(error?.code))
    }
  }
}
