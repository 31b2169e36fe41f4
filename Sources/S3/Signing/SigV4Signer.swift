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
  private let accessKeyID: String
  private let key: SigningKey

  /// - Parameter keys: where keys of earlier requests are kept.
  init(
    accessKeyID: String, secretAccessKey: Secret, region: String, service: String = "s3",
    timestamp: Timestamp, keys: SigningKeys = SigningKeys()
  ) {
    date = timestamp.basicISO8601
    self.accessKeyID = accessKeyID
    key = keys.key(
      secretAccessKey: secretAccessKey, date: String(date.prefix(8)), region: region,
      service: service)
  }

  /// The value of the `Authorization` header.
  func authorization(for request: Request) -> String {
    let headers = CanonicalHeaders(request.headers)
    var text: [UInt8] = []
    text.reserveCapacity(512)
    text += Self.algorithm.utf8
    text += " Credential=".utf8
    text += accessKeyID.utf8
    text.append(UInt8(ascii: "/"))
    text += key.scope.utf8
    text += ", SignedHeaders=".utf8
    text += headers.names
    text += ", Signature=".utf8
    text += key.signature(of: stringToSign(canonicalRequest(request, headers)))
    return String(decoding: text, as: UTF8.self)
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
      QueryItem("X-Amz-Credential", "\(accessKeyID)/\(key.scope)"),
      QueryItem("X-Amz-Date", date),
      QueryItem("X-Amz-Expires", String(expiresInSeconds)),
      QueryItem("X-Amz-SignedHeaders", headers.names),
    ]
    if let sessionToken {
      request.query.append(QueryItem("X-Amz-Security-Token", sessionToken.revealed))
    }
    let signature = key.signature(of: stringToSign(canonicalRequest(request, headers)))
    return request.query + [QueryItem("X-Amz-Signature", signature)]
  }

  // In bytes, since thousands of requests a second are signed.

  func canonicalRequest(_ request: Request) -> [UInt8] {
    canonicalRequest(request, CanonicalHeaders(request.headers))
  }

  private func canonicalRequest(_ request: Request, _ headers: CanonicalHeaders) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(1024)
    text.append(line: request.method.utf8)
    text.append(line: request.path.utf8)
    text.append(line: request.query.sorted().encoded.utf8)
    text.append(line: headers.lines)
    text.append(line: headers.names)
    text += request.payloadHash.utf8
    return text
  }

  func stringToSign(_ canonicalRequest: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(256)
    text.append(line: Self.algorithm.utf8)
    text.append(line: date.utf8)
    text.append(line: key.scope.utf8)
    text += Digest.hexBytes(Digest.sha256(canonicalRequest))
    return text
  }
}

/// Header fields as they are signed: one line a name, in small letters and in order.
private struct CanonicalHeaders {
  /// `host:example.com`, each ended by a line feed.
  private(set) var lines: [UInt8] = []
  /// `host;x-amz-date`
  private(set) var names: [UInt8] = []

  init(_ headers: [HTTPHeader]) {
    var fields = headers.enumerated().map { (index, header) in
      (name: header.name.inSmallLetters, index: index, value: header.value)
    }
    fields.sort { $0.name == $1.name ? $0.index < $1.index : $0.name < $1.name }
    lines.reserveCapacity(768)
    names.reserveCapacity(192)
    var last: String?
    for field in fields {
      if field.name == last {
        lines.removeLast()
        lines.append(UInt8(ascii: ","))
      } else {
        lines += field.name.utf8
        lines.append(UInt8(ascii: ":"))
        if last != nil { names.append(UInt8(ascii: ";")) }
        names += field.name.utf8
      }
      add(field.value)
      lines.append(UInt8(ascii: "\n"))
      last = field.name
    }
  }

  /// Without blanks at the ends, and one blank for each run of blanks within.
  private mutating func add(_ value: String) {
    // As nearly all are.
    guard !value.allBytes({ $0 > 0x20 }) else {
      lines += value.utf8
      return
    }
    var isBeforeFirst = true
    var owesBlank = false
    for byte in value.utf8 {
      if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
        owesBlank = !isBeforeFirst
        continue
      }
      if owesBlank { lines.append(0x20) }
      lines.append(byte)
      isBeforeFirst = false
      owesBlank = false
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(line: some Sequence<UInt8>) {
    append(contentsOf: line)
    append(UInt8(ascii: "\n"))
  }
}

extension String {
  /// The name of a header field, which is ASCII. Nearly all are in small letters.
  fileprivate var inSmallLetters: String {
    allBytes { !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) } ? self : lowercased()
  }
}
