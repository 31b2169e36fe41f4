import HTTP
import Synchronization
import Testing

@testable import S3

@Suite("Expired tokens")
struct ExpiredTokenTests {
  private static let expired = ScriptedTransport.Answer.response(
    400, [], "<Error><Code>ExpiredToken</Code></Error>")

  private let bucket = BucketName("bucket")
  private let location = ObjectLocation(bucket: BucketName("bucket"), key: ObjectKey("key"))

  @Test("An expired token is taken anew from the provider, once")
  func expiredToken() async throws {
    let renewed = try ScriptedClient(
      [Self.expired, .response(204)], credentials: RenewingCredentials())
    _ = try await renewed.client.deleteObject(location)
    #expect(renewed.requests.map { $0.headers["x-amz-security-token"] } == ["token1", "token2"])

    let stale = try ScriptedClient(
      [Self.expired, Self.expired], credentials: RenewingCredentials())
    let error = await failure { () async throws(S3Error) in
      try await stale.client.deleteObject(location)
    }
    #expect(error?.code == .expiredToken)
    #expect(error?.attempts == 2)
  }

  @Test("An answer to HEAD says nothing of the token, which is doubted only once it may have ended")
  func head() async throws {
    let clock = Clock()
    let scripted = try ScriptedClient(
      [.response(400), .response(400), .response(200), .response(400), .response(400)],
      credentials: RenewingCredentials(), now: { clock.now })
    func head() async -> S3Error? {
      await failure { () async throws(S3Error) in
        try await scripted.client.headBucket(bucket)
      }
    }
    #expect(await head()?.code == S3ErrorCode("HTTP400"))
    #expect(scripted.requests.count == 1)
    clock.advance(.seconds(900))
    #expect(await head() == nil)
    // Those that were fetched for it are good.
    #expect(await head() != nil)
    clock.advance(.seconds(899))
    #expect(await head() != nil)
    #expect(scripted.requests.count == 5)
  }

  private final class Clock: Sendable {
    private let moment = Mutex(ScriptedClient.moment)
    var now: Timestamp { moment.withLock { $0 } }
    func advance(_ duration: Duration) {
      moment.withLock { $0 = $0.advanced(by: duration) }
    }
  }

  @Test(
    "Whatever was asked is asked again when the token had expired",
    arguments: [
      .getObject, .putObject, .uploadPart, .completeMultipartUpload, .copyObject, .uploadPartCopy,
      .listObjectsV2, .deleteObjects,
    ] as [S3Operation])
  func expiredToken(of operation: S3Operation) async throws {
    let scripted = try ScriptedClient(
      [Self.expired, Self.success(of: operation)],
      credentials: RenewingCredentials())
    try await send(operation, scripted.client)
    let requests = scripted.requests
    #expect(requests.map { $0.headers["x-amz-security-token"] } == ["token1", "token2"])
    #expect(requests.map(\.method).allSatisfy { $0 == requests[0].method })
    #expect(requests.map(\.target).allSatisfy { $0 == requests[0].target })
    #expect(requests.map(\.bytes).allSatisfy { $0 == requests[0].bytes })
    let asked = requests.map { request in
      request.headers.filter { !["Authorization", "x-amz-security-token"].contains($0.name) }
    }
    #expect(asked[0] == asked[1])
  }

  private func send(_ operation: S3Operation, _ client: S3Client) async throws {
    let body = HTTPRequestBody.bytes(Array("123456789".utf8))
    let part = PartNumber(2)
    switch operation {
    case .getObject:
      _ = try await client.getObject(
        location, range: 5..<9, ifMatch: ETag("e"), into: .pieces { _ in true }, progress: nil)
    case .putObject:
      _ = try await client.putObject(
        location, body: body, attributes: ObjectAttributes(), progress: nil)
    case .uploadPart:
      _ = try await client.uploadPart(
        location, uploadID: UploadID("u"), partNumber: part, body: body, progress: nil)
    case .completeMultipartUpload:
      let receipt = PartReceipt(
        number: part, etag: ETag("e"), crc64nvme: 0xae8b_1486_0a79_9888, size: 9)
      _ = try await client.completeMultipartUpload(
        location, uploadID: UploadID("u"), parts: [receipt], condition: .none, objectSize: 9)
    case .copyObject:
      _ = try await client.copyObject(
        location, to: location, ifMatch: ETag("e"), attributes: ObjectAttributes())
    case .uploadPartCopy:
      _ = try await client.uploadPartCopy(
        location, range: 5..<9, ifMatch: ETag("e"), to: location, uploadID: UploadID("u"),
        partNumber: part, algorithm: nil)
    case .listObjectsV2:
      _ = try await client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: ContinuationToken("page 2"))
    case .deleteObjects:
      _ = try await client.deleteObjects(bucket, [ObjectIdentifier(key: ObjectKey("key"))])
    default: Issue.record("nothing sends \(operation)")
    }
  }

  private static func success(of operation: S3Operation) -> ScriptedTransport.Answer {
    let etag = HTTPHeader("ETag", "\"e\"")
    switch operation {
    case .getObject:
      return .response(206, [etag, HTTPHeader("Content-Range", "bytes 5-8/9")], "6789")
    case .putObject, .uploadPart:
      return .response(200, [etag, HTTPHeader("x-amz-checksum-crc64nvme", "rosUhgp5mIg=")])
    case .completeMultipartUpload:
      return .response(
        200, [],
        "<CompleteMultipartUploadResult><ETag>e-1</ETag></CompleteMultipartUploadResult>")
    case .copyObject:
      return .response(200, [], "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>")
    case .uploadPartCopy:
      return .response(200, [], "<CopyPartResult><ETag>e</ETag></CopyPartResult>")
    case .listObjectsV2:
      return .response(
        200, [], "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
    default:
      return .response(
        200, [], "<DeleteResult><Deleted><Key>key</Key></Deleted></DeleteResult>")
    }
  }

  private final class RenewingCredentials: CredentialProvider {
    private let count = Mutex(0)
    func credentials() async throws(CredentialError) -> Credentials {
      let number = count.withLock { count in
        count += 1
        return count
      }
      return Credentials(
        accessKeyID: "A", secretAccessKey: Secret("s"), sessionToken: Secret("token\(number)"))
    }
  }
}
