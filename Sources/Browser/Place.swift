public import S3

/// A prefix of a bucket: what the object pane lists.
public struct Place: Sendable, Hashable {
  public var bucket: BucketName
  /// Empty at the root of the bucket, else usually ending in `/`.
  public var prefix: ObjectKey

  public init(bucket: BucketName, prefix: ObjectKey = .empty) {
    self.bucket = bucket
    self.prefix = prefix
  }

  var isRoot: Bool { prefix.isEmpty }

  /// One level up; the root is its own parent.
  var parent: Place { Place(bucket: bucket, prefix: prefix.parentPrefix) }

  /// The s3:// URI as bytes: keys are not text.
  var uri: [UInt8] { Array("s3://\(bucket.text)/".utf8) + prefix.bytes }

  /// The s3:// URI for people.
  public var text: String { String(decoding: uri, as: UTF8.self) }

  /// The place that a person means by a key: `2026` is the prefix `2026/`.
  public init(bucket: BucketName, listing key: ObjectKey) {
    self.init(
      bucket: bucket, prefix: key.isEmpty || key.endsWithSlash ? key : key + ObjectKey("/"))
  }

  /// Reads `s3://bucket/prefix/`, also without `s3://`. nil without a bucket.
  public init?(parsing text: String) {
    let bytes = Array(text.utf8.afterS3Scheme ?? text.utf8[...])
    let length = BucketName.length(in: bytes)
    guard length > 0 else { return nil }
    self.init(
      bucket: BucketName(String(decoding: bytes[..<length], as: UTF8.self)),
      listing: ObjectKey(bytes: Array(bytes.dropFirst(length + 1))))
  }
}
