import TextUI

extension ListViewport {
  /// Moves as a command asks. `false` when the command is about something else.
  mutating func perform(_ command: Command) -> Bool {
    switch command {
    case .moveUp: move(by: -1)
    case .moveDown: move(by: 1)
    case .pageUp: pageUp()
    case .pageDown: pageDown()
    case .halfPageUp: halfPageUp()
    case .halfPageDown: halfPageDown()
    case .moveFirst: moveToStart()
    case .moveLast: moveToEnd()
    default: return false
    }
    return true
  }
}
