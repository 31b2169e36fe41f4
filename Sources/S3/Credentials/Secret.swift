/// Text that is shown nowhere: every description, reflection and dump of it is `•••`.
///
/// Deliberately not Codable.
public struct Secret: Sendable, Hashable {
  private let text: String

  public init(_ text: String) {
    self.text = text
  }

  public var isEmpty: Bool { text.isEmpty }

  /// The text itself, to sign or to send with. Never to be logged or shown.
  public var revealed: String { text }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "•••" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
