/// Text that may be shown: what could move the cursor, reorder or hide characters is spelt out.
///
/// Control characters, bidirectional and other invisible formatting, characters unknown to Unicode
/// and bytes that are not UTF-8 become escapes such as `\x1b`, `\u202e` and `\xff`. The raw text
/// stays what is operated on; this is for the screen alone.
public struct VisibleText: Hashable, Sendable {
  /// A visible character with its combining marks, or a flag.
  struct Glyph: Hashable, Sendable {
    let text: String
    /// 1 or 2.
    let width: Int
  }

  private(set) var glyphs: [Glyph]
  /// In columns.
  public private(set) var width: Int

  public static let empty = VisibleText(glyphs: [])

  public init(_ text: some StringProtocol) {
    var builder = GlyphBuilder()
    for scalar in text.unicodeScalars { builder.add(scalar) }
    self.init(glyphs: builder.finish())
  }

  /// Reads the bytes as UTF-8; each byte that is not part of a character becomes `\xff`.
  public init(bytes: some Sequence<UInt8>) {
    var builder = GlyphBuilder()
    var decoder = ByteDecoder()
    for byte in bytes { decoder.feed(byte, into: &builder) }
    decoder.finish(into: &builder)
    self.init(glyphs: builder.finish())
  }

  init(glyphs: [Glyph]) {
    self.glyphs = glyphs
    width = glyphs.reduce(0) { $0 + $1.width }
  }

  private init(glyphs: ArraySlice<Glyph>) {
    self.init(glyphs: Array(glyphs))
  }

  public var isEmpty: Bool { glyphs.isEmpty }

  /// As shown, the escapes included.
  public var text: String { glyphs.reduce(into: "") { $0 += $1.text } }

  public static func + (left: VisibleText, right: VisibleText) -> VisibleText {
    VisibleText(glyphs: left.glyphs + right.glyphs)
  }

  public static func += (left: inout VisibleText, right: VisibleText) {
    left.glyphs += right.glyphs
    left.width += right.width
  }
}

extension VisibleText: ExpressibleByStringInterpolation {
  public init(stringLiteral value: String) { self.init(value) }
}

extension VisibleText: CustomStringConvertible {
  public var description: String { text }
}

// MARK: - Fitting

extension VisibleText {
  /// The longest beginning of at most `columns` columns; a wide character is never cut in half.
  public func clipped(to columns: Int) -> VisibleText {
    guard width > columns else { return self }
    return VisibleText(glyphs: glyphs[..<prefixEnd(columns: columns, from: 0)])
  }

  /// The longest end of at most `columns` columns.
  public func clippedAtStart(to columns: Int) -> VisibleText {
    guard width > columns else { return self }
    return VisibleText(glyphs: glyphs[suffixStart(columns: columns)...])
  }

  /// Shortened to `columns` with `…` in the middle, so that beginning and end stay readable.
  ///
  /// - Parameters:
  ///   - columns: The result is at most this wide; fewer than 1 gives an empty text.
  ///   - keepingExtension: The end keeps at least a file name extension (`.csv`, `.tar.gz`) when
  ///     that leaves room for a beginning.
  public func elidedInMiddle(to columns: Int, keepingExtension: Bool = true) -> VisibleText {
    guard width > columns else { return self }
    guard columns > 0 else { return .empty }
    let available = columns - 1
    var tail = available / 3
    if keepingExtension {
      let wanted = extensionWidth
      let most = available * 2 / 3
      // With a little of what stands before it, which is where numbered names differ.
      if wanted > 0, wanted <= most { tail = max(tail, min(wanted + available / 6, most)) }
    }
    let end = VisibleText(glyphs: glyphs[suffixStart(columns: tail)...])
    let start = VisibleText(glyphs: glyphs[..<prefixEnd(columns: available - end.width, from: 0)])
    return start + VisibleText("…") + end
  }

  /// Shortened to `columns` with `…` at the end.
  public func elidedAtEnd(to columns: Int) -> VisibleText {
    guard width > columns else { return self }
    guard columns > 0 else { return .empty }
    return VisibleText(glyphs: glyphs[..<prefixEnd(columns: columns - 1, from: 0)])
      + VisibleText("…")
  }

  public enum Alignment: Sendable { case left, right, center }

  /// Filled with blanks to exactly `columns`, clipped when too long.
  public func padded(to columns: Int, alignment: Alignment = .left) -> VisibleText {
    let fitting = clipped(to: max(0, columns))
    let missing = max(0, columns - fitting.width)
    switch alignment {
    case .left: return fitting + .blanks(missing)
    case .right: return .blanks(missing) + fitting
    case .center: return .blanks(missing / 2) + fitting + .blanks(missing - missing / 2)
    }
  }

  /// Lines of at most `columns`, broken at blanks where there are any, else anywhere.
  ///
  /// Line feeds have become `\n` before this sees them: a text of several lines is split first.
  public func wrapped(to columns: Int) -> [VisibleText] {
    guard width > columns, columns > 1 else { return [self] }
    var lines: [VisibleText] = []
    var start = 0
    while start < glyphs.count {
      var end = prefixEnd(columns: columns, from: start)
      if end < glyphs.count, glyphs[end].text != " ",
        let blank = glyphs[start..<end].lastIndex(where: { $0.text == " " }), blank > start
      {
        end = blank
      }
      lines.append(VisibleText(glyphs: glyphs[start..<end]))
      start = end
      while start < glyphs.count, glyphs[start].text == " " { start += 1 }
    }
    return lines
  }

  public static func blanks(_ count: Int) -> VisibleText {
    VisibleText(glyphs: Array(repeating: Glyph(text: " ", width: 1), count: max(0, count)))
  }

  /// The index after the last glyph that still fits.
  private func prefixEnd(columns: Int, from start: Int) -> Int {
    var used = 0
    var index = start
    while index < glyphs.count, used + glyphs[index].width <= columns {
      used += glyphs[index].width
      index += 1
    }
    return index
  }

  private func suffixStart(columns: Int) -> Int {
    var used = 0
    var index = glyphs.count
    while index > 0, used + glyphs[index - 1].width <= columns {
      used += glyphs[index - 1].width
      index -= 1
    }
    return index
  }

  /// The columns of `.csv`, or of `.tar.gz` where two short parts belong together; a trailing `/`
  /// counts. 0 for a name without extension.
  private var extensionWidth: Int {
    var total = 0
    var parts = 0
    var end = glyphs.count
    if glyphs.last?.text == "/" {
      total = 1
      end -= 1
    }
    while parts < 2, let dot = glyphs[..<end].lastIndex(where: { $0.text == "." }), dot > 0 {
      let part = glyphs[dot..<end]
      let limit = parts == 0 ? 10 : 5
      guard part.count > 1, part.count <= limit, !part.contains(where: { $0.text == " " }),
        parts == 0 || part.allSatisfy({ $0.text == "." || $0.text.allSatisfy(\.isLetter) })
      else { break }
      total += part.reduce(0) { $0 + $1.width }
      parts += 1
      end = dot
    }
    return total
  }
}
