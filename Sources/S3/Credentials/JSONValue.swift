/// A JSON document, as far as answers with credentials and Pail's own sockets and notes
/// need it.
///
/// Own code, since this module does without Foundation. Source: RFC 8259.
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// As it stands.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// nil for what is no JSON, or nested deeper than 16 levels.
  package init?(parsing bytes: [UInt8]) {
    var reader = Reader(rest: bytes[...])
    guard let value = reader.value(depth: 0), reader.isAtEnd() else { return nil }
    self = value
  }

  /// Setting a member of what is no object does nothing.
  package subscript(_ name: String) -> JSONValue? {
    get { if case .object(let members) = self { members[name] } else { nil } }
    set {
      guard case .object(var members) = self else { return }
      members[name] = newValue
      self = .object(members)
    }
  }

  /// nil for what is no text, and for an empty one.
  package var string: String? {
    if case .string(let text) = self, !text.isEmpty { text } else { nil }
  }

  /// nil for what is no whole number, and for one too large.
  var integer: Int64? {
    if case .number(let text) = self {
      Int64(text) ?? Double(text).flatMap(Int64.init(exactly:))
    } else {
      nil
    }
  }

  /// As a document, the members of objects in the order of their names.
  package var bytes: [UInt8] { Array(text.utf8) }

  private var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let text): text
    case .string(let text): Self.quoted(text)
    case .array(let elements): "[" + elements.map(\.text).joined(separator: ", ") + "]"
    case .object(let members):
      "{"
        + members.sorted { $0.key < $1.key }
        .map { "\(Self.quoted($0.key)): \($0.value.text)" }.joined(separator: ", ") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{10FFFF}":
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>

    mutating func isAtEnd() -> Bool {
      skipBlanks()
      return rest.isEmpty
    }

    private mutating func skipBlanks() {
      rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    }

    private mutating func skip(_ text: StaticString) -> Bool {
      let matches = text.withUTF8Buffer { rest.starts(with: $0) }
      if matches { rest = rest.dropFirst(text.utf8CodeUnitCount) }
      return matches
    }

    mutating func value(depth: Int) -> JSONValue? {
      skipBlanks()
      guard depth < 16, let first = rest.first else { return nil }
      switch first {
      case UInt8(ascii: "{"): return object(depth: depth)
      case UInt8(ascii: "["): return array(depth: depth)
      case UInt8(ascii: "\""): return string().map { .string($0) }
      default:
        if skip("null") { return .null }
        if skip("true") { return .bool(true) }
        if skip("false") { return .bool(false) }
        let number = rest.prefix { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
        rest = rest.dropFirst(number.count)
        let text = String(decoding: number, as: UTF8.self)
        return Double(text) == nil ? nil : .number(text)
      }
    }

    private mutating func object(depth: Int) -> JSONValue? {
      rest = rest.dropFirst()
      var members: [String: JSONValue] = [:]
      skipBlanks()
      if skip("}") { return .object(members) }
      while true {
        skipBlanks()
        guard let name = string() else { return nil }
        skipBlanks()
        guard skip(":"), let value = value(depth: depth + 1) else { return nil }
        members[name] = value
        skipBlanks()
        if skip("}") { return .object(members) }
        guard skip(",") else { return nil }
      }
    }

    private mutating func array(depth: Int) -> JSONValue? {
      rest = rest.dropFirst()
      var elements: [JSONValue] = []
      skipBlanks()
      if skip("]") { return .array(elements) }
      while true {
        guard let value = value(depth: depth + 1) else { return nil }
        elements.append(value)
        skipBlanks()
        if skip("]") { return .array(elements) }
        guard skip(",") else { return nil }
      }
    }

    private mutating func string() -> String? {
      guard skip("\"") else { return nil }
      var text: [UInt8] = []
      while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
        case UInt8(ascii: "\\"):
          guard let scalar = escaped() else { return nil }
          text.append(contentsOf: String(Character(scalar)).utf8)
        case 0..<0x20: return nil
        default: text.append(byte)
        }
      }
      return nil
    }

    private mutating func escaped() -> Unicode.Scalar? {
      switch rest.popFirst() {
      case UInt8(ascii: "\""): return "\""
      case UInt8(ascii: "\\"): return "\\"
      case UInt8(ascii: "/"): return "/"
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{C}"
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "r"): return "\r"
      case UInt8(ascii: "t"): return "\t"
      case UInt8(ascii: "u"):
        guard let first = hexadecimal() else { return nil }
        guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) }
        guard skip("\\u"), let second = hexadecimal(), (0xDC00..<0xE000).contains(second) else {
          return nil
        }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      default: return nil
      }
    }

    private mutating func hexadecimal() -> UInt32? {
      let digits = rest.prefix(4)
      rest = rest.dropFirst(4)
      guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
      else { return nil }
      return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
  }
}
