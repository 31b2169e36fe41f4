public import TextUI

/// One key, or several pressed one after the other, such as `o` `n`.
public struct KeySequence: Sendable, Hashable {
  public var presses: [KeyPress]

  public init(_ presses: [KeyPress]) {
    self.presses = presses
  }

  /// Reads what ``name`` writes: keys separated by a blank. nil when a key has no such name.
  public init?(parsing text: String) {
    var presses: [KeyPress] = []
    for word in text.split(separator: " ") {
      guard let press = KeyPress(name: String(word)) else { return nil }
      presses.append(press)
    }
    guard !presses.isEmpty else { return nil }
    self.presses = presses
  }

  /// As it is shown to a person: `o n`, `^d`, `Enter`, `↓`.
  public var name: String { presses.map(\.name).joined(separator: " ") }
}
