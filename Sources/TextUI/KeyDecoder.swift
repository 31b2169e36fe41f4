/// Turns the bytes a terminal sends into keys and pastes. It reads no clock: each call says when.
///
/// Understands the sequences of xterm, VT220, the Linux console, rxvt, screen and tmux, in CSI and
/// SS3 form, with modifiers (which are ignored, but for Shift-Tab). What it does not know, such as
/// mouse and focus reports, is swallowed whole rather than read as keys.
///
/// On a slow line a sequence arrives in pieces. `Esc` therefore waits up to ``escapeWait`` for a
/// `[` or `O`; any other byte, or none, makes it the key by itself.
///
/// Source: XTerm Control Sequences; ECMA-48, section 5.4.
public struct KeyDecoder: Sendable {
  public typealias Instant = ContinuousClock.Instant

  private enum State {
    case ground
    /// `Esc` came; `isSplit` when it was the last byte that was read.
    case escape(isSplit: Bool)
    /// Between `Esc [` and the final byte.
    case csi([UInt8])
    /// Three bytes follow `Esc [ M`: a mouse report of the oldest kind.
    case mouse(left: Int)
    /// After `Esc O`; digits are modifiers of some terminals.
    case ss3
    /// Inside of a string sequence (OSC, DCS, APC, PM, SOS) until BEL or `Esc \`.
    case string(sawEscape: Bool)
    /// Inside of a bracketed paste.
    case paste([UInt8])
    /// The beginning of a character in UTF-8.
    case character([UInt8], needed: Int)
  }

  /// How long `Esc` waits for the rest of a sequence.
  public let escapeWait: Duration
  /// How long a sequence that has begun waits for its next byte before it is given up.
  private static let sequenceWait = Duration.seconds(2)
  /// The same for a paste: its rest must not be read as keys just because the line is slow.
  private static let pasteWait = Duration.seconds(10)
  /// A paste is cut at this many bytes.
  private static let pasteLimit = 1 << 20
  private static let sequenceLimit = 64

  private var state = State.ground
  /// When what is held becomes an event or is given up, if nothing more comes; nil when nothing is
  /// held. Call ``expire(at:)`` then.
  public private(set) var deadline: Instant?

  public init(escapeWait: Duration = .milliseconds(500)) {
    self.escapeWait = escapeWait
  }

  public mutating func feed(_ bytes: some Sequence<UInt8>, at now: Instant) -> [InputEvent] {
    var events = expire(at: now)
    for byte in bytes { step(byte, &events) }
    if case .escape = state { state = .escape(isSplit: true) }
    deadline = wait.map { now.advanced(by: $0) }
    return events
  }

  /// Delivers or gives up what has waited long enough.
  public mutating func expire(at now: Instant) -> [InputEvent] {
    guard let deadline, deadline <= now else { return [] }
    self.deadline = nil
    defer { state = .ground }
    switch state {
    case .escape: return [.key(KeyPress(.escape))]
    case .paste(let bytes): return [Self.pasted(bytes)]
    default: return []
    }
  }

  private var wait: Duration? {
    switch state {
    case .ground: nil
    case .escape, .string: escapeWait
    case .paste: Self.pasteWait
    default: Self.sequenceWait
    }
  }

  private mutating func step(_ byte: UInt8, _ events: inout [InputEvent]) {
    switch state {
    case .ground: ground(byte, &events)
    case .escape(let isSplit): afterEscape(byte, isSplit: isSplit, &events)
    case .csi(let bytes): csi(byte, bytes, &events)
    case .mouse(let left): state = left > 1 ? .mouse(left: left - 1) : .ground
    case .ss3: ss3(byte, &events)
    case .string(let sawEscape): string(byte, sawEscape: sawEscape)
    case .paste: paste(byte, &events)
    case .character(let bytes, let needed): character(byte, bytes, needed: needed, &events)
    }
  }

  private mutating func ground(_ byte: UInt8, _ events: inout [InputEvent]) {
    state = .ground
    switch byte {
    case 0x1B: state = .escape(isSplit: false)
    case 0x0D, 0x0A: events.append(.key(KeyPress(.enter)))
    case 0x09: events.append(.key(KeyPress(.tab)))
    case 0x08, 0x7F: events.append(.key(KeyPress(.backspace)))
    case 0x00: events.append(.key(KeyPress(.control("@"))))
    case 0x01...0x1A:
      events.append(.key(KeyPress(.control(Character(Unicode.Scalar(byte + 0x60))))))
    case 0x1C...0x1F:
      events.append(.key(KeyPress(.control(Character(Unicode.Scalar(byte + 0x40))))))
    case 0x20...0x7E: events.append(.key(KeyPress(.character(Character(Unicode.Scalar(byte))))))
    case 0xC2...0xDF: state = .character([byte], needed: 2)
    case 0xE0...0xEF: state = .character([byte], needed: 3)
    case 0xF0...0xF4: state = .character([byte], needed: 4)
    default: break  // no character begins so
    }
  }

  private mutating func afterEscape(
    _ byte: UInt8, isSplit: Bool, _ events: inout [InputEvent]
  ) {
    switch byte {
    case UInt8(ascii: "["): state = .csi([])
    case UInt8(ascii: "O"): state = .ss3
    case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"),
      UInt8(ascii: "X"):
      // Typed after Esc these are keys; a terminal's answer comes in one piece with its Esc.
      if isSplit { fallthrough }
      state = .string(sawEscape: false)
    default:
      events.append(.key(KeyPress(.escape)))
      ground(byte, &events)
    }
  }

  private mutating func csi(_ byte: UInt8, _ held: [UInt8], _ events: inout [InputEvent]) {
    switch byte {
    case 0x1B: state = .escape(isSplit: false)  // a new sequence; the old one was cut off
    case 0x40...0x7E:
      // The Linux console sends Esc [ [ A for F1.
      if byte == UInt8(ascii: "["), held.isEmpty {
        state = .csi([byte])
        return
      }
      state = .ground
      finishCSI(final: byte, held, &events)
    case UInt8(ascii: "$") where !held.isEmpty && held.allSatisfy(Self.isDigit):
      // Shift with a numbered key in rxvt.
      state = .ground
      finishCSI(final: byte, held, &events)
    case 0x20...0x3F where held.count < Self.sequenceLimit: state = .csi(held + [byte])
    case 0x20...0x3F: state = .csi(held)
    default:
      // A control character inside of a sequence: the sequence was cut off.
      ground(byte, &events)
    }
  }

  private mutating func finishCSI(final: UInt8, _ held: [UInt8], _ events: inout [InputEvent]) {
    if held == [UInt8(ascii: "[")] {
      if (UInt8(ascii: "A")...UInt8(ascii: "E")).contains(final) {
        events.append(.key(KeyPress(.function(Int(final) - 64))))
      }
      return
    }
    if final == UInt8(ascii: "M"), held.isEmpty {
      state = .mouse(left: 3)
      return
    }
    let text = String(decoding: held, as: UTF8.self)
    guard text.allSatisfy({ $0.isNumber || $0 == ";" || $0 == ":" }) else { return }
    let numbers = text.split(separator: ";", omittingEmptySubsequences: false).map {
      Int($0.prefix { $0 != ":" }) ?? 1
    }
    switch final {
    // rxvt ends its sequences in ^ with Ctrl, in $ with Shift, in @ with both.
    case UInt8(ascii: "~"), UInt8(ascii: "^"), UInt8(ascii: "$"), UInt8(ascii: "@"):
      switch numbers.first {
      case 200: state = .paste([])
      case 27: modified(numbers, &events)
      case let number?:
        if let key = Self.numbered[number] { events.append(.key(KeyPress(key))) }
      case nil: break
      }
    case UInt8(ascii: "u"): unicodeKey(numbers, &events)
    case UInt8(ascii: "Z"): events.append(.key(KeyPress(.backTab)))
    default:
      if let key = Self.lettered[final], held.isEmpty || numbers.first == 1 {
        events.append(.key(KeyPress(key)))
      }
    }
  }

  /// `Esc [ 27 ; modifiers ; code ~`: xterm's modifyOtherKeys.
  private mutating func modified(_ numbers: [Int], _ events: inout [InputEvent]) {
    guard numbers.count >= 3 else { return }
    unicodeKey([numbers[2], numbers[1]], &events)
  }

  /// `Esc [ code ; modifiers u`: a key by its Unicode number.
  private mutating func unicodeKey(_ numbers: [Int], _ events: inout [InputEvent]) {
    guard let code = numbers.first, let value = UInt32(exactly: code),
      let scalar = Unicode.Scalar(value)
    else { return }
    let modifiers = numbers.count > 1 ? max(0, numbers[1] - 1) : 0
    let key: Key
    switch code {
    case 13: key = .enter
    case 27: key = .escape
    case 9: key = modifiers & 1 != 0 ? .backTab : .tab
    case 8, 127: key = .backspace
    case 0..<32: return
    // Keys without a character have numbers in the Private Use Area.
    case 57_344...63_743: return
    default:
      let isControl = modifiers & 4 != 0 && scalar.isASCII
      key =
        isControl
        ? .control(Character(Character(scalar).lowercased())) : .character(Character(scalar))
    }
    events.append(.key(KeyPress(key)))
  }

  private mutating func ss3(_ byte: UInt8, _ events: inout [InputEvent]) {
    switch byte {
    case 0x1B: state = .escape(isSplit: false)
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ";"): break
    case 0x40...0x7E:
      state = .ground
      if let key = Self.lettered[byte] ?? Self.keypad[byte] {
        events.append(.key(KeyPress(key)))
      }
    default: ground(byte, &events)
    }
  }

  private mutating func string(_ byte: UInt8, sawEscape: Bool) {
    switch byte {
    case 0x1B: state = .string(sawEscape: true)
    case 0x00..<0x20: state = .ground
    case UInt8(ascii: "\\") where sawEscape: state = .ground
    default: state = .string(sawEscape: false)
    }
  }

  private mutating func paste(_ byte: UInt8, _ events: inout [InputEvent]) {
    guard case .paste(var bytes) = state else { return }
    state = .ground  // so that the array is not copied for each byte
    bytes.append(byte)
    if byte == UInt8(ascii: "~"), bytes.suffix(Self.pasteEnd.count).elementsEqual(Self.pasteEnd) {
      bytes.removeLast(Self.pasteEnd.count)
      events.append(Self.pasted(bytes))
      return
    }
    if bytes.count > 2 * Self.pasteLimit {
      // The end mark may be split, so its possible beginning stays.
      bytes.removeSubrange(Self.pasteLimit..<bytes.count - Self.pasteEnd.count)
    }
    state = .paste(bytes)
  }

  private static func pasted(_ bytes: [UInt8]) -> InputEvent {
    .paste(String(decoding: bytes.prefix(pasteLimit), as: UTF8.self))
  }

  private mutating func character(
    _ byte: UInt8, _ held: [UInt8], needed: Int, _ events: inout [InputEvent]
  ) {
    guard byte & 0xC0 == 0x80 else {
      ground(byte, &events)
      return
    }
    let bytes = held + [byte]
    guard bytes.count == needed else {
      state = .character(bytes, needed: needed)
      return
    }
    state = .ground
    guard let text = String(validating: bytes, as: UTF8.self), let character = text.first,
      let scalar = text.unicodeScalars.first, scalar.properties.generalCategory != .control
    else { return }
    events.append(.key(KeyPress(.character(character))))
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static let pasteEnd = Array("\u{1B}[201~".utf8)

  private static let numbered: [Int: Key] = [
    1: .home, 2: .insert, 3: .delete, 4: .end, 5: .pageUp, 6: .pageDown, 7: .home, 8: .end,
    11: .function(1), 12: .function(2), 13: .function(3), 14: .function(4), 15: .function(5),
    17: .function(6), 18: .function(7), 19: .function(8), 20: .function(9), 21: .function(10),
    23: .function(11), 24: .function(12),
  ]

  private static let lettered: [UInt8: Key] = [
    UInt8(ascii: "A"): .up, UInt8(ascii: "B"): .down, UInt8(ascii: "C"): .right,
    UInt8(ascii: "D"): .left, UInt8(ascii: "a"): .up, UInt8(ascii: "b"): .down,
    UInt8(ascii: "c"): .right, UInt8(ascii: "d"): .left, UInt8(ascii: "H"): .home,
    UInt8(ascii: "F"): .end,
    UInt8(ascii: "P"): .function(1), UInt8(ascii: "Q"): .function(2),
    UInt8(ascii: "R"): .function(3), UInt8(ascii: "S"): .function(4),
  ]

  /// The numeric keypad in application mode.
  private static let keypad: [UInt8: Key] = {
    var keys: [UInt8: Key] = [UInt8(ascii: "M"): .enter, UInt8(ascii: "I"): .tab]
    for (code, character) in zip(UInt8(ascii: "j")...UInt8(ascii: "y"), "*+,-./0123456789") {
      keys[code] = .character(character)
    }
    keys[UInt8(ascii: "X")] = .character("=")
    keys[UInt8(ascii: " ")] = .character(" ")
    return keys
  }()
}
