internal import GRDB

extension HistoryError {
  /// Any error of a database access.
  init(_ error: any Error) {
    switch error {
    case let error as HistoryError:
      self = error
    case is CancellationError:
      self = .cancelled
    case let error as DatabaseError:
      self.init(error)
    default:
      self = .sqlite(code: -1, message: String(describing: error))
    }
  }

  init(_ error: DatabaseError) {
    // The message alone: a description would show the values of the statement as well.
    let message = error.message ?? ""
    self =
      switch error.resultCode {
      case .SQLITE_BUSY, .SQLITE_LOCKED: .busy
      case .SQLITE_FULL: .full
      case .SQLITE_READONLY: .readOnly
      case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt(message)
      case .SQLITE_INTERRUPT: .cancelled
      default: .sqlite(code: error.extendedResultCode.rawValue, message: message)
      }
  }
}
