/// A key as a person knows it.
public enum Key: Hashable, Sendable {
  /// A printable character; the space bar is `.character(" ")`.
  case character(Character)
  case enter, escape, tab, backTab, backspace, delete, insert
  case up, down, left, right, home, end, pageUp, pageDown
  /// F1 is `.function(1)`.
  case function(Int)
  /// Ctrl with a lower-case letter, or with one of `@ [ \ ] ^ _`.
  case control(Character)
}

/// One press of a key.
public struct KeyPress: Hashable, Sendable {
  public var key: Key

  public init(_ key: Key) {
    self.key = key
  }

  /// As shown in hints and help: `Enter`, `^d`, `j`, `F1`, `Space`.
  public var name: String {
    switch key {
    case .character(" "): "Space"
    case .character(let character): VisibleText(String(character)).text
    case .control(let character): "^\(character)"
    case .function(let number): "F\(number)"
    default: Self.names[key] ?? ""
    }
  }

  /// Reads what ``name`` writes, letter case of the long names aside; nil for anything else.
  public init?(name: String) {
    if let key = Self.keys[name.lowercased()] {
      self.init(key)
      return
    }
    if name.count == 1, let character = name.first, VisibleText(name).text == name {
      self.init(.character(character))
      return
    }
    let lower = name.lowercased()
    if lower == "space" {
      self.init(.character(" "))
    } else if lower.count == 2, lower.first == "^", let last = lower.last, last.isASCII {
      self.init(.control(last))
    } else if lower.first == "f", let number = Int(lower.dropFirst()), (1...24).contains(number) {
      self.init(.function(number))
    } else {
      return nil
    }
  }

  private static let names: [Key: String] = [
    .enter: "Enter", .escape: "Esc", .tab: "Tab", .backTab: "Shift-Tab", .backspace: "Backspace",
    .delete: "Delete", .insert: "Insert", .up: "↑", .down: "↓", .left: "←", .right: "→",
    .home: "Home", .end: "End", .pageUp: "PgUp", .pageDown: "PgDn",
  ]

  private static let keys: [String: Key] = names.reduce(into: [:]) {
    $0[$1.value.lowercased()] = $1.key
  }
}

/// What a terminal reports.
public enum InputEvent: Hashable, Sendable {
  case key(KeyPress)
  /// Text that was pasted, where the terminal marks it as such; raw, so show it as ``VisibleText``.
  case paste(String)
  case resize(Size)
}
