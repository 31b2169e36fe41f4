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

  /// When the signature is made, as `20261120T140207Z`.
  let date: String
  private let scope: String
  private let credential: String
  private let key: SigningKey

  /// - Parameter keys: where keys of earlier requests are kept.
  init(
    accessKeyID: String, secretAccessKey: Secret, region: String, service: String = "s3",
    timestamp: Timestamp, keys: SigningKeys = SigningKeys()
  ) {
    date = timestamp.basicISO8601
    let day = String(date.prefix(8))
    scope = "\(day)/\(region)/\(service)/aws4_request"
    credential = "\(accessKeyID)/\(scope)"
    key = keys.key(
      secretAccessKey: secretAccessKey, date: day, region: region, service: service)
  }

  /// The value of the `Authorization` header.
  func authorization(for request: Request) -> String {
    let headers = CanonicalHeaders(request.headers)
    let signature = signature(of: stringToSign(canonicalRequest(request, headers)))
    return "\(Self.algorithm) Credential=\(credential), SignedHeaders=\(headers.names), "
      + "Signature=\(signature)"
  }

  /// The query of `request` with a signature in it, ready to be used without any header but those
  /// that `request` has.
  ///
  /// - Parameter expiresInSeconds: 1 through 604,800.
  func presignedQuery(
    for request: Request, expiresInSeconds: Int, sessionToken: Secret?
  ) -> [QueryItem] {
    let headers = CanonicalHeaders(request.headers)
    var request = request
    request.query += [
      QueryItem("X-Amz-Algorithm", Self.algorithm),
      QueryItem("X-Amz-Credential", credential),
      QueryItem("X-Amz-Date", date),
      QueryItem("X-Amz-Expires", String(expiresInSeconds)),
      QueryItem("X-Amz-SignedHeaders", headers.names),
    ]
    if let sessionToken {
      request.query.append(QueryItem("X-Amz-Security-Token", sessionToken.revealed))
    }
    let signature = signature(of: stringToSign(canonicalRequest(request, headers)))
    return request.query + [QueryItem("X-Amz-Signature", signature)]
  }

  func canonicalRequest(_ request: Request) -> String {
    canonicalRequest(request, CanonicalHeaders(request.headers))
  }

  private func canonicalRequest(_ request: Request, _ headers: CanonicalHeaders) -> String {
    "\(request.method)\n\(request.path)\n\(request.query.sorted().encoded)\n"
      + "\(headers.lines)\n\(headers.names)\n\(request.payloadHash)"
  }

  func stringToSign(_ canonicalRequest: String) -> String {
    let digest = Digest.hex(Digest.sha256(canonicalRequest.utf8))
    return "\(Self.algorithm)\n\(date)\n\(scope)\n\(digest)"
  }

  private func signature(of stringToSign: String) -> String {
    Digest.hex(Digest.hmacSHA256(key: key.bytes, stringToSign.utf8))
  }
}

/// Header fields as they are signed: one line a name, in small letters and in order.
private struct CanonicalHeaders {
  /// `host:example.com`, each ended by a line feed.
  var lines = ""
  /// `host;x-amz-date`
  var names = ""

  init(_ headers: [HTTPHeader]) {
    let fields = headers.enumerated().map { (index, header) in
      (name: header.name.lowercased(), index: index, value: header.value.withSingleBlanks)
    }.sorted { ($0.name, $0.index) < ($1.name, $1.index) }
    var last: String?
    for field in fields {
      if field.name == last {
        lines.removeLast()
        lines += ",\(field.value)\n"
      } else {
        lines += "\(field.name):\(field.value)\n"
        names += last == nil ? field.name : ";\(field.name)"
      }
      last = field.name
    }
  }
}

extension String {
  /// Without blanks at the ends, and one blank for each run of blanks within.
  fileprivate var withSingleBlanks: String {
    func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
    var wasBlank = true
    let isClean = utf8.allSatisfy { byte in
      defer { wasBlank = isBlank(byte) }
      return !isBlank(byte) || (byte == 0x20 && !wasBlank)
    }
    if isClean, !wasBlank || isEmpty { return self }
    return utf8.split(whereSeparator: isBlank).map { String(decoding: $0, as: UTF8.self) }
      .joined(separator: " ")
  }
}
