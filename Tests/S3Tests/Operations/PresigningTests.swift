import HTTP
import Testing

@testable import S3

@Suite("Presigned URLs")
struct PresigningTests {
  private let location = ObjectLocation(
    bucket: BucketName("bucket"), key: ObjectKey("a b/é+?.csv"))

  private func presign(
    _ method: PresignMethod = .get, expires: Duration = .seconds(900), fileName: String? = nil,
    contentType: String? = nil, credentials: Credentials? = nil
  ) async throws -> PresignedURL {
    let standard = Credentials(accessKeyID: "AKID", secretAccessKey: Secret("secret"))
    let scripted = try ScriptedClient([], credentials: StaticCredentials(credentials ?? standard))
    let url = try await scripted.client.presign(
      method, location, expires: expires, fileName: fileName, contentType: contentType)
    #expect(scripted.requests.isEmpty)
    return url
  }

  private func temporary(expires: Timestamp?) -> Credentials {
    Credentials(
      accessKeyID: "AKID", secretAccessKey: Secret("secret"), sessionToken: Secret("to/ken"),
      expires: expires)
  }

  @Test("A URL names the object and its expiry, and says when it ends")
  func get() async throws {
    let presigned = try await presign()
    #expect(
      presigned.url.hasPrefix(
        "http://store.test:9000/bucket/a%20b/%C3%A9%2B%3F.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256"
          + "&X-Amz-Credential=AKID%2F20261120%2Fus-east-1%2Fs3%2Faws4_request"
          + "&X-Amz-Date=20261120T140207Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host"
          + "&X-Amz-Signature="))
    #expect(presigned.expiresAt == ScriptedClient.moment.advanced(by: .seconds(900)))
    #expect(presigned.credentialsExpiry == .never)
    #expect(!presigned.isShortened)
  }

  @Test("A file name and a type are asked of the answer")
  func response() async throws {
    let presigned = try await presign(fileName: "Übersicht \"1\".csv", contentType: "text/csv")
    #expect(presigned.url.contains("response-content-type=text%2Fcsv"))
    #expect(
      presigned.url.contains(
        "response-content-disposition="
          + PercentEncoding.encode(
            "attachment; filename=\"_bersicht _1_.csv\"; filename*=UTF-8''%C3%9Cbersicht%20%221%22.csv"
              .utf8)))
    #expect(ContentDisposition.attachment("a.csv") == "attachment; filename=\"a.csv\"")
  }

  @Test("What a PUT must send is signed and told")
  func put() async throws {
    let presigned = try await presign(.put, contentType: "text/csv")
    #expect(presigned.requiredHeaders == [HTTPHeader("Content-Type", "text/csv")])
    #expect(presigned.url.contains("X-Amz-SignedHeaders=content-type%3Bhost"))
  }

  @Test("One second through seven days, and nothing else", arguments: [0, 1, 604_800, 604_801])
  func limits(_ seconds: Int) async throws {
    if (1...604_800).contains(seconds) {
      let presigned = try await presign(expires: .seconds(seconds))
      #expect(presigned.url.contains("X-Amz-Expires=\(seconds)&"))
    } else {
      await #expect(throws: S3Error.self) { try await presign(expires: .seconds(seconds)) }
    }
  }

  @Test("Where nobody named a region of Amazon S3 the bucket is asked for its own, once")
  func region() async throws {
    let region = [HTTPHeader("x-amz-bucket-region", "eu-west-1")]
    for (isAssumed, found, requests) in [(true, "eu-west-1", 2), (false, "us-east-1", 0)] {
      let transport = ScriptedTransport([.response(301, region), .response(200, region)])
      let client = S3Client(
        endpoint: .aws(region: .usEast1), region: .usEast1,
        credentials: StaticCredentials(accessKeyID: "AKID", secretAccessKey: Secret("secret")),
        transport: transport, isRegionAssumed: isAssumed, now: { ScriptedClient.moment })
      for _ in 0..<2 {
        let presigned = try await client.presign(
          .get, location, expires: .seconds(60), fileName: nil, contentType: nil)
        #expect(presigned.url.hasPrefix("https://bucket.s3.\(found).amazonaws.com/"))
        #expect(presigned.url.contains("%2F\(found)%2Fs3%2F"))
      }
      #expect(transport.requests.count == requests)
      #expect(transport.requests.allSatisfy { $0.method == .head })
    }
  }

  @Test("A URL ends with the credentials behind it")
  func shortened() async throws {
    let end = ScriptedClient.moment.advanced(by: .seconds(600))
    let cut = try await presign(credentials: temporary(expires: end))
    #expect(cut.isShortened && cut.expiresAt == end && cut.credentialsExpiry == .at(end))
    #expect(cut.url.contains("X-Amz-Security-Token=to%2Fken"))
    let whole = try await presign(expires: .seconds(60), credentials: temporary(expires: end))
    #expect(!whole.isShortened)
    let unknown = try await presign(credentials: temporary(expires: nil))
    #expect(unknown.credentialsExpiry == .unknown && !unknown.isShortened)
    await #expect(throws: S3Error.self) {
      try await presign(credentials: temporary(expires: ScriptedClient.moment))
    }
  }
}
