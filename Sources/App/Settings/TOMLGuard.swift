/// Finds what toml++ 3.4 ends the whole program at, although it is only no TOML: four of its
/// asserts stand where a file leads to. Nothing that is TOML is among it.
///
/// Strings, comments and brackets are followed as far as it takes to know what stands in them. For
/// all else that is wrong toml++ has an error, and reads no further.
struct TOMLGuard {
  private var rest: ArraySlice<UInt8>
  private var line = 1
  /// The brackets of values that are open, the innermost last.
  private var open: [UInt8] = []
  /// The last byte that is no blank, comment or line break.
  private var last: UInt8?

  private static let newline = UInt8(ascii: "\n")
  private static let bracket = UInt8(ascii: "[")

  /// The first line that must not be read; nil where there is none.
  static func brokenLine(of bytes: [UInt8]) -> Int? {
    var guarded = TOMLGuard(
      rest: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...])
    while !guarded.rest.isEmpty {
      guard guarded.passStatement() else { return guarded.line }
    }
    return nil
  }

  private init(rest: ArraySlice<UInt8>) { self.rest = rest }

  /// Passes a header, or a key and its value, with the line break behind it.
  ///
  /// - Returns: `false` at what must not be read.
  private mutating func passStatement() -> Bool {
    rest = rest.drop(while: Self.isBlank)
    let isHeader = rest.first == Self.bracket
    guard !isHeader || hasName else { return false }
    open = []
    last = nil
    while let byte = rest.first {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        passString(byte)
        last = byte
        continue
      case UInt8(ascii: "#"):
        rest = rest.drop { $0 != Self.newline }
        continue
      case 0x0A...0x0C:
        // Vertical tab and form feed end the reading, but not within a string.
        if byte == Self.newline { line += 1 }
        rest.removeFirst()
        if open.isEmpty { return true }
        continue
      case UInt8(ascii: "{"), Self.bracket:
        if !isHeader { open.append(byte) }
      case UInt8(ascii: "}") where isInArray: return false
      case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
      case 0x30...0x39 where isAtValue:
        guard isSoundNumber else { return false }
      default:
        guard !isInArray || !beginsWithLineBreak else { return false }
      }
      if !Self.isBlank(byte), byte != UInt8(ascii: "\r") { last = byte }
      rest.removeFirst()
    }
    return true
  }

  private var isInArray: Bool { open.last == Self.bracket }

  private var isAtValue: Bool {
    last == UInt8(ascii: "=") || isInArray && (last == Self.bracket || last == UInt8(ascii: ","))
  }

  /// Whether a header goes on with what a name may begin with, or with an end that is too early.
  private var hasName: Bool {
    var rest = rest.dropFirst()
    if rest.first == Self.bracket { rest.removeFirst() }
    guard let byte = rest.first(where: { !Self.isBlank($0) }) else { return false }
    return switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "_-\"']".utf8.contains(byte)
    }
  }

  /// Whether behind a date nothing begins a time that is none: another character than a digit, or a
  /// single digit.
  private var isSoundNumber: Bool {
    var number = rest.prefix { !Self.endsValue($0) }
    let next = rest[number.endIndex...]
    number.removeAll { $0 == UInt8(ascii: "_") }
    let characters = Array(number)
    guard characters.count >= 10, characters[4] == UInt8(ascii: "-"),
      characters[7] == UInt8(ascii: "-")
    else { return true }
    if characters.count > 10 {
      let isTime = characters[10] | 0x20 == UInt8(ascii: "t")
      return !isTime || characters.count > 11 && Self.isDigit(characters[11])
    }
    let time = next.dropFirst().prefix { !Self.endsValue($0) }
    return next.first != 0x20 || time.count != 1 || !time.allSatisfy(Self.isDigit)
  }

  /// Those of Unicode: U+0085, U+2028 and U+2029.
  private var beginsWithLineBreak: Bool {
    rest.starts(with: [0xC2, 0x85])
      || rest.starts(with: [0xE2, 0x80]) && (0xA8...0xA9).contains(rest.dropFirst(2).first ?? 0)
  }

  /// One that does not end where it must ends with its line: there the reading ends.
  private mutating func passString(_ quote: UInt8) {
    let isLong = rest.starts(with: [quote, quote, quote])
    rest.removeFirst(isLong ? 3 : 1)
    while let byte = rest.first {
      if byte == quote {
        // Up to two of them may stand before the end of a long one.
        let count = isLong ? rest.prefix(5).prefix { $0 == quote }.count : 1
        rest.removeFirst(count)
        guard isLong, count < 3 else { return }
        continue
      }
      if byte == Self.newline {
        guard isLong else { return }
        line += 1
      }
      rest.removeFirst()
      let escapes = byte == UInt8(ascii: "\\") && quote == UInt8(ascii: "\"")
      if escapes, let escaped = rest.first, escaped != Self.newline { rest.removeFirst() }
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func endsValue(_ byte: UInt8) -> Bool {
    (0x09...0x0D).contains(byte) || " ]},#".utf8.contains(byte)
  }
}
