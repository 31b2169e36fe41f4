/// How a text went to the clipboard. Whether it arrived cannot be known.
public enum ClipboardRoute: Hashable, Sendable {
  /// Straight to the terminal.
  case terminal
  /// Through tmux, which must allow it (`set-clipboard on` or `allow-passthrough on`).
  case tmux
  /// Through GNU screen.
  case screen
  /// Nothing was sent: this terminal has no clipboard.
  case unsupported
  /// Nothing was sent: terminals drop a text as long as this.
  case tooLong
}

/// The bytes that put a text into the clipboard of the terminal that a person sits at, also over
/// SSH: OSC 52. Source: XTerm Control Sequences, "Operating System Commands".
struct Clipboard {
  /// In bytes of the text: what xterm and others accept, 100,000 bytes in base64.
  static let limit = 74_994
  /// GNU screen cuts strings that are longer than this.
  private static let screenChunk = 700

  let environment: [String: String]

  func sequence(for text: String) -> (route: ClipboardRoute, bytes: [UInt8]) {
    guard text.utf8.count <= Self.limit else { return (.tooLong, []) }
    let term = environment["TERM"] ?? ""
    let plain = "\u{1B}]52;c;" + Self.base64(Array(text.utf8)) + "\u{7}"
    if environment["TMUX"] != nil || term.hasPrefix("tmux") {
      // tmux takes one or the other, as it is set up.
      let doubled = plain.replacing("\u{1B}", with: "\u{1B}\u{1B}")
      return (.tmux, Array((plain + "\u{1B}Ptmux;" + doubled + "\u{1B}\\").utf8))
    }
    if environment["STY"] != nil || term.hasPrefix("screen") {
      // tmux may also call itself screen, and takes the plain one.
      return (.screen, Array((plain + Self.wrappedForScreen(plain)).utf8))
    }
    if ["", "linux", "dumb"].contains(term) || term.hasPrefix("vt") { return (.unsupported, []) }
    return (.terminal, Array(plain.utf8))
  }

  private static func wrappedForScreen(_ sequence: String) -> String {
    var rest = sequence[...]
    var wrapped = ""
    while !rest.isEmpty {
      wrapped += "\u{1B}P" + rest.prefix(screenChunk) + "\u{1B}\\"
      rest = rest.dropFirst(screenChunk)
    }
    return wrapped
  }

  /// RFC 4648, section 4; here so that the module needs no Foundation.
  static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var value: UInt32 = 0
      for index in 0..<3 {
        value = value << 8 | UInt32(index < group.count ? group[start + index] : 0)
      }
      for index in 0..<4 {
        let digit = alphabet[Int(value >> UInt32(18 - 6 * index)) & 63]
        result.append(index <= group.count ? digit : UInt8(ascii: "="))
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
