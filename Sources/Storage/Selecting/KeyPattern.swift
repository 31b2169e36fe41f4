public import S3

/// A pattern for keys: `*` stands for any bytes, `/` among them, `?` for one character.
///
/// Everything else, brackets too, stands for itself. As in s5cmd, and as in the `--include` and
/// `--exclude` of `aws s3`: a key has no folders, so a `*` has no slash to stop at.
public struct KeyPattern: Sendable, Hashable {
  private static let star = UInt8(ascii: "*")
  private static let mark = UInt8(ascii: "?")

  public let bytes: [UInt8]

  public init(bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes)
  }

  public init(_ text: String) {
    self.init(bytes: text.utf8)
  }

  /// Whether any byte of it stands for something else.
  public var hasWildcard: Bool { bytes.contains { $0 == Self.star || $0 == Self.mark } }

  /// The bytes before the first wildcard: every key that matches begins with them.
  public var fixedPrefix: ObjectKey {
    ObjectKey(bytes: bytes.prefix { $0 != Self.star && $0 != Self.mark })
  }

  public func matches(_ key: ObjectKey) -> Bool { matches(key.bytes[...]) }

  /// Whether it is certain that it matches every key that begins with `prefix`.
  func matchesAll(under prefix: ObjectKey) -> Bool { bytes.last == Self.star && matches(prefix) }

  /// In time proportional to the product of both lengths at worst, however many `*` there are.
  public func matches(_ text: ArraySlice<UInt8>) -> Bool {
    var place = 0
    var position = text.startIndex
    // Where to go on when what follows the last `*` does not fit: one byte further.
    var lastStar: (place: Int, position: Int)?
    while position < text.endIndex {
      if place < bytes.count, bytes[place] == Self.star {
        lastStar = (place, position)
        place += 1
      } else if place < bytes.count, bytes[place] == Self.mark {
        position += Self.lengthOfCharacter(at: position, in: text)
        place += 1
      } else if place < bytes.count, bytes[place] == text[position] {
        position += 1
        place += 1
      } else if let (star, start) = lastStar {
        lastStar = (star, start + 1)
        place = star + 1
        position = start + 1
      } else {
        return false
      }
    }
    return bytes[place...].allSatisfy { $0 == Self.star }
  }

  /// One for a byte that is not UTF-8.
  private static func lengthOfCharacter(at start: Int, in text: ArraySlice<UInt8>) -> Int {
    let length =
      switch text[start] {
      case 0xC2...0xDF: 2
      case 0xE0...0xEF: 3
      case 0xF0...0xF4: 4
      default: 1
      }
    guard length > 1, start + length <= text.endIndex,
      text[(start + 1)..<(start + length)].allSatisfy({ $0 & 0xC0 == 0x80 })
    else { return 1 }
    return length
  }
}
