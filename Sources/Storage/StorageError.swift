/// Why something that a person asked for did not happen, in the words that they read.
///
/// The layers below keep the facts; `Words/` is the one place that turns them
/// into sentences. Holds no secret: neither a header nor a signed URL gets in here.
public struct StorageError: Error, Sendable, Hashable {
  /// What front ends tell apart.
  public enum Kind: Sendable, Hashable, CaseIterable {
    /// The task or the transfer was cancelled.
    case cancelled
    /// The transfer was stopped and can be resumed.
    case stopped
    /// Another process, or another transfer of this one, works on the same.
    case inUse
    /// Read-only mode refused a change; nothing was sent.
    case readOnly
    /// The history could not record a change, so nothing was sent.
    case history
    /// A change was made, and only its outcome could not be recorded.
    case outcomeUnrecorded
    case accessDenied
    case noSuchBucket
    case noSuchKey
    case bucketNotEmpty
    case bucketExists
    case invalidBucketName
    /// The destination exists, and was not to be overwritten.
    case alreadyExists
    /// No usable credentials, or the server refused them.
    case credentials
    /// A person has to sign in first, outside of Pail; the recovery says how.
    case signInNeeded
    /// No answer: host, connection or TLS.
    case connection
    /// The server answers that it cannot do it just now.
    case busy
    /// Any other error that the server answered.
    case service
    /// The answer breaks the rules of S3 or HTTP.
    case malformedAnswer
    /// Reading or writing a file on this machine failed.
    case localFile
    /// The source file changed during its upload.
    case fileChanged
    /// The object changed during its download.
    case objectChanged
    /// What arrived is not what is stored, by a checksum that is to be trusted.
    case damaged
    /// A moved object was copied, and stays as well: nothing proves that the copy is equal.
    case sourceKept
    /// Some files of a folder or prefix did not move; each has an error of its own.
    case incomplete
    /// The request is impossible, such as an object that is too large.
    case invalidRequest
  }

  public var kind: Kind
  /// One sentence without a full stop, such as `Access to s3://reports/a.csv was denied`.
  ///
  /// May hold names as a server or a file system gave them: show it through `VisibleText`.
  public var message: String
  /// What to try, as a sentence.
  public var recovery: String?
  /// The S3 code as the server wrote it, such as `AccessDenied`.
  public var code: String?
  public var requestID: String?
  /// Everything known, on several lines, for the full text behind `E`.
  public var detail: String
  /// Whether it was cancelled before an answer came, so that nobody knows whether it was done.
  public internal(set) var isUnanswered = false
  /// What this machine refused, where that is the reason.
  var localFile: LocalFileError?

  public init(
    kind: Kind, message: String, recovery: String? = nil, code: String? = nil,
    requestID: String? = nil, detail: String? = nil
  ) {
    self.kind = kind
    self.message = message
    self.recovery = recovery
    self.code = code
    self.requestID = requestID
    self.detail = detail ?? message
  }

  public var isCancellation: Bool { kind == .cancelled }

  /// Whether nothing went wrong: it was given up, or is to go on later.
  var isOnPurpose: Bool { [.cancelled, .stopped].contains(kind) }

  /// Whether the line, the server or the keys are at fault, and not what was to be done.
  public var isOfTheMoment: Bool { [.connection, .busy, .credentials].contains(kind) }
}
