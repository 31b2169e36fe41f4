import Foundation
import HTTP
import Testing

@testable import S3

/// The published "AWS Signature Version 4 Test Suite", in the folder `sigv4`.
///
/// Not all of it holds for S3, whose paths are signed as they are sent. Of `normalize-path` these
/// six want dots or slashes taken out of the path, which would sign another key than the one that
/// is asked for: get-relative, get-relative-relative, get-slash, get-slash-dot-slash,
/// get-slash-pointless-dot and get-slashes. The other 28 cases are all here.
@Suite("Signature Version 4, published vectors")
struct SigV4VectorTests {
  private static let normalizing: Set<String> = [
    "get-relative", "get-relative-relative", "get-slash", "get-slash-dot-slash",
    "get-slash-pointless-dot", "get-slashes",
  ]

  private static let folder = Bundle.module.bundleURL.appending(path: "sigv4")

  static let cases: [String] = {
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    return (files?.allObjects ?? []).compactMap { $0 as? URL }
      .filter { $0.pathExtension == "req" }
      .map { $0.deletingPathExtension().path(percentEncoded: false) }
      .filter { !normalizing.contains(URL(filePath: $0).lastPathComponent) }
      .sorted()
  }()

  @Test("There are 28 of them")
  func count() {
    #expect(Self.cases.count == 28)
  }

  @Test(
    "The canonical request, the string to sign and the header are the published ones",
    arguments: cases)
  func vector(_ path: String) throws {
    var request = try VectorRequest(parsing: Self.text("\(path).req"))
    // One case has its session token in the signed request only.
    if try Self.text("\(path).creq").contains("x-amz-security-token:"),
      request.value.headers["X-Amz-Security-Token"] == nil
    {
      let signed = try VectorRequest(parsing: Self.text("\(path).sreq"))
      let token = try #require(signed.value.headers["X-Amz-Security-Token"])
      request.value.headers.append(HTTPHeader("X-Amz-Security-Token", token))
    }
    let signer = SigV4Signer(
      accessKeyID: "AKIDEXAMPLE",
      secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), region: "us-east-1",
      service: "service", timestamp: try #require(Timestamp(iso8601: "2015-08-30T12:36:00Z")))
    let canonical = signer.canonicalRequest(request.value)
    #expect(String(decoding: canonical, as: UTF8.self) == (try Self.text("\(path).creq")))
    let toSign = String(decoding: signer.stringToSign(canonical), as: UTF8.self)
    #expect(toSign == (try Self.text("\(path).sts")))
    #expect(signer.authorization(for: request.value) == (try Self.text("\(path).authz")))
  }

  private static func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
      .replacingOccurrences(of: "\r\n", with: "\n")
  }
}

/// A request as the suite writes it: one line, header lines, and a body after an empty line.
private struct VectorRequest {
  var value: SigV4Signer.Request

  init(parsing text: String) throws {
    let end = text.range(of: "\n\n")
    let head = end.map { text[..<$0.lowerBound] } ?? text[...]
    let body = end.map { String(text[$0.upperBound...]) } ?? ""
    var lines = head.components(separatedBy: "\n")
    let first = lines.removeFirst()
    // A path may have a blank in it, so the method and the version are what is at the ends.
    let method = try #require(first.split(separator: " ").first)
    let target = first.dropFirst(method.count + 1).dropLast(" HTTP/1.1".count)
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var headers: [HTTPHeader] = []
    for line in lines where !line.isEmpty {
      if line.first == " ", let last = headers.indices.last {
        headers[last].value += "\n" + line  // a folded line goes on with the one before
      } else {
        let field = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        headers.append(HTTPHeader(String(field[0]), String(field[1])))
      }
    }
    value = SigV4Signer.Request(
      method: String(method),
      path: PercentEncoding.encode(parts[0].utf8, keepingSlashes: true),
      query: parts.count == 1
        ? []
        : parts[1].split(separator: "&").map { pair in
          let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
          return QueryItem(
            String(sides[0]).removingPercentEncoding ?? "",
            sides.count == 1 ? "" : String(sides[1]).removingPercentEncoding ?? "")
        },
      headers: headers, payloadHash: Digest.hex(Digest.sha256(body.utf8)))
  }
}
