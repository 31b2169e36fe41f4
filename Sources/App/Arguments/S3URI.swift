import S3

/// A place as a user names it: `s3://bucket` or `s3://bucket/key`, nothing of it interpreted.
///
/// No percent-decoding: `%2F` and `?` are part of the key, as in every tool for S3.
struct S3URI: Sendable, Hashable {
  var bucket: BucketName
  /// Empty for the bucket itself. A key, or the beginning of keys.
  var key: ObjectKey

  init(bucket: BucketName, key: ObjectKey = .empty) {
    self.bucket = bucket
    self.key = key
  }

  /// - Parameter argument: as ``RawArguments`` gives it.
  init(parsing argument: String) throws(ArgumentProblem) {
    let bytes = RawArguments.bytes(of: argument)
    guard let rest = bytes.afterS3Scheme else {
      throw ArgumentProblem("expected s3://bucket or s3://bucket/key" + Self.hint(argument))
    }
    let name = rest.prefix(BucketName.length(in: rest))
    guard !name.isEmpty else {
      throw ArgumentProblem("a bucket's name is missing after s3://")
    }
    guard let bucket = String(validating: name, as: UTF8.self) else {
      throw ArgumentProblem("a bucket's name is text, this one has bytes that are not UTF-8")
    }
    self.bucket = BucketName(bucket)
    key = ObjectKey(bytes: Array(rest.dropFirst(name.count + 1)))
  }

  /// Whether somebody wants to name a place, be it in the right way or not.
  static func isMeant(by argument: String) -> Bool { argument.prefix(3).lowercased() == "s3:" }

  /// What was perhaps meant by a place without its beginning; nothing for what looks like a file.
  private static func hint(_ argument: String) -> String {
    let words = isMeant(by: argument) ? argument.dropFirst(3) : argument[...]
    let place = words.drop { $0 == "/" }
    let isPath = words == argument[...] && ["/", ".", "~"].contains { argument.hasPrefix($0) }
    guard let first = place.first, first.isLetter || first.isNumber, !isPath,
      !place.contains("://")
    else { return "" }
    return "; perhaps s3://\(place)"
  }

  var location: ObjectLocation { ObjectLocation(bucket: bucket, key: key) }

  /// The bytes of `s3://bucket/key`.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(6 + bucket.text.utf8.count + key.bytes.count)
    bytes += "s3://".utf8
    bytes += bucket.text.utf8
    if !key.isEmpty {
      bytes.append(UInt8(ascii: "/"))
      bytes += key.bytes
    }
    return bytes
  }
}

extension BucketName {
  /// Of an option: the name, or the place `s3://name`, which other arguments take.
  static func named(_ argument: String) throws -> BucketName {
    guard !S3URI.isMeant(by: argument) else { return try S3URI.bucket(parsing: argument) }
    return BucketName(try TextArgument.filled(argument))
  }
}

/// Why an argument cannot be used, in words that follow "The value … is invalid: ".
struct ArgumentProblem: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }
}
