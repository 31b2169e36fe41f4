import HTTP
import S3
import Storage
import Testing

@Suite("Download of a stream")
struct StreamingTests {
  /// Answers GetObject of `key` in place of the server.
  private static func stand(
    _ fixture: ServerFixture, _ key: String, _ answer: @escaping @Sendable () -> HTTPResponse
  ) {
    fixture.transport.answerInPlace { request in
      request.method == .get && request.key == ObjectKey(key) ? answer() : nil
    }
  }

  @Test(
    "Damage is told where another object, or the same once more, proves that ETags are MD5s",
    arguments: [(true, 9), (false, 1), (false, 9)])
  func damage(hasOther: Bool, times: Int) async throws {
    let isProven = hasOther || times == 1
    let damages = Countdown(times)
    try await ServerFixture.with { fixture in
      try await fixture.put("p/k")
      if hasOther { try await fixture.put("p/other", content: Array("other".utf8)) }
      let etag = try #require(try await fixture.outside.headObject(fixture.location("p/k")).etag)
      // There is nothing but the ETag.
      fixture.transport.changeAnswers { request, response in
        guard request.method == .head else { return response }
        let headers = Array(response.head.headers).filter {
          !$0.name.lowercased().hasPrefix("x-amz-checksum")
        }
        return HTTPResponse(head: HTTPResponseHead(status: 200, headers: headers))
      }
      Self.stand(fixture, "p/k") {
        let body = Array((damages.next() ? "CONTENT" : "content").utf8)
        return HTTPResponse(
          head: HTTPResponseHead(
            status: 200,
            headers: [
              HTTPHeader("ETag", etag.quoted), HTTPHeader("Content-Length", "\(body.count)"),
            ]), body: body, bodyCount: Int64(body.count))
      }
      let object = fixture.location("p/k")
      guard isProven else {
        let (_, verification) = try await fixture.service.stream(object) { _ in true }
        #expect(verification == .notVerified(.unprovenETag))
        // It is read once more only until that is known.
        _ = try await fixture.service.stream(object) { _ in true }
        #expect(fixture.transport.sent.count { $0.method == .get && $0.key == object.key } == 3)
        return
      }
      let error = await #expect(throws: StorageError.self) {
        _ = try await fixture.service.stream(object) { _ in true }
      }
      #expect(error?.kind == .damaged)
    }
  }

  @Test("An object that is replaced meanwhile is said to have changed")
  func replaced() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("k")
      Self.stand(fixture, "k") { .refusal(412, "PreconditionFailed") }
      let error = await #expect(throws: StorageError.self) {
        _ = try await fixture.service.stream(fixture.location("k")) { _ in true }
      }
      #expect(error?.kind == .objectChanged)
      #expect(error?.message == "s3://\(fixture.bucket)/k changed while it was read")
    }
  }
}
