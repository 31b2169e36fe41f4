import HTTP
import S3
import Testing

@Suite("Contract: buckets")
struct BucketContract {
  @Test("A bucket is created, listed, found and removed", arguments: TestServer.allCases)
  func lifecycle(_ server: TestServer) async throws {
    let client = try server.client()
    let bucket = try await server.withBucket { client, bucket in
      #expect(try await client.listBuckets().map(\.name).contains(bucket))
      _ = try await client.headBucket(bucket)
      return bucket
    }
    #expect(try await !client.listBuckets().map(\.name).contains(bucket))
    let error = await failure { () async throws(S3Error) in try await client.headBucket(bucket) }
    #expect(error?.code == .noSuchBucket)
  }

  @Test("A bucket with contents is not removed", arguments: TestServer.allCases)
  func notEmpty(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      _ = try await client.put("x", bucket, ObjectKey("k"))
      let error = await failure { () async throws(S3Error) in
        try await client.deleteBucket(bucket, expectedOwner: nil)
      }
      #expect(error?.code == .bucketNotEmpty)
    }
  }

  @Test("Versioning is never on at first; turned on, it is enabled", arguments: TestServer.allCases)
  func versioning(_ server: TestServer) async throws {
    try await server.withBucket { client, bucket in
      #expect(try await client.bucketVersioning(bucket) == .never)
      try await client.setVersioning(bucket, isEnabled: true)
      #expect(try await client.bucketVersioning(bucket) == .enabled)
      try await client.setVersioning(bucket, isEnabled: false)
      #expect(try await client.bucketVersioning(bucket) == .suspended)
    }
  }

  @Test("A bucket that is not there has no objects to list", arguments: TestServer.allCases)
  func missing(_ server: TestServer) async throws {
    let client = try server.client()
    let error = await failure { () async throws(S3Error) in
      try await client.listObjectsV2(
        bucket: BucketName("pail-no-such-bucket"), prefix: .empty, delimiter: "/", after: nil)
    }
    #expect(error?.code == .noSuchBucket)
    guard case .service(let facts) = error?.cause else { return #expect(Bool(false)) }
    #expect(facts.status == 404)
    #expect(!facts.message.isEmpty)
  }

  @Test("Wrong keys are told as what they are")
  func wrongKeys() async throws {
    let unknown = try TestServer.seaweed.client(accessKeyID: "NOSUCHACCESSKEY00000")
    let error = await failure { () async throws(S3Error) in try await unknown.listBuckets() }
    #expect(error?.code == .invalidAccessKeyId)
    #expect(error?.attempts == 1)
  }
}
