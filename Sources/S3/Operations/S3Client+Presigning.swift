internal import HTTP

extension S3Client {
  /// The longest time a presigned URL can work for: seven days.
  public static let maxPresignedExpiry = Duration.seconds(604_800)

  /// A URL that reads or writes one object without credentials.
  ///
  /// Nothing is sent, unless nobody has said in which region of Amazon S3 the bucket is: a URL is
  /// signed for one, and HeadBucket tells it.
  ///
  /// S3 API Reference: "Authenticating Requests: Using Query Parameters".
  ///
  /// - Parameters:
  ///   - expires: 1 second through 7 days, cut down to the end of the credentials.
  ///   - fileName: for GET, the name under which browsers save the object.
  ///   - contentType: for GET, what the answer will be called; for PUT, what the request must send.
  public func presign(
    _ method: PresignMethod, _ location: ObjectLocation, expires: Duration, fileName: String?,
    contentType: String?
  ) async throws(S3Error) -> PresignedURL {
    let credentials: Credentials
    do {
      let end = now().advanced(by: expires)
      credentials = try await withRetries { () async throws(CredentialError) in
        try await self.credentials.credentials(lastingUntil: end)
      }
    } catch {
      throw S3Error(.presign, .credentials(error))
    }
    guard !credentials.isAnonymous else {
      throw S3Error(
        .presign, .invalidRequest("a URL is signed with keys, and there are none"))
    }
    let bucket = location.bucket
    if isRegionAssumed, endpoint.awsRegion != nil, memory.region(of: bucket) == nil,
      AccessPoint(bucket) == nil
    {
      // Who may not ask gets a URL for the region that is assumed.
      _ = try? await headBucket(bucket)
    }
    do throws(S3Error.Cause) {
      return try presign(
        method, location, expires: expires, fileName: fileName, contentType: contentType,
        credentials)
    } catch {
      throw S3Error(.presign, error)
    }
  }

  private func presign(
    _ method: PresignMethod, _ location: ObjectLocation, expires: Duration, fileName: String?,
    contentType: String?, _ credentials: Credentials
  ) throws(S3Error.Cause) -> PresignedURL {
    guard expires >= .seconds(1), expires <= Self.maxPresignedExpiry else {
      throw .invalidRequest("a URL works for 1 second through 7 days")
    }
    let timestamp = now().advanced(by: memory.clockOffset)
    var seconds = expires.components.seconds
    var isShortened = false
    if let end = credentials.expires {
      let left = end.since(timestamp).components.seconds
      guard left >= 1 else { throw .credentials(.expired(end)) }
      isShortened = left < seconds
      seconds = min(seconds, left)
    }

    let region = homeRegion(of: location.bucket)
    let target = try S3Target(
      endpoint: endpoint.inRegion(region), bucket: location.bucket, key: location.key)
    var query: [QueryItem] = []
    var headers: [HTTPHeader] = []
    if let version = location.versionID, method == .get {
      query.append(QueryItem("versionId", version.text))
    }
    if let fileName, method == .get {
      query.append(
        QueryItem("response-content-disposition", ContentDisposition.attachment(fileName)))
    }
    if let contentType {
      switch method {
      case .get: query.append(QueryItem("response-content-type", contentType))
      case .put: headers.append(HTTPHeader("Content-Type", contentType))
      }
    }
    let signer = SigV4Signer(
      accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey,
      region: region.text, timestamp: timestamp)
    let signed = signer.presignedQuery(
      for: SigV4Signer.Request(
        method: method.rawValue, path: target.path, query: query,
        headers: headers + [HTTPHeader("Host", target.host)],
        payloadHash: SigV4Signer.unsignedPayload),
      expiresInSeconds: Int(seconds), sessionToken: credentials.sessionToken)
    return PresignedURL(
      url: target.url(query: signed), method: method,
      expiresAt: timestamp.advanced(by: .seconds(seconds)), requiredHeaders: headers,
      credentialsExpiry: credentials.expiry, isShortened: isShortened)
  }
}

extension Credentials {
  fileprivate var expiry: PresignedURL.CredentialsExpiry {
    if let expires { return .at(expires) }
    return isExpiryKnown ? .never : .unknown
  }
}

/// The header that gives a download its file name (RFC 6266, RFC 8187).
enum ContentDisposition {
  /// Both forms: one in ASCII for programs that know no other, and the name itself.
  static func attachment(_ fileName: String) -> String {
    let plain = fileName.unicodeScalars.map { scalar in
      let isPlain = (0x20..<0x7F).contains(scalar.value) && scalar != "\"" && scalar != "\\"
      return isPlain ? String(scalar) : "_"
    }.joined()
    let header = "attachment; filename=\"\(plain)\""
    guard plain != fileName else { return header }
    return header + "; filename*=UTF-8''\(PercentEncoding.encode(fileName.utf8))"
  }
}
