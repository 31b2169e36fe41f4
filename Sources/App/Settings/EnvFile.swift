/// The assignments of a `.env` file: one `NAME=value` a line.
///
/// Blanks around `=`, an optional `export`, single or double quotes, and comments from a `#` at the
/// start of a line or after a blank. Nothing is expanded, and a backslash is a backslash: what
/// stands between the quotes is the value. CRLF and a byte order mark are taken as they come. When
/// a name occurs twice the last one counts, as in a shell.
struct EnvFile: Sendable, Equatable {
  private(set) var values: [String: String] = [:]
  /// The numbers, from 1, of lines that are neither an assignment nor empty nor a comment.
  ///
  /// Only numbers, since such a line may well hold a secret.
  private(set) var badLines: [Int] = []

  init() {}

  init(parsing bytes: [UInt8]) {
    var rest = bytes[...]
    if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
    let lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      switch Line(parsing: line) {
      case .empty: continue
      case .assignment(let name, let value): values[name] = value
      case .bad: badLines.append(index + 1)
      }
    }
  }

  private enum Line {
    case empty
    case assignment(name: String, value: String)
    case bad

    init(parsing line: ArraySlice<UInt8>) {
      var rest = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      rest = rest.drop(while: Self.isBlank)
      guard let first = rest.first, first != UInt8(ascii: "#") else {
        self = .empty
        return
      }
      let word = Array("export".utf8)
      if rest.starts(with: word), let next = rest.dropFirst(word.count).first, Self.isBlank(next) {
        rest = rest.dropFirst(word.count).drop(while: Self.isBlank)
      }
      let name = rest.prefix(while: Self.isNameByte)
      rest = rest.dropFirst(name.count).drop(while: Self.isBlank)
      guard let start = name.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(start),
        rest.first == UInt8(ascii: "="),
        let value = Self.value(of: rest.dropFirst()),
        let text = String(validating: value, as: UTF8.self), !value.contains(0)
      else {
        self = .bad
        return
      }
      self = .assignment(name: String(decoding: name, as: UTF8.self), value: text)
    }

    /// - Parameter raw: all that follows the `=`.
    /// - Returns: nil when a quotation mark is not closed, or followed by more than a comment.
    private static func value(of raw: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
      let trimmed = raw.drop(while: Self.isBlank)
      guard let mark = trimmed.first, mark == UInt8(ascii: "'") || mark == UInt8(ascii: "\"") else {
        // Searched in `raw`: in `NAME= # why` the comment follows the blank after the `=`.
        return unquoted(raw)
      }
      let inside = trimmed.dropFirst()
      guard let end = inside.firstIndex(of: mark) else { return nil }
      let after = inside[(end + 1)...].drop(while: Self.isBlank)
      guard after.isEmpty || after.first == UInt8(ascii: "#") else { return nil }
      return inside[..<end]
    }

    private static func unquoted(_ raw: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
      var end = raw.endIndex
      for index in raw.indices.dropFirst()
      where raw[index] == UInt8(ascii: "#") && isBlank(raw[index - 1]) {
        end = index
        break
      }
      var value = raw[..<end].drop(while: Self.isBlank)
      while let last = value.last, isBlank(last) { value = value.dropLast() }
      return value
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
      byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }
}
