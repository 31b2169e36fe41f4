/// An access point of Amazon S3, which stands in the place of a bucket's name as its ARN:
/// `arn:aws:s3:eu-west-1:111122223333:accesspoint/reports`.
///
/// Source: Amazon S3 User Guide, "Referencing access points with ARNs, access point aliases, or
/// virtual-hosted-style URIs".
struct AccessPoint: Sendable, Hashable {
  /// `aws`, or that of another group of regions.
  var partition: String
  var name: String
  var account: String
  var region: Region

  /// nil for any other name, and for parts that could not stand in a host name.
  init?(_ bucket: BucketName) {
    guard bucket.text.hasPrefix("arn:") else { return nil }
    let parts = bucket.text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "arn", parts[1].hasPrefix("aws"), parts[2] == "s3",
      let region = Region(fromServer: String(parts[3])),
      parts[4].utf8.count == 12, parts[4].utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    let resource = parts[5].split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == "/" || $0 == ":" })
    guard resource.count == 2, resource[0] == "accesspoint",
      BucketName(String(resource[1])).fitsHostLabel
    else { return nil }
    partition = String(parts[1])
    name = String(resource[1])
    account = String(parts[4])
    self.region = region
  }

  /// What names an object as the access point gives it. S3 API Reference: CopyObject,
  /// `x-amz-copy-source`.
  func copySource(of key: ObjectKey) -> String {
    let name = "arn:\(partition):s3:\(region.text):\(account):accesspoint/\(name)/object/"
    return PercentEncoding.encode(Array(name.utf8) + key.bytes, keepingSlashes: true)
  }

  func host(_ options: EndpointOptions) -> String {
    "\(name)-\(account).\(options.hostPrefix("s3-accesspoint")).\(region.text)."
      + Endpoint.domain(of: region)
  }
}

extension BucketName {
  /// How many of the first bytes of `bucket/key` are the bucket's name.
  ///
  /// Up to the first slash, but the ARN of an access point has one within.
  public static func length(in bytes: some Collection<UInt8>) -> Int {
    let first = bytes.prefix { $0 != UInt8(ascii: "/") }
    guard first.starts(with: "arn:".utf8),
      first.reversed().starts(with: "accesspoint".utf8.reversed())
    else { return first.count }
    return first.count + 1
      + bytes.dropFirst(first.count + 1).prefix { $0 != UInt8(ascii: "/") }.count
  }
}
