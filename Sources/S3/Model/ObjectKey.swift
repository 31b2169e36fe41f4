/// The name of an object: any bytes, up to 1,024 of them.
///
/// Equal, hashed and ordered by its bytes, as S3 does: Swift finds `"é"` and `"e\u{301}"` equal,
/// S3 keeps both. Also used for prefixes, which are beginnings of keys.
///
/// Source: Amazon S3 User Guide, "Naming Amazon S3 objects".
public struct ObjectKey: Sendable, Hashable, Comparable {
  public var bytes: [UInt8]

  public init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  public init(bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes)
  }

  public init(_ text: some StringProtocol) {
    bytes = Array(text.utf8)
  }

  public static let empty = ObjectKey(bytes: [])

  public var isEmpty: Bool { bytes.isEmpty }

  /// For people only: bytes that are not UTF-8 become U+FFFD, control characters stay as they are.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The key as text when it is UTF-8, else nil.
  public var exactText: String? { String(validating: bytes, as: UTF8.self) }

  public var endsWithSlash: Bool { bytes.last == UInt8(ascii: "/") }

  public func hasPrefix(_ prefix: ObjectKey) -> Bool { bytes.starts(with: prefix.bytes) }

  /// What follows the last `/`; for `a/b/` it is `b/`, for `a//` it is `/`.
  public var lastSegment: ArraySlice<UInt8> {
    let end = endsWithSlash ? bytes.endIndex - 1 : bytes.endIndex
    let start = bytes[..<end].lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    return bytes[start...]
  }

  /// The prefix one level up, ending in `/` or empty: `a/b/` for `a/b/c`, `a/` for `a/b/`.
  public var parentPrefix: ObjectKey {
    let end = endsWithSlash ? bytes.endIndex - 1 : bytes.endIndex
    guard let slash = bytes[..<end].lastIndex(of: UInt8(ascii: "/")) else { return .empty }
    return ObjectKey(bytes: Array(bytes[...slash]))
  }

  /// All at once: an array feeds its elements one by one.
  public func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }

  public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  public static func + (left: ObjectKey, right: ObjectKey) -> ObjectKey {
    ObjectKey(bytes: left.bytes + right.bytes)
  }
}
