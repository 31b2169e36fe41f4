internal import HTTP

/// Host and path of a request: which server is asked for what.
struct S3Target {
  var scheme: Endpoint.Scheme
  /// The `Host` header.
  var host: String
  /// Percent-encoded, beginning with `/`.
  var path: String

  /// - Throws: `invalidRequest` where the URL would mean something else: an empty key names the
  ///   bucket, and an empty bucket name the account.
  ///
  /// - Parameter isAboutBucketItself: true for what an accelerated endpoint does not do.
  init(
    endpoint: Endpoint, bucket: BucketName?, key: ObjectKey?, isAboutBucketItself: Bool = false
  ) throws(S3Error.Cause) {
    scheme = endpoint.scheme
    host = endpoint.hostAndPort
    path = endpoint.basePath + "/"
    guard let bucket else { return }
    if let point = AccessPoint(bucket) {
      guard endpoint.awsRegion != nil else {
        throw .invalidRequest("only Amazon S3 has access points, and the endpoint is \(endpoint)")
      }
      host = point.host(endpoint.options)
      try add(key)
      return
    }
    guard !bucket.text.isEmpty, bucket.text != ".", bucket.text != "..",
      !bucket.text.utf8.contains(UInt8(ascii: "/"))
    else { throw .invalidRequest("\"\(bucket)\" cannot be a bucket's name") }
    if endpoint.usesHostName(for: bucket) {
      let accelerated = isAboutBucketItself ? nil : endpoint.acceleratedHost
      host = "\(bucket.text).\(accelerated ?? host)"
    } else {
      path += PercentEncoding.encode(bucket.text.utf8)
    }
    try add(key)
  }

  private mutating func add(_ key: ObjectKey?) throws(S3Error.Cause) {
    guard let key else { return }
    guard !key.isEmpty else { throw .invalidRequest("an object's key cannot be empty") }
    if !path.hasSuffix("/") { path += "/" }
    path += PercentEncoding.encode(key.bytes, keepingSlashes: true)
  }

  func url(query: [QueryItem]) -> String {
    var url = scheme.rawValue
    url.reserveCapacity(url.utf8.count + 3 + host.utf8.count + path.utf8.count)
    url += "://"
    url += host
    url += path
    return query.isEmpty ? url : "\(url)?\(query.encoded)"
  }
}
