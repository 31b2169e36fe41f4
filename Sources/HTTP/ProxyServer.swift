/// A proxy, and who one is there.
///
/// Taken apart here and not by libcurl, which repeats what it does not understand, the password
/// too, in the words of an error.
public struct ProxyServer: Sendable, Hashable {
  /// Such as `http://proxy.example:3128`, without the user.
  let address: String
  let user: String?
  let password: String?

  /// The schemes with the port that each has where none is named: those of HTTP their own, as the
  /// AWS CLI has it, and not libcurl's 1080.
  private static let ports = [
    "http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080,
  ]

  /// Reads `http://user:password@proxy.example:3128`; without a scheme it is `http`.
  ///
  /// A password that should have been percent-encoded, as one with an `@`, is taken as it stands.
  ///
  /// - Returns: nil for another scheme, and for what names no host.
  public init?(parsing text: String) {
    var rest = text[...]
    var scheme = "http"
    if let mark = rest.firstRange(of: "://") {
      scheme = rest[..<mark.lowerBound].lowercased()
      rest = rest[mark.upperBound...]
    }
    guard let usualPort = Self.ports[scheme] else { return nil }
    var identity: Substring?
    if let at = rest.lastIndex(of: "@") {
      identity = rest[..<at]
      rest = rest[rest.index(after: at)...]
    }
    let authority = rest.prefix { $0 != "/" }
    let end = authority.last == "]" ? nil : authority.lastIndex(of: ":")
    let host = authority[..<(end ?? authority.endIndex)]
    guard Self.isHost(host) else { return nil }
    var port = usualPort
    if let end {
      let digits = authority[authority.index(after: end)...]
      guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits),
        (1...65_535).contains(number)
      else { return nil }
      port = number
    }
    address = "\(scheme)://\(host):\(port)"
    guard let identity else {
      (user, password) = (nil, nil)
      return
    }
    let parts = identity.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let (user, password) = (Self.decoded(parts[0]), parts.count > 1 ? Self.decoded(parts[1]) : "")
    // Neither can carry a NUL to libcurl.
    guard !(user + password).utf8.contains(0) else { return nil }
    (self.user, self.password) = (user, password)
  }

  private static func isHost(_ text: Substring) -> Bool {
    guard text.first == "[" else {
      return !text.isEmpty
        && text.utf8.allSatisfy { byte in
          switch byte {
          case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
          default: false
          }
        }
    }
    return text.count > 2 && text.last == "]"
      && text.dropFirst().dropLast().allSatisfy {
        $0.isASCII && ($0.isHexDigit || ":.".contains($0))
      }
  }

  /// What is no percent-encoding is kept.
  private static func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if byte == UInt8(ascii: "%"), digits.utf8.count == 2, digits.first?.isHexDigit == true,
        let value = UInt8(digits, radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension ProxyServer: CustomStringConvertible, CustomReflectable {
  /// `http://•••@proxy.example:3128`.
  public var description: String {
    guard user != nil, let mark = address.firstRange(of: "://") else { return address }
    return "\(address[..<mark.upperBound])•••@\(address[mark.upperBound...])"
  }
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
