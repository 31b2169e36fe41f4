import HTTP
import History
import S3

extension Ending {
  /// How a change ended whose request brought `error`.
  ///
  /// - `failed`: the server surely did not do it.
  /// - `cancelled`: as `failed`, on a person's wish.
  /// - `interrupted`: nobody knows. The answer was lost or came from a server in trouble, or the
  ///   server holds other bytes than were sent.
  init(of error: S3Error) {
    let outcome: Outcome =
      if error.isInDoubt || error.isAboutDamage {
        .interrupted
      } else {
        error.isCancellation ? .cancelled : .failed
      }
    self.init(outcome: outcome, errorCode: error.recordedCode)
  }

  /// Of an upload or a copy in parts, which has no object before its completion, whatever became of
  /// the request that brought `error`.
  static func notStored(_ error: S3Error) -> Ending {
    Ending(
      outcome: error.isCancellation ? .cancelled : .failed, errorCode: error.recordedCode)
  }
}

extension StorageError {
  /// As ``init(_:while:)``, for a change that ended as `ending` says: not simply cancelled, where the
  /// server may have made it.
  init(_ error: S3Error, ending: Ending, while undertaking: Undertaking) {
    let isInDoubt = error.isCancellation && ending.outcome == .interrupted
    self = isInDoubt ? .unanswered(undertaking) : StorageError(error, while: undertaking)
  }
}

extension S3Error {
  fileprivate var isAboutDamage: Bool {
    if case .checksumMismatch = cause { true } else { false }
  }

  /// S3's code, or a word of ours where no server answered with one.
  var recordedCode: String {
    switch cause {
    case .service(let error): error.code.rawValue
    case .transport(let error):
      switch error {
      case .cancelled: "Cancelled"
      case .unresolvedHost, .noConnection, .proxy: "NoConnection"
      case .tls: "TLS"
      case .connectionLost: "ConnectionLost"
      case .stalled: "Stalled"
      case .malformedAnswer, .bodyTooLarge, .refused: "MalformedAnswer"
      case .file: "LocalFile"
      case .fileTooShort: "SourceChanged"
      case .invalidRequest: "InvalidRequest"
      }
    case .malformedAnswer: "MalformedAnswer"
    case .credentials(.cancelled): "Cancelled"
    case .credentials: "Credentials"
    case .invalidRequest: "InvalidRequest"
    case .checksumMismatch: "ChecksumMismatch"
    }
  }
}
