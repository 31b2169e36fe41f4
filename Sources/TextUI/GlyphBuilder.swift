/// Turns scalars into glyphs, one at a time: marks join the character before them, and what must
/// not reach a terminal becomes an escape.
///
/// Terminals disagree about emoji sequences: a family joined by U+200D takes 2 columns in one and
/// 8 in another. So what joins and colours pictures is spelt out, as other invisible characters
/// are: the columns stay straight, and names that differ by it alone are told apart.
struct GlyphBuilder {
  /// More marks than this on one character are escaped: ncurses keeps four, and no script that
  /// people write needs more.
  static let maxMarks = 4

  private var glyphs: [VisibleText.Glyph] = []
  private var pending = Pending()

  /// The glyph that may still grow.
  private struct Pending {
    var scalars: [Unicode.Scalar] = []
    var width = 0
    var marks = 0
    var isEmoji = false
    var hasSelector = false
  }

  mutating func add(_ scalar: Unicode.Scalar) {
    let value = scalar.value
    // Most of what is drawn: ASCII, and the characters of boxes and bars.
    if value >= 0x20 && value < 0x7F || (0x2500...0x259F).contains(value) {
      flush()
      pending.scalars.append(scalar)
      pending.width = 1
      return
    }
    if join(scalar) { return }
    if Self.mustBeEscaped(scalar) {
      addEscape(Self.escape(scalar))
    } else if CellWidth.isMark(scalar) {
      addLoneMark(scalar)
    } else {
      flush()
      pending.scalars.append(scalar)
      pending.width = CellWidth.of(scalar)
      pending.isEmoji = value > 0xFF && scalar.properties.isEmoji
    }
  }

  /// A byte that is not part of any character.
  mutating func addInvalid(_ byte: UInt8) {
    addEscape("\\x" + Self.hex(UInt32(byte), digits: 2))
  }

  mutating func finish() -> [VisibleText.Glyph] {
    flush()
    return glyphs
  }

  /// Adds the scalar to the glyph before it, if that is where it belongs.
  private mutating func join(_ scalar: Unicode.Scalar) -> Bool {
    guard let base = pending.scalars.first else { return false }
    let value = scalar.value
    switch value {
    case 0xFE0F, 0xFE0E, 0xFE00...0xFE0D, 0xE0100...0xE01EF:
      return joinSelector(scalar, base: base)
    case 0x20E3 where Self.isKeycapBase(base) && pending.marks == 0:
      pending.scalars.append(scalar)
      pending.marks = 1
      if pending.hasSelector { pending.width = 2 }
      return true
    case 0x1F1E6...0x1F1FF:
      guard pending.scalars.count == 1, (0x1F1E6...0x1F1FF).contains(base.value) else {
        return false
      }
      pending.scalars.append(scalar)
      pending.width = 2
      return true
    default:
      guard CellWidth.isMark(scalar), !Self.mustBeEscaped(scalar),
        pending.marks < Self.maxMarks,
        !CellWidth.isTrailingJamo(scalar) || Self.takesJamo(base)
      else { return false }
      pending.scalars.append(scalar)
      pending.marks += 1
      return true
    }
  }

  /// Variation selectors are invisible; one alone behind a character that has variants is let be,
  /// since more of them could hide a message.
  private mutating func joinSelector(_ scalar: Unicode.Scalar, base: Unicode.Scalar) -> Bool {
    guard !pending.hasSelector, pending.marks == 0 else { return false }
    switch scalar.value {
    case 0xFE0F:
      guard pending.isEmoji || Self.isKeycapBase(base) else { return false }
      if pending.isEmoji { pending.width = 2 }
    case 0xFE0E:
      guard pending.isEmoji else { return false }
    case 0xFE00...0xFE0D:
      guard base.value > 0xFF, pending.scalars.count == 1 else { return false }
    default:
      guard base.properties.isIdeographic, pending.scalars.count == 1 else { return false }
    }
    pending.scalars.append(scalar)
    pending.hasSelector = true
    return true
  }

  private mutating func addEscape(_ escape: String) {
    flush()
    for character in escape.unicodeScalars {
      glyphs.append(VisibleText.Glyph(text: String(character), width: 1))
    }
  }

  /// A mark with nothing to sit on gets a dotted circle, so that it takes a column.
  private mutating func addLoneMark(_ scalar: Unicode.Scalar) {
    if CellWidth.isTrailingJamo(scalar) || !pending.scalars.isEmpty {
      // Too many marks, or half a Hangul syllable: a circle would not make it readable.
      addEscape(Self.escape(scalar))
      return
    }
    pending.scalars = ["\u{25CC}", scalar]
    pending.width = 1
    pending.marks = 1
  }

  private mutating func flush() {
    guard !pending.scalars.isEmpty else { return }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: pending.scalars)
    glyphs.append(VisibleText.Glyph(text: String(text), width: pending.width))
    pending.scalars.removeAll(keepingCapacity: true)
    pending.width = 0
    pending.marks = 0
    pending.isEmoji = false
    pending.hasSelector = false
  }

  // MARK: - What is what

  private static func isKeycapBase(_ scalar: Unicode.Scalar) -> Bool {
    ("0"..."9").contains(scalar) || scalar == "#" || scalar == "*"
  }

  /// Leading consonants and syllables of Hangul.
  private static func takesJamo(_ scalar: Unicode.Scalar) -> Bool {
    (0x1100...0x115E).contains(scalar.value) || (0xA960...0xA97C).contains(scalar.value)
      || (0xAC00...0xD7A3).contains(scalar.value)
  }

  /// Whatever is not seen, moves others about, or is not known.
  private static func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
    let value = scalar.value
    if value < 0x20 || (0x7F...0x9F).contains(value) || value == 0xAD { return true }
    if value < 0x300 { return false }
    let properties = scalar.properties
    if properties.isDefaultIgnorableCodePoint || properties.isEmojiModifier { return true }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned:
      return true
    default:
      return false
    }
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case _ where scalar.value < 0x80: "\\x" + hex(scalar.value, digits: 2)
    case _ where scalar.value < 0x10000: "\\u" + hex(scalar.value, digits: 4)
    default: "\\U" + hex(scalar.value, digits: 8)
    }
  }

  private static func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// UTF-8 as it comes, byte by byte; a byte that cannot be read is handed on as such.
///
/// Source: The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
struct ByteDecoder {
  private var held: [UInt8] = []
  private var needed = 0

  mutating func feed(_ byte: UInt8, into builder: inout GlyphBuilder) {
    if !held.isEmpty {
      if Self.isContinuation(byte, after: held) {
        held.append(byte)
        if held.count == needed { emit(into: &builder) }
        return
      }
      finish(into: &builder)
    }
    switch byte {
    case 0x00...0x7F: builder.add(Unicode.Scalar(byte))
    case 0xC2...0xDF: begin(byte, needed: 2)
    case 0xE0...0xEF: begin(byte, needed: 3)
    case 0xF0...0xF4: begin(byte, needed: 4)
    default: builder.addInvalid(byte)
    }
  }

  mutating func finish(into builder: inout GlyphBuilder) {
    for byte in held { builder.addInvalid(byte) }
    held.removeAll(keepingCapacity: true)
  }

  private mutating func begin(_ byte: UInt8, needed: Int) {
    held.append(byte)
    self.needed = needed
  }

  private mutating func emit(into builder: inout GlyphBuilder) {
    var value = UInt32(held[0]) & (0x7F >> UInt32(needed))
    for byte in held.dropFirst() { value = value << 6 | UInt32(byte & 0x3F) }
    if let scalar = Unicode.Scalar(value) {
      builder.add(scalar)
      held.removeAll(keepingCapacity: true)
    } else {
      finish(into: &builder)
    }
  }

  /// The second byte excludes overlong forms, surrogates and what lies above U+10FFFF.
  private static func isContinuation(_ byte: UInt8, after held: [UInt8]) -> Bool {
    guard held.count == 1 else { return (0x80...0xBF).contains(byte) }
    switch held[0] {
    case 0xE0: return (0xA0...0xBF).contains(byte)
    case 0xED: return (0x80...0x9F).contains(byte)
    case 0xF0: return (0x90...0xBF).contains(byte)
    case 0xF4: return (0x80...0x8F).contains(byte)
    default: return (0x80...0xBF).contains(byte)
    }
  }
}
