internal import HTTP

/// Signature Version 4: proves who sends a request, and that nobody changed it.
///
/// The path and the query are taken as they will be sent. That is the rule of S3, which neither
/// encodes the path twice nor takes `//`, `.` and `..` out of it.
///
/// Source: IAM User Guide, "Create a signed AWS API request"; S3 API Reference, "Authenticating
/// Requests (AWS Signature Version 4)".
struct SigV4Signer {
  /// The parts of a request that a signature covers.
  struct Request {
    var method: String
    /// Percent-encoded, beginning with `/`.
    var path: String
    var query: [QueryItem] = []
    /// All of them are signed, so `Host` must be among them.
    var headers: [HTTPHeader] = []
    /// SHA-256 of the body in hexadecimal, or what S3 takes in its place.
    var payloadHash: String
  }

  /// In place of the body's digest where TLS already protects the body.
  static let unsignedPayload = "UNSIGNED-PAYLOAD"
  private static let algorithm = "AWS4-HMAC-SHA256"

  var accessKeyID: String
  var secretAccessKey: Secret
  var region: String
  var service = "s3"
  var timestamp: Timestamp

  private var date: String { String(timestamp.basicISO8601.prefix(8)) }
  var scope: String { "\(date)/\(region)/\(service)/aws4_request" }
  private var credential: String { "\(accessKeyID)/\(scope)" }

  /// The value of the `Authorization` header.
  func authorization(for request: Request) -> String {
    let signature = signature(of: stringToSign(canonicalRequest(request)))
    return "\(Self.algorithm) Credential=\(credential), "
      + "SignedHeaders=\(signedHeaders(of: request)), Signature=\(signature)"
  }

  /// The query of `request` with a signature in it, ready to be used without any header but those
  /// that `request` has.
  ///
  /// - Parameter expiresInSeconds: 1 through 604,800.
  func presignedQuery(
    for request: Request, expiresInSeconds: Int, sessionToken: Secret?
  ) -> [QueryItem] {
    var request = request
    request.query += [
      QueryItem("X-Amz-Algorithm", Self.algorithm),
      QueryItem("X-Amz-Credential", credential),
      QueryItem("X-Amz-Date", timestamp.basicISO8601),
      QueryItem("X-Amz-Expires", String(expiresInSeconds)),
      QueryItem("X-Amz-SignedHeaders", signedHeaders(of: request)),
    ]
    if let sessionToken {
      request.query.append(QueryItem("X-Amz-Security-Token", sessionToken.revealed))
    }
    let signature = signature(of: stringToSign(canonicalRequest(request)))
    return request.query + [QueryItem("X-Amz-Signature", signature)]
  }

  func canonicalRequest(_ request: Request) -> String {
    let headers = canonicalHeaders(of: request)
    let lines =
      [request.method, request.path, request.query.sorted().encoded]
      + headers.map { "\($0.name):\($0.value)" }
      + ["", headers.map(\.name).joined(separator: ";"), request.payloadHash]
    return lines.joined(separator: "\n")
  }

  func stringToSign(_ canonicalRequest: String) -> String {
    let digest = Digest.hex(Digest.sha256(canonicalRequest.utf8))
    return [Self.algorithm, timestamp.basicISO8601, scope, digest].joined(separator: "\n")
  }

  func signature(of stringToSign: String) -> String {
    var key = Array("AWS4\(secretAccessKey.revealed)".utf8)
    for part in [date, region, service, "aws4_request"] {
      key = Digest.hmacSHA256(key: key, part.utf8)
    }
    return Digest.hex(Digest.hmacSHA256(key: key, stringToSign.utf8))
  }

  private func signedHeaders(of request: Request) -> String {
    canonicalHeaders(of: request).map(\.name).joined(separator: ";")
  }

  /// One field a name, in small letters and in order; runs of blanks become one blank.
  private func canonicalHeaders(of request: Request) -> [HTTPHeader] {
    var names: [String] = []
    var values: [String: [String]] = [:]
    for header in request.headers {
      let name = header.name.lowercased()
      if values[name] == nil { names.append(name) }
      values[name, default: []].append(header.value.withSingleBlanks)
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { name in
      HTTPHeader(name, values[name, default: []].joined(separator: ","))
    }
  }
}

extension String {
  fileprivate var withSingleBlanks: String {
    split { $0 == " " || $0 == "\t" || $0.isNewline }.joined(separator: " ")
  }
}
