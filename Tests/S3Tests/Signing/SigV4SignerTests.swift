import HTTP
import Testing

@testable import S3

/// The examples of the S3 API Reference, "Signature Calculations for the Authorization Header:
/// Transferring Payload in a Single Chunk" and "Authenticating Requests: Using Query Parameters".
@Suite("Signature Version 4, examples of the S3 documentation")
struct SigV4SignerTests {
  private let signer: SigV4Signer
  private let host = HTTPHeader("Host", "examplebucket.s3.amazonaws.com")
  private let date = HTTPHeader("x-amz-date", "20130524T000000Z")

  init() throws {
    signer = SigV4Signer(
      accessKeyID: "AKIAIOSFODNN7EXAMPLE",
      secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), region: "us-east-1",
      timestamp: try #require(Timestamp(iso8601: "2013-05-24T00:00:00Z")))
  }

  private func signature(
    _ method: String, _ path: String, _ query: [QueryItem] = [], _ headers: [HTTPHeader] = [],
    body: String = ""
  ) -> String {
    let hash = Digest.hex(Digest.sha256(body.utf8))
    let request = SigV4Signer.Request(
      method: method, path: path, query: query,
      headers: headers + [host, date, HTTPHeader("x-amz-content-sha256", hash)], payloadHash: hash)
    return String(signer.authorization(for: request).suffix(64))
  }

  @Test("GET object, a range of it")
  func getObject() {
    #expect(
      signature("GET", "/test.txt", [], [HTTPHeader("Range", "bytes=0-9")])
        == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
  }

  @Test("PUT object, with a key that needs encoding")
  func putObject() {
    let headers = [
      HTTPHeader("Date", "Fri, 24 May 2013 00:00:00 GMT"),
      HTTPHeader("x-amz-storage-class", "REDUCED_REDUNDANCY"),
    ]
    let path = "/" + PercentEncoding.encode("test$file.text".utf8, keepingSlashes: true)
    #expect(path == "/test%24file.text")
    #expect(
      signature("PUT", path, [], headers, body: "Welcome to Amazon S3.")
        == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
  }

  @Test("GET bucket lifecycle, a parameter without a value")
  func lifecycle() {
    #expect(
      signature("GET", "/", [QueryItem("lifecycle")])
        == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
  }

  @Test("GET bucket, listing objects, whatever the order of the parameters")
  func listObjects() {
    let expected = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    let query = [QueryItem("max-keys", "2"), QueryItem("prefix", "J")]
    #expect(signature("GET", "/", query) == expected)
    #expect(signature("GET", "/", query.reversed()) == expected)
  }

  @Test("A presigned GET for a day")
  func presigned() throws {
    let query = signer.presignedQuery(
      for: SigV4Signer.Request(
        method: "GET", path: "/test.txt", headers: [host],
        payloadHash: SigV4Signer.unsignedPayload),
      expiresInSeconds: 86_400, sessionToken: nil)
    #expect(
      query.encoded
        == "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
  }

  @Test("A path is signed as it is sent, dots and slashes included")
  func pathIsNotNormalized() {
    let request = SigV4Signer.Request(
      method: "GET", path: "/b//a/../%2E/", headers: [host], payloadHash: Digest.emptySHA256)
    let canonical = String(decoding: signer.canonicalRequest(request), as: UTF8.self)
    #expect(canonical.split(separator: "\n")[1] == "/b//a/../%2E/")
  }
}
