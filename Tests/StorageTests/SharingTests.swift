import HTTP
import History
import S3
import Storage
import Testing

@Suite("Sharing")
struct SharingTests {
  @Test("A URL is recorded with method, key and expiry, and never itself")
  func recorded() async throws {
    try await ServerFixture.with { fixture in
      let location = fixture.location("p/report.pdf")
      let get = try await fixture.service.presign(.get, location, expires: .seconds(3_600))
      let put = try await fixture.service.presign(.put, location, expires: .seconds(60))
      #expect(get.url.contains("X-Amz-Signature="))
      #expect(fixture.transport.sent.isEmpty)
      let rows = try await fixture.rows(.presign)
      #expect(rows.map(\.detail) == ["PUT, 60 s", "GET, 3600 s"])
      #expect(rows.allSatisfy { $0.key == location.key && $0.outcome == .done })
      for url in [get.url, put.url] {
        let signature = try #require(url.split(separator: "X-Amz-Signature=").last)
        #expect(!rows.contains { "\($0)".contains(signature) })
      }
    }
  }
}
