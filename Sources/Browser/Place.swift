public import S3

/// A prefix of a bucket: what the object pane lists.
public struct Place: Sendable, Hashable {
  public var bucket: BucketName
  /// Empty at the root of the bucket, else ending in `/`. Without a slash, as a person may write
  /// it, it names a prefix or an object: going there finds out which.
  public var prefix: ObjectKey

  public init(bucket: BucketName, prefix: ObjectKey = .empty) {
    self.bucket = bucket
    self.prefix = prefix
  }

  var isRoot: Bool { prefix.isEmpty }

  /// One level up; the root is its own parent.
  var parent: Place { Place(bucket: bucket, prefix: prefix.parentPrefix) }

  /// What is listed first on the way there: `2026` is meant as the prefix `2026/`.
  var listed: Place {
    prefix.isEmpty || prefix.endsWithSlash
      ? self : Place(bucket: bucket, prefix: prefix + ObjectKey("/"))
  }

  /// The s3:// URI as bytes: keys are not text.
  var uri: [UInt8] { Array("s3://\(bucket.text)/".utf8) + prefix.bytes }

  /// The s3:// URI for people.
  public var text: String { String(decoding: uri, as: UTF8.self) }

  /// Reads `s3://bucket/prefix/`, also without `s3://`. nil without a bucket.
  public init?(parsing text: String) {
    let bytes = Array(text.utf8.afterS3Scheme ?? text.utf8[...])
    let length = BucketName.length(in: bytes)
    guard length > 0 else { return nil }
    self.init(
      bucket: BucketName(String(decoding: bytes[..<length], as: UTF8.self)),
      prefix: ObjectKey(bytes: Array(bytes.dropFirst(length + 1))))
  }
}
