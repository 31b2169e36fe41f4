import Storage
import TextUI

extension StorageError {
  var messageAndCode: String { code.map { "\(message) (\($0))" } ?? message }

  /// What is said of it inside a dialog, where the bottom row is too short and `E` is a letter: the
  /// message with the code, and what to try.
  var lines: [Line] {
    [Line(messageAndCode, .error)] + (recovery.map { [Line($0)] } ?? [])
  }
}
