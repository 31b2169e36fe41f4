/// Base64 with padding (RFC 4648, section 4), for the few bytes of a checksum.
package enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  /// What each byte stands for; nil for those outside the alphabet.
  private static let digits: [Int?] = (0..<256).map { byte in
    alphabet.firstIndex { Int($0) == byte }
  }

  package static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = 0
      for index in 0..<3 {
        bits = bits << 8 | (index < group.count ? Int(group[start + index]) : 0)
      }
      for index in 0..<4 {
        let digit = alphabet[bits >> (18 - 6 * index) & 63]
        text.append(index <= group.count ? digit : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// nil when `text` is not Base64 with padding.
  package static func decode(_ text: String) -> [UInt8]? {
    let characters = Array(text.utf8)
    let symbols = characters.prefix { $0 != UInt8(ascii: "=") }
    let padding = characters.count - symbols.count
    guard characters.count.isMultiple(of: 4), padding <= 2,
      characters.suffix(padding).allSatisfy({ $0 == UInt8(ascii: "=") })
    else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(symbols.count * 3 / 4)
    var bits = 0
    var count = 0
    for character in symbols {
      guard let digit = digits[Int(character)] else { return nil }
      bits = bits << 6 | digit
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> count))
        bits &= (1 << count) - 1
      }
    }
    return bytes
  }
}
