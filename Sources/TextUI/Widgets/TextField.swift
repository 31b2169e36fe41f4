/// One line of text being typed: its characters, the cursor, and the keys that edit it.
public struct TextField: Hashable, Sendable {
  public private(set) var text: String
  /// In characters from the start, 0 through their count.
  public private(set) var cursor: Int

  /// The cursor stands at the end.
  public init(_ text: String = "") {
    self.text = text
    cursor = text.count
  }

  /// Replaces the text and puts the cursor at its end.
  public mutating func set(_ text: String) {
    self = TextField(text)
  }

  /// Edits the text when the key means something here.
  ///
  /// - Returns: False for keys that are somebody else's: Enter, Esc, Tab, up, down and the like.
  @discardableResult
  public mutating func handle(_ press: KeyPress) -> Bool {
    switch press.key {
    case .character(let character): insert(String(character))
    case .backspace, .control("h"): delete(cursor - 1..<cursor)
    case .delete, .control("d"): delete(cursor..<cursor + 1)
    case .left, .control("b"): cursor = max(0, cursor - 1)
    case .right, .control("f"): cursor = min(text.count, cursor + 1)
    case .home, .control("a"): cursor = 0
    case .end, .control("e"): cursor = text.count
    case .control("u"): delete(0..<cursor)
    case .control("k"): delete(cursor..<text.count)
    case .control("w"): delete(startOfWord()..<cursor)
    default: return false
    }
    return true
  }

  /// Inserts pasted text at the cursor. It becomes one line: line ends and tabs become blanks, the
  /// last line end goes, and other control characters are left out.
  public mutating func insert(_ pasted: String) {
    var scalars = String.UnicodeScalarView()
    var source = Substring(pasted)
    while let last = source.last, last.isNewline { source.removeLast() }
    for scalar in String(source).replacing("\r\n", with: "\n").unicodeScalars {
      switch scalar {
      case "\n", "\r", "\t": scalars.append(" ")
      case _ where scalar.properties.generalCategory == .control: continue
      default: scalars.append(scalar)
      }
    }
    let addition = String(scalars)
    guard !addition.isEmpty else { return }
    // A combining mark joins the character before it, so the count may grow by less.
    let after = text.count - cursor
    text.insert(contentsOf: addition, at: index(cursor))
    cursor = max(0, text.count - after)
  }

  /// What to show in a field of `columns`, and the cursor's column in it.
  ///
  /// A text wider than the field is scrolled so far that the cursor is in view, with something of
  /// what follows it.
  public func view(columns: Int) -> (text: VisibleText, cursor: Int) {
    guard columns > 0 else { return (.empty, 0) }
    let parts = text.map { VisibleText(String($0)) }
    let behind = parts[cursor...].reduce(1) { $0 + $1.width }  // the cursor may stand at the end
    let own = cursor < parts.count ? max(1, parts[cursor].width) : 1
    let reserved = min(behind, max(own, columns / 4))
    var before = parts[..<cursor].reduce(0) { $0 + $1.width }
    var offset = 0
    while before > 0, before + reserved > columns {
      before -= parts[offset].width
      offset += 1
    }
    let shown = parts[offset...].reduce(into: VisibleText.empty) { line, part in
      if line.width < columns { line += part }
    }
    return (shown.clipped(to: columns), before)
  }

  private func index(_ position: Int) -> String.Index {
    text.index(text.startIndex, offsetBy: min(max(0, position), text.count))
  }

  private mutating func delete(_ range: Range<Int>) {
    let lower = max(0, range.lowerBound)
    let upper = min(text.count, range.upperBound)
    guard lower < upper else { return }
    let after = text.count - upper
    text.removeSubrange(index(lower)..<index(upper))
    // Marks behind the gap may join what is before it.
    cursor = min(lower, max(0, text.count - after))
  }

  /// Blanks before the cursor, then up to a blank or `/`, as shells do for paths.
  private func startOfWord() -> Int {
    let characters = Array(text)
    var position = cursor
    while position > 0, characters[position - 1].isWhitespace || characters[position - 1] == "/" {
      position -= 1
    }
    while position > 0, !characters[position - 1].isWhitespace, characters[position - 1] != "/" {
      position -= 1
    }
    return position
  }
}
