import S3

/// The ways to write where an object is. An empty key stands for the bucket itself.
enum Links {
  /// nil for a key that is not UTF-8.
  static func uri(_ location: ObjectLocation) -> String? {
    location.key.exactText.map { "s3://\(location.bucket.text)/\($0)" }
  }

  /// Without a signature: opens only what is public.
  static func url(_ location: ObjectLocation, at endpoint: Endpoint) -> String {
    let key = percentEncoded(location.key.bytes)
    let bucket = percentEncoded(Array(location.bucket.text.utf8))
    return endpoint.isPathStyle
      ? "\(endpoint)/\(bucket)/\(key)"
      : "\(endpoint.scheme.rawValue)://\(bucket).\(endpoint.hostAndPort)\(endpoint.basePath)/\(key)"
  }

  /// nil for a key that is not UTF-8.
  ///
  /// Source: AWS General Reference, "Amazon Resource Names (ARNs)".
  static func arn(_ location: ObjectLocation, in region: Region) -> String? {
    let partition =
      region.text.hasPrefix("cn-")
      ? "aws-cn" : region.text.hasPrefix("us-gov-") ? "aws-us-gov" : "aws"
    let bucket = "arn:\(partition):s3:::\(location.bucket.text)"
    return location.key.isEmpty ? bucket : location.key.exactText.map { "\(bucket)/\($0)" }
  }

  private static func percentEncoded(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789ABCDEF".unicodeScalars)
    var text = ""
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "/"):
        text.unicodeScalars.append(UnicodeScalar(byte))
      default:
        text.append("%")
        text.unicodeScalars.append(digits[Int(byte >> 4)])
        text.unicodeScalars.append(digits[Int(byte & 15)])
      }
    }
    return text
  }
}
