import TextUI

/// A dialog: it lies over the panes and takes every key until it is closed.
///
/// Like a pane it is a value with synchronous changes; what it wants done goes into the ``Turn``.
protocol Overlay: Sendable {
  /// Which keys of the table work now.
  var place: KeyPlace { get }

  /// Called once when it opens, so that it can ask for what it shows.
  mutating func opened(_ turn: inout Turn)

  /// Offers a key to the text field that has the focus, before the key table is asked.
  ///
  /// - Returns: whether the key was used.
  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool

  /// Offers pasted text; `false` when there is no text field to take it.
  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool

  mutating func perform(_ command: Command, _ turn: inout Turn)

  /// Takes the answer to a request of its own; others are not its business.
  mutating func received(_ answer: Answer, to request: RequestID, _ turn: inout Turn)

  /// How many columns and rows it may draw on.
  mutating func resized(_ size: Size)

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries)
}

extension Overlay {
  mutating func opened(_ turn: inout Turn) {}
  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool { false }
  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool { false }
  mutating func received(_ answer: Answer, to request: RequestID, _ turn: inout Turn) {}
  mutating func resized(_ size: Size) {}
}
