extension Collection<UInt8> {
  /// What follows the scheme of `s3://bucket/key`; nil where there is none.
  ///
  /// Source: RFC 3986, section 3.1: a scheme may be written in letters of either case.
  public var afterS3Scheme: SubSequence? {
    guard let first, first == UInt8(ascii: "s") || first == UInt8(ascii: "S") else { return nil }
    let rest = dropFirst()
    return rest.starts(with: "3://".utf8) ? rest.dropFirst(4) : nil
  }
}
