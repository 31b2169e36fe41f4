import HTTP
import S3
import Testing

@Suite("Contract: presigned URLs")
struct PresignContract {
  private func send(
    _ method: HTTPMethod, _ url: String, headers: [HTTPHeader] = [], body: String = ""
  ) async throws -> HTTPResponse {
    try await TestServer.transport.send(
      HTTPRequest(
        method: method, url: url, headers: headers,
        body: body.isEmpty ? .none : .bytes(Array(body.utf8))))
  }

  @Test("A URL alone reads an object, whatever its key", arguments: ["plain", "a b/é+&?%.csv"])
  func get(_ key: String) async throws {
    try await TestServer.seaweed.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey(key))
      _ = try await client.put("hello", bucket, location.key)
      let presigned = try await client.presign(
        .get, location, expires: .seconds(60), fileName: "Übersicht \"1\".csv",
        contentType: "text/csv")
      let response = try await send(.get, presigned.url)
      #expect(response.status == 200)
      #expect(response.body == Array("hello".utf8))
      #expect(response.headers["Content-Type"] == "text/csv")
      #expect(
        response.headers["Content-Disposition"]
          == "attachment; filename=\"_bersicht _1_.csv\"; filename*=UTF-8''%C3%9Cbersicht%20%221%22.csv"
      )
      let forged = presigned.url.replacing("X-Amz-Expires=60", with: "X-Amz-Expires=61")
      #expect(try await send(.get, forged).status == 403)
      #expect(try await send(.delete, presigned.url).status == 403)
    }
  }

  @Test("A URL for PUT writes with the headers it names")
  func put() async throws {
    try await TestServer.seaweed.withBucket { client, bucket in
      let location = ObjectLocation(bucket: bucket, key: ObjectKey("up"))
      let presigned = try await client.presign(
        .put, location, expires: .seconds(60), fileName: nil, contentType: "text/csv")
      #expect(try await send(.put, presigned.url, body: "x").status == 403)
      let response = try await send(
        .put, presigned.url, headers: presigned.requiredHeaders, body: "x")
      #expect(response.status == 200)
      #expect(try await client.headObject(location).contentType == "text/csv")
    }
  }

  @Test("A URL that has expired is refused")
  func expired() async throws {
    try await TestServer.seaweed.withBucket { client, bucket in
      let past = S3Client(
        endpoint: client.endpoint, region: client.region,
        credentials: try TestServer.seaweed.credentials(), transport: TestServer.transport,
        now: { Timestamp.now().advanced(by: .seconds(-120)) })
      let presigned = try await past.presign(
        .get, ObjectLocation(bucket: bucket, key: ObjectKey("k")), expires: .seconds(60),
        fileName: nil, contentType: nil)
      #expect(try await send(.get, presigned.url).status == 403)
    }
  }
}
