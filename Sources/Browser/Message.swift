public import Storage

/// The line at the bottom of the screen. Goes with the next key, which is not swallowed.
public enum Message: Sendable, Hashable {
  case note(String)
  case error(StorageError)
}
