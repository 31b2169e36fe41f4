/// Percent-encoding as S3 wants it: of bytes, with capital hexadecimal digits.
///
/// Source: S3 API Reference, "Signature Calculations for the Authorization Header", `UriEncode`.
enum PercentEncoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// `true` for the bytes of RFC 3986's unreserved characters, which stand for themselves.
  private static let isUnreserved: [Bool] = (0..<256).map { byte in
    switch UInt8(byte) {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  static func encode(_ bytes: some Sequence<UInt8>, keepingSlashes: Bool = false) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.underestimatedCount)
    for byte in bytes {
      if isUnreserved[Int(byte)] || (keepingSlashes && byte == UInt8(ascii: "/")) {
        text.append(byte)
      } else {
        text.append(UInt8(ascii: "%"))
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes behind `encoding-type=url`, where `+` is a blank and `%2B` a plus sign.
  ///
  /// A `%` that no two hexadecimal digits follow stands for itself.
  static func decode(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
      return bytes
    }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "%"), index + 2 < bytes.count, let high = bytes[index + 1].hexValue,
        let low = bytes[index + 2].hexValue
      {
        decoded.append(high << 4 | low)
        index += 3
      } else {
        decoded.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        index += 1
      }
    }
    return decoded
  }
}

extension UInt8 {
  fileprivate var hexValue: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}

/// One parameter of a query, kept percent-encoded: what is signed is what is sent.
struct QueryItem: Sendable, Hashable, Comparable {
  let encodedName: String
  let encodedValue: String

  init(_ name: String, _ value: some Sequence<UInt8>) {
    encodedName = PercentEncoding.encode(name.utf8)
    encodedValue = PercentEncoding.encode(value)
  }

  init(_ name: String, _ value: String = "") {
    self.init(name, value.utf8)
  }

  static func < (left: QueryItem, right: QueryItem) -> Bool {
    if left.encodedName != right.encodedName {
      return left.encodedName.utf8.lexicographicallyPrecedes(right.encodedName.utf8)
    }
    return left.encodedValue.utf8.lexicographicallyPrecedes(right.encodedValue.utf8)
  }
}

extension [QueryItem] {
  /// `a=1&b=`, without a question mark; a parameter without a value keeps its `=`.
  var encoded: String {
    isEmpty ? "" : map { "\($0.encodedName)=\($0.encodedValue)" }.joined(separator: "&")
  }
}
