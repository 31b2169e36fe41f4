import S3

/// One JSON object on one line, its members in the order they were added.
///
/// Written by hand because an encoder costs Foundation's start-up and sorts or shuffles the members.
struct JSONLine: Sendable {
  private var members: [UInt8] = []

  /// Without a line end.
  var bytes: [UInt8] { [UInt8(ascii: "{")] + members + [UInt8(ascii: "}")] }

  /// Adds nothing when `value` is nil.
  mutating func add(_ name: String, _ value: String?) {
    guard let value else { return }
    addName(name)
    members.append(contentsOf: Self.quoted(value))
  }

  mutating func add(_ name: String, _ value: Int64?) {
    guard let value else { return }
    addName(name)
    members.append(contentsOf: String(value).utf8)
  }

  mutating func add(_ name: String, _ value: Bool) {
    addName(name)
    members.append(contentsOf: (value ? "true" : "false").utf8)
  }

  mutating func add(_ name: String, _ value: Timestamp?) {
    add(name, value?.iso8601)
  }

  /// A member that is an object itself.
  mutating func add(_ name: String, _ value: JSONLine) {
    addName(name)
    members.append(contentsOf: value.bytes)
  }

  /// A member that is a list of objects.
  mutating func add(_ name: String, _ values: [JSONLine]) {
    addName(name)
    members.append(UInt8(ascii: "["))
    members.append(contentsOf: values.map(\.bytes).joined(separator: [UInt8(ascii: ",")]))
    members.append(UInt8(ascii: "]"))
  }

  /// Adds the text of `bytes`, and `nameBase64` beside it when they are not UTF-8.
  mutating func add(_ name: String, bytes: [UInt8]) {
    add(name, String(decoding: bytes, as: UTF8.self))
    if String(validating: bytes, as: UTF8.self) == nil {
      add(name + "Base64", Base64.encode(bytes))
    }
  }

  private mutating func addName(_ name: String) {
    if !members.isEmpty { members.append(UInt8(ascii: ",")) }
    members.append(contentsOf: Self.quoted(name))
    members.append(UInt8(ascii: ":"))
  }

  /// RFC 8259, section 7. Also escapes DEL, C1 and the controls of bidirectional text, which are
  /// allowed raw but must not reach a terminal.
  private static func quoted(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": bytes.append(contentsOf: "\\\"".utf8)
      case "\\": bytes.append(contentsOf: "\\\\".utf8)
      case "\n": bytes.append(contentsOf: "\\n".utf8)
      case "\r": bytes.append(contentsOf: "\\r".utf8)
      case "\t": bytes.append(contentsOf: "\\t".utf8)
      case let scalar where needsEscape(scalar):
        let digits = String(scalar.value, radix: 16)
        bytes.append(
          contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
      default:
        bytes.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
      }
    }
    bytes.append(UInt8(ascii: "\""))
    return bytes
  }

  private static func needsEscape(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
