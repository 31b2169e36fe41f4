public import TextUI

/// One row of the key table: a command, the keys for it, where they work, and the words for it.
public struct KeyBinding: Sendable {
  public var command: Command
  public var keys: [KeySequence]
  public var places: Set<KeyPlace>
  /// What the help says, such as `delete marked or current`.
  public var help: String
  /// What the bottom row says, such as `delete`; nil leaves the command out of it.
  public var hint: String?
}

/// All keys: command × place → keys.
///
/// Decoding, the hints in the bottom row and the help are made from this one table, so that a key
/// which does something is always found in the help, and the other way round.
public struct KeyTable: Sendable {
  public private(set) var bindings: [KeyBinding]
  private var commands: [KeyPlace: [KeySequence: Command]] = [:]
  private var beginnings: [KeyPlace: Set<KeySequence>] = [:]

  public init(_ bindings: [KeyBinding]) {
    self.bindings = bindings
    for binding in bindings {
      for place in binding.places {
        for keys in binding.keys {
          commands[place, default: [:]][keys] = binding.command
          for length in 1..<max(keys.presses.count, 1) {
            beginnings[place, default: []].insert(KeySequence(Array(keys.presses.prefix(length))))
          }
        }
      }
    }
  }

  /// What keys pressed so far mean.
  public enum Meaning: Sendable, Hashable {
    case command(Command)
    /// The beginning of a longer sequence.
    case beginning
    case nothing
  }

  public func meaning(of presses: [KeyPress], in place: KeyPlace) -> Meaning {
    let keys = KeySequence(presses)
    if let command = commands[place]?[keys] { return .command(command) }
    return beginnings[place]?.contains(keys) == true ? .beginning : .nothing
  }

  /// The rows of the table that work in a place, in the order of the table.
  public func bindings(in place: KeyPlace) -> [KeyBinding] {
    bindings.filter { $0.places.contains(place) }
  }

  /// What may follow keys already pressed: the last key and its word.
  func continuations(of presses: [KeyPress], in place: KeyPlace) -> [(key: String, word: String)] {
    bindings(in: place).flatMap { binding in
      binding.keys.compactMap { keys in
        guard keys.presses.count == presses.count + 1, keys.presses.starts(with: presses),
          let last = keys.presses.last
        else { return nil }
        return (last.name, binding.hint ?? binding.help)
      }
    }
  }

  /// The hints of a place, most useful first: the first key of each, and its word.
  func hints(in place: KeyPlace) -> [(key: String, word: String)] {
    bindings(in: place).compactMap { binding in
      guard let hint = binding.hint, let keys = binding.keys.first, keys.presses.count == 1
      else { return nil }
      return (keys.name, hint)
    }
  }

  /// How the first key of a command is written, for texts that name a key.
  func keyName(for command: Command) -> String {
    bindings.first { $0.command == command }?.keys.first?.name ?? ""
  }

  /// The same for one place; nil when the command is not to be had there.
  func keyName(for command: Command, in place: KeyPlace) -> String? {
    bindings(in: place).first { $0.command == command }?.keys.first?.name
  }
}
