/// Splits a command as a POSIX shell splits words, and expands nothing.
///
/// Source: POSIX.1-2024, Shell Command Language, section 2.2, "Quoting".
enum ShellWords {
  /// nil when a quotation mark is not closed, or nothing follows the last backslash.
  static func split(_ text: String) -> [String]? {
    var words: [String] = []
    var word: [UInt8]?
    var quote: UInt8?
    var isEscaped = false
    for byte in text.utf8 {
      if isEscaped {
        isEscaped = false
        // Between double quotation marks a backslash protects only these two of what is left to
        // protect where nothing is expanded.
        if quote == UInt8(ascii: "\""), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
          word = (word ?? []) + [UInt8(ascii: "\\")]
        }
        word = (word ?? []) + [byte]
      } else if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'") {
        isEscaped = true
      } else if let mark = quote {
        if byte == mark { quote = nil } else { word = (word ?? []) + [byte] }
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        quote = byte
        word = word ?? []
      } else if [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
        if let word { words.append(String(decoding: word, as: UTF8.self)) }
        word = nil
      } else {
        word = (word ?? []) + [byte]
      }
    }
    guard quote == nil, !isEscaped else { return nil }
    if let word { words.append(String(decoding: word, as: UTF8.self)) }
    return words
  }
}
