import Storage

extension StorageError {
  var messageAndCode: String { code.map { "\(message) (\($0))" } ?? message }
}
