import HTTP
public import History
public import S3
import SystemPackage

/// Every sentence that a person reads about an error.
///
/// Messages name what it is about; recoveries say what to try. Both end up on one line each.
extension StorageError {
  // MARK: - From the server

  init(_ error: S3Error, while undertaking: Undertaking) {
    var words: Words
    switch error.cause {
    case .service(let service): words = Words(service, while: undertaking)
    case .transport(let problem): words = Words(problem, while: undertaking)
    case .credentials(let problem): words = Words(problem)
    case .malformedAnswer(let reason):
      words = Words(
        .malformedAnswer, "The answer about \(undertaking.subject) is not one of S3: \(reason)",
        "Check that the endpoint is an S3 server, and that no proxy stands in between.")
    case .invalidRequest(let reason):
      words = Words(.invalidRequest, "\(undertaking.subject) \(undertaking.failure): \(reason)")
    case .checksumMismatch(let sent, let stored):
      words = Words(
        .service,
        "\(undertaking.subject) arrived damaged: sent \(sent), stored \(stored)",
        "Upload it again; if it happens again, suspect this machine's memory or the way between.")
    }
    words.capitalize()
    var facts = [words.message]
    if let recovery = words.recovery { facts.append(recovery) }
    facts.append("")
    facts.append("Operation: \(error.operation.name)")
    var code: String?
    var requestID: String?
    if case .service(let service) = error.cause {
      code = service.code.rawValue
      requestID = service.requestID
      facts.append("S3 code: \(service.code)")
      facts.append("HTTP status: \(service.status)")
      if !service.message.isEmpty { facts.append("Message: \(service.message)") }
      if let id = service.requestID { facts.append("Request ID: \(id)") }
      if let id = service.hostID { facts.append("Host ID: \(id)") }
    }
    facts.append("Attempts: \(error.attempts)")
    self.init(
      kind: words.kind, message: words.message, recovery: words.recovery, code: code,
      requestID: requestID, detail: facts.joined(separator: "\n"))
  }

  /// There are no credentials to work with.
  public init(_ error: CredentialError) {
    var words = Words(error)
    words.capitalize()
    self.init(kind: words.kind, message: words.message, recovery: words.recovery)
  }

  // MARK: - From the history

  /// The change was refused because no row could be written for it.
  init(refusedBy error: HistoryError, while undertaking: Undertaking) {
    self.init(
      kind: .history,
      message: "\(undertaking.subject) was left alone: the history could not record it, since "
        .capitalizedFirst + Self.reason(error),
      recovery: Self.recovery(error), detail: Self.detail(error))
  }

  /// The change was made, and its row stays without an outcome.
  init(outcomeUnrecorded error: HistoryError, while undertaking: Undertaking) {
    self.init(
      kind: .outcomeUnrecorded,
      message: "The history has no outcome for \(undertaking.subject): it could not be written",
      recovery: Self.recovery(error), detail: Self.detail(error))
  }

  /// The same error, which also says what could not be recorded about it.
  func noting(_ warning: StorageError?) -> StorageError {
    guard let warning else { return self }
    // A cancellation is not shown as an error, and this has to be seen.
    guard !isCancellation else { return warning }
    var noted = self
    noted.detail += "\n\n\(warning.message).\n\(warning.detail)"
    return noted
  }

  public init(unreadableHistory error: HistoryError) {
    if error == .cancelled {
      self = .cancelled
      return
    }
    self.init(
      kind: .history, message: "The history could not be read: \(Self.reason(error))",
      recovery: Self.recovery(error),
      detail: Self.detail(error))
  }

  public init(unarchived error: HistoryError) {
    self.init(
      kind: .history, message: "The history was not archived: \(Self.reason(error))",
      recovery: Self.recovery(error), detail: Self.detail(error))
  }

  /// Outcomes that were found out later could not be added.
  init(unsettled error: HistoryError) {
    self.init(
      kind: .history, message: "The history could not take what became of older changes",
      recovery: Self.recovery(error), detail: Self.detail(error))
  }

  /// For a file that is not read beside other work.
  static func leftForCommand(_ file: FilePath) -> StorageError {
    StorageError(
      kind: .localFile, message: "\(file) is too large to be compared in the background",
      recovery: "Run pail history settle.")
  }

  private static func detail(_ error: HistoryError) -> String {
    "The history: \(reason(error)).\n\(recovery(error))"
  }

  private static func reason(_ error: HistoryError) -> String {
    switch error {
    case .cannotOpen(_, .noHome): "there is no home folder to put it in"
    case .cannotOpen(let path, let problem): "\(path) cannot be opened (\(problem))"
    case .readOnly: "the file or its file system is read-only"
    case .busy: "another process kept it locked"
    case .full: "the disk or the quota is full"
    case .corrupt(let what): "the file is damaged (\(what))"
    case .newer: "the file was written by a newer Pail"
    case .archived: "the file is an archive, which takes no more rows"
    case .changesUnderWay(let count, let author):
      (count == 1 ? "a change is under way, in" : "\(count) changes are under way, one of them in")
        + " process \(author.processID) on \(author.host)"
    case .archiveExists(let file): "\(file) is there already"
    case .nothingToArchive: "it has no rows"
    case .unknownChange(let change): "there is no change \(change)"
    case .alreadyFinished(let change): "change \(change) has an outcome already"
    case .cancelled: "the task was cancelled"
    case .sqlite(let code, let message): "SQLite says \(message) (\(code))"
    }
  }

  private static func recovery(_ error: HistoryError) -> String {
    switch error {
    case .full: "Free space on the disk that holds the history."
    case .busy: "Try again when the other process is done."
    case .readOnly: "Make the history's file writable, or name another with --history."
    case .cannotOpen(_, .noHome): "Name a file for it with --history, or set HOME."
    case .archived: "Name the history that goes on from it, with --history or PAIL_HISTORY."
    case .changesUnderWay:
      "Try again when they are done. What died on another host is settled there, with pail history "
        + "settle; a host where nothing runs any more is named with --dead-host."
    case .archiveExists: "Name another file."
    case .nothingToArchive: "There is nothing to do."
    case .newer: "Install the newer Pail, or name another file with --history."
    default: "Run pail doctor, or name another file with --history."
    }
  }

  // MARK: - From this machine

  public init(_ error: LocalFileError) {
    let path = error.path
    var kind = Kind.localFile
    var recovery: String?
    let message: String
    switch error.kind {
    case .system(let errno):
      message = "\(path): \(errno)"
      recovery = Words.recovery(errno)
    case .unsafeName(let problem):
      let reason =
        switch problem {
        case .empty: "it has an empty part"
        case .dots: "it has a part that is \u{201C}.\u{201D} or \u{201C}..\u{201D}"
        case .nul: "it has a NUL byte"
        case .tooLong: "it has a part longer than 255 bytes"
        case .reserved: "it looks like a download that is under way"
        }
      message = "No file can be named \(path): \(reason)"
      recovery = "Download the object by itself, under another name."
    case .notARegularFile:
      message = "\(path) is not a regular file"
    case .notAFolder:
      message = "\(path) is not a folder"
    case .link:
      message = "\(path) is a symbolic link, which is not followed there"
      recovery = "Choose the folder that it leads to."
    case .alreadyExists:
      self = .exists(path.string)
      return
    case .inUse:
      message = "\(path) is being downloaded by another transfer"
      recovery = "Wait until that is done."
    case .linkNotFollowed:
      kind = .localFile
      message = "\(path) is a link out of its folder or back into it, and was left out"
    }
    self.init(kind: kind, message: message, recovery: recovery)
  }

  static let cancelled = StorageError(kind: .cancelled, message: "Cancelled")

  static let stopped = StorageError(
    kind: .stopped, message: "Stopped",
    recovery: "Resume it with pail transfers resume.")

  /// The same error, of a transfer of which the journal keeps what has moved.
  var resumable: StorageError {
    var error = self
    let hint = "What has moved is kept: pail transfers resume goes on from there."
    if kind != .stopped {
      error.recovery = [recovery, hint].compactMap(\.self).joined(separator: " ")
    }
    return error
  }

  public init(_ error: JournalError, about subject: String) {
    switch error {
    case .held(let lease):
      self.init(
        kind: .inUse,
        message: "\(subject) is under way already, in process \(lease.processID) of \(lease.user)",
        recovery: "Wait until that is done, or end that process: what it has moved is kept.")
    case .unknown:
      self.init(
        kind: .inUse, message: "\(subject) has come to its end meanwhile",
        recovery: "See pail transfers for those that have not.")
    case .unusable(let problem):
      self.init(
        kind: .localFile,
        message: "The journal of unfinished transfers cannot be used: \(Self.reason(problem))")
    }
  }

  static func otherEndpoint(_ subject: String, _ endpoint: String) -> StorageError {
    StorageError(
      kind: .invalidRequest, message: "\(subject) is on another server: \(endpoint)",
      recovery: "Name it with --endpoint-url.")
  }

  static func readOnly(_ undertaking: Undertaking) -> StorageError {
    StorageError(
      kind: .readOnly,
      message: "\(undertaking.subject) was left alone: Pail runs read-only".capitalizedFirst,
      recovery: "Start Pail without --read-only.")
  }

  public static func invalidName(_ bucket: BucketName, _ problem: BucketNameProblem) -> StorageError
  {
    let reason =
      switch problem {
      case .length(let count): "it has \(count) characters; 3 to 63 are allowed"
      case .character(let character):
        "\u{201C}\(character)\u{201D} is not one of a-z, 0-9, dot and hyphen"
      case .edge: "it must begin and end with a letter or a digit"
      case .adjacentDots: "it has two dots side by side"
      case .ipAddress: "it looks like an IP address"
      case .reservedPrefix(let text): "the beginning \u{201C}\(text)\u{201D} is reserved"
      case .reservedSuffix(let text): "the ending \u{201C}\(text)\u{201D} is reserved"
      }
    return StorageError(
      kind: .invalidBucketName, message: "A bucket cannot be named \(bucket): \(reason)",
      recovery: "Choose another name.")
  }

  static func notEmptied(_ bucket: BucketName, failed: Int) -> StorageError {
    StorageError(
      kind: .bucketNotEmpty,
      message: failed > 0
        ? "Bucket \(bucket) stays: \(failed) of its objects could not be deleted"
        : "Bucket \(bucket) stays: new objects come as fast as they are deleted",
      recovery: failed > 0
        ? "See which, and why." : "Stop what writes to the bucket, then remove it again.")
  }

  static func exists(_ destination: String) -> StorageError {
    StorageError(
      kind: .alreadyExists, message: "\(destination) exists already",
      recovery: "Choose to overwrite it, to skip it, or to keep both.")
  }

  static func unanswered(_ undertaking: Undertaking) -> StorageError {
    StorageError(
      kind: .connection,
      message:
        "\(undertaking.subject) may have been changed: it was cancelled before an answer came",
      recovery: "Look whether it is there.")
  }

  static func fileChanged(_ file: FilePath) -> StorageError {
    StorageError(
      kind: .fileChanged, message: "\(file) changed while it was uploaded",
      recovery: "Upload it again when nothing writes to it.")
  }

  static func objectChanged(_ object: ObjectLocation) -> StorageError {
    StorageError(
      kind: .objectChanged,
      message: "s3://\(object.bucket)/\(object.key.text) changed while it was downloaded",
      recovery: "Download it again.")
  }

  static func damaged(_ object: ObjectLocation, stored: String, arrived: String) -> StorageError {
    StorageError(
      kind: .damaged,
      message: "s3://\(object.bucket)/\(object.key.text) arrives damaged: stored \(stored), "
        + "arrived \(arrived)",
      recovery: "Try it again; if it happens again, suspect the way between, or the store itself.")
  }

  static func copyOfItself(_ object: ObjectLocation) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "s3://\(object.bucket)/\(object.key.text) is its own destination",
      recovery: "Name another key or bucket.")
  }

  static func copyIntoItself(_ source: ObjectLocation) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "s3://\(source.bucket)/\(source.key.text) cannot be copied to a place inside itself",
      recovery: "Choose a destination that does not begin with it.")
  }

  /// The copy is not the source: by size or checksum.
  static func copyDiffers(
    _ source: ObjectLocation, _ destination: ObjectLocation
  ) -> StorageError {
    StorageError(
      kind: .damaged,
      message: "The copy s3://\(destination.bucket)/\(destination.key.text) differs from "
        + "s3://\(source.bucket)/\(source.key.text)",
      recovery: "Copy it again; the source is still there.")
  }

  static func tooLargeToCopy(_ object: ObjectLocation, _ size: ByteCount) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "s3://\(object.bucket)/\(object.key.text) has \(size.bytes) bytes; "
        + "an object holds at most 10,000 parts of 5 GiB")
  }

  static func sourceKept(
    _ source: ObjectLocation, copiedTo destination: ObjectLocation, because reason: String
  ) -> StorageError {
    StorageError(
      kind: .sourceKept,
      message: "s3://\(source.bucket)/\(source.key.text) was copied and not removed: \(reason)",
      recovery:
        "Compare it with s3://\(destination.bucket)/\(destination.key.text), then delete it.")
  }

  static func tooLarge(_ file: FilePath, _ size: ByteCount) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "\(file) has \(size.bytes) bytes; an object holds at most 10,000 parts of 5 GiB",
      recovery: "Split the file.")
  }

  /// The words of a folder or prefix of which some did not move.
  static func treeFailed(
    _ status: TreeStatus, _ first: TreeOutcome?, _ direction: TransferDirection
  ) -> StorageError {
    let verb = direction == .upload ? "uploaded" : "downloaded"
    var error = StorageError(
      kind: .incomplete, message: "\(status.failed) of \(status.found) could not be \(verb)",
      recovery: "Try those that failed again.")
    if case .failed(let reason) = first?.end {
      error.code = reason.code
      error.message += "; the first: \(reason.message)"
      error.detail = "\(error.message)\n\n\(reason.detail)"
    }
    return error
  }

  static func tooManyNames(_ destination: String) -> StorageError {
    StorageError(
      kind: .alreadyExists, message: "\(destination) and its numbered names exist already",
      recovery: "Choose another destination.")
  }

  /// An attempt to begin an upload in parts was answered too late or not at all, and whatever it
  /// began has an ID that nobody told us.
  static func streamTooLong(_ object: ObjectLocation, partSize: ByteCount) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "s3://\(object.bucket)/\(object.key.text) could not be uploaded: standard input has "
        + "more than 10,000 parts of \(partSize.bytes) bytes",
      recovery: "Name a larger --part-size, or the size to expect with --expected-size.")
  }

  static func unfinishedUpload(of object: ObjectLocation) -> StorageError {
    StorageError(
      kind: .connection,
      message:
        "An unfinished multipart upload of s3://\(object.bucket)/\(object.key.text) may be left on "
        + "the server",
      recovery: "Ask the bucket's lifecycle rule or administrator to remove unfinished uploads of "
        + "\(object.key.text).")
  }

  /// The same error, which also says that an unfinished upload may be left on the server.
  func perhapsLeavingUpload(of object: ObjectLocation) -> StorageError {
    let leftover = Self.unfinishedUpload(of: object)
    guard !isCancellation else { return leftover }
    var error = noting(leftover)
    error.message += "; an unfinished upload of it may be left on the server"
    error.recovery = [recovery, leftover.recovery].compactMap(\.self).joined(separator: " ")
    return error
  }

  /// The same error, which also says that parts are left on the server, and why.
  func leaving(_ problem: StorageError, at object: ObjectLocation) -> StorageError {
    guard problem.kind != .outcomeUnrecorded else { return noting(problem) }
    var error = self
    error.kind = isCancellation ? problem.kind : kind
    error.message +=
      "; parts of s3://\(object.bucket)/\(object.key.text) are left on the server"
    error.recovery = "Abort the unfinished upload there: \(problem.message)."
    error.detail += "\n\n\(problem.detail)"
    return error
  }
}

/// Kind, message and recovery, before the facts are put below them.
private struct Words {
  var kind: StorageError.Kind
  var message: String
  var recovery: String?

  init(_ kind: StorageError.Kind, _ message: String, _ recovery: String? = nil) {
    self.kind = kind
    self.message = message
    self.recovery = recovery
  }

  mutating func capitalize() { message = message.capitalizedFirst }

  init(_ error: ServiceError, while undertaking: Undertaking) {
    let subject = undertaking.subject
    let bucket = undertaking.bucket.map { "Bucket \($0)" } ?? subject
    switch error.code {
    case .accessDenied:
      self.init(.accessDenied, "Access to \(subject) was denied", Self.askFor(undertaking))
    case .noSuchBucket:
      // The source of a copy has been looked at before.
      let missing =
        if case .copy(_, let destination) = undertaking { "Bucket \(destination.bucket)" } else {
          bucket
        }
      self.init(.noSuchBucket, "\(missing) does not exist", "Check its name and the endpoint.")
    case .noSuchKey, .noSuchVersion:
      self.init(
        .noSuchKey, "\(subject) does not exist",
        "Check its name; it may be gone since.")
    case .bucketNotEmpty:
      self.init(
        .bucketNotEmpty, "\(bucket) is not empty",
        "Delete what is in it first, or remove it with its contents: pail rb --force.")
    case .bucketAlreadyOwnedByYou:
      self.init(.bucketExists, "\(bucket) exists already, and is yours")
    case .bucketAlreadyExists:
      self.init(
        .bucketExists, "\(bucket) exists already, and belongs to someone else",
        "Choose another name.")
    case .invalidBucketName:
      self.init(
        .invalidBucketName,
        "The server refuses the name of bucket \(undertaking.bucket?.text ?? "")",
        "Choose another name.")
    case .preconditionFailed:
      switch undertaking {
      case .download:
        self.init(.objectChanged, "\(subject) changed while it was downloaded", "Try it again.")
      case .copy:
        self.init(.objectChanged, "\(subject) changed while it was copied", "Try it again.")
      default:
        self.init(
          .alreadyExists, "\(subject) exists already",
          "Choose to overwrite it, to skip it, or to keep both.")
      }
    case .invalidAccessKeyId:
      self.init(
        .credentials, "The server does not know this access key",
        "Check AWS_ACCESS_KEY_ID and the endpoint; pail doctor says where both come from.")
    case S3ErrorCode("HTTP407"):
      self.init(
        .connection, "The proxy wants a user name and a password",
        "Put them into HTTP_PROXY: http://user:password@host:port.")
    case .signatureDoesNotMatch:
      self.init(
        undertaking.hasOddKey ? .service : .credentials, "The server refused the signature",
        undertaking.hasOddKey
          ? "The key is not UTF-8, and this server may not take such keys: use another one."
          : "Check AWS_SECRET_ACCESS_KEY; pail doctor says where it comes from.")
    case .expiredToken, .invalidToken:
      self.init(
        .credentials, "The session token has expired or is not valid",
        "Fetch new temporary credentials.")
    case .requestTimeTooSkewed:
      self.init(
        .credentials, "This machine's clock differs too much from the server's",
        "Set the clock, then try again.")
    case .authorizationHeaderMalformed, .permanentRedirect, .temporaryRedirect:
      self.init(
        .service, "\(bucket) is in another region", "Give its region with --region.")
    case .illegalLocationConstraint, .invalidLocationConstraint:
      self.init(
        .service, "The server does not create buckets in this region",
        "Leave the region out, or give the endpoint's own.")
    case .slowDown, .serviceUnavailable, .requestTimeout, .internalError:
      self.init(
        .service,
        "The server could not answer for \(subject) just now (\(error.code)"
          + (error.message.isEmpty ? ")" : ": \(error.message))"),
        "Try again in a while.")
    case .invalidObjectState:
      self.init(
        .service, "\(subject) is archived and must be restored before it can be read",
        "Restore it, and wait until that is done.")
    case .notImplemented, .methodNotAllowed:
      self.init(
        .service, "\(subject) \(undertaking.failure): this server has no such operation")
    default:
      let message = error.message.isEmpty ? "" : ": \(error.message)"
      self.init(.service, "\(subject) \(undertaking.failure): \(error.code)\(message)")
    }
  }

  private static func askFor(_ undertaking: Undertaking) -> String {
    let other = "Use other credentials"
    guard let permission = undertaking.permission else { return other + "." }
    switch undertaking {
    case .listBuckets:
      return "Open a bucket by its name, or ask for \(permission)."
    default:
      return "\(other), or ask the bucket's owner for \(permission)."
    }
  }

  init(_ error: HTTPError, while undertaking: Undertaking) {
    switch error {
    case .cancelled:
      self.init(.cancelled, "Cancelled")
    case .unresolvedHost(let host):
      self.init(
        .connection, "The host \(host) is not known",
        "Check the endpoint and this machine's network.")
    case .noConnection(let host, let reason):
      self.init(
        .connection, "No connection to \(host): \(reason)",
        "Check the endpoint, and that the server runs.")
    case .proxy(let reason):
      self.init(
        .connection, "No connection through the proxy: \(reason)",
        reason.hasSuffix("407") || reason.hasSuffix("401")
          ? "Put user and password into HTTPS_PROXY: http://user:password@host:port."
          : "Check HTTPS_PROXY and HTTP_PROXY; NO_PROXY names hosts to reach without it.")
    case .tls(let host, let reason):
      let (words, remedy) = Self.words(error.tlsProblem, reason)
      self.init(.connection, "No trusted connection to \(host): \(words)", remedy)
    case .connectionLost(let reason):
      self.init(
        .connection,
        "\(undertaking.subject) \(undertaking.failure): the connection was lost "
          + "(\(reason))", "Try again.")
    case .stalled:
      self.init(
        .connection, "\(undertaking.subject) \(undertaking.failure): the server stopped answering",
        "Try again.")
    case .malformedAnswer(let reason):
      self.init(
        .malformedAnswer, "The answer about \(undertaking.subject) is not HTTP: \(reason)",
        "Check the endpoint.")
    case .bodyTooLarge(let limit):
      self.init(
        .malformedAnswer,
        "The answer about \(undertaking.subject) is longer than the \(limit) bytes it may have")
    case .refused(let head):
      self.init(
        .malformedAnswer,
        "The answer about \(undertaking.subject) was refused (HTTP status \(head.status))")
    case .file(let errno):
      self.init(
        .localFile, "\(undertaking.subject) \(undertaking.failure): \(errno)",
        Self.recovery(errno))
    case .fileTooShort:
      self.init(
        .fileChanged, "The file for \(undertaking.subject) became shorter while it was uploaded",
        "Upload it again when nothing writes to it.")
    case .invalidRequest(let reason):
      self.init(.invalidRequest, "\(undertaking.subject) \(undertaking.failure): \(reason)")
    }
  }

  private static func words(_ problem: TLSProblem?, _ reason: String) -> (String, String) {
    switch problem {
    case .expired:
      ("its certificate has expired", "Ask who runs the server for a new one, or check the clock.")
    case .notYetValid:
      ("its certificate is not valid yet", "Check this machine's clock.")
    case .wrongName:
      (
        "its certificate is for another name",
        "Use the name that the certificate has, in --endpoint-url or AWS_ENDPOINT_URL."
      )
    case .unknownAuthority:
      (
        "its certificate comes from an authority that is not known here",
        "If it is a private one, name its certificate with --ca-bundle or AWS_CA_BUNDLE."
      )
    case .oldProtocol:
      ("the server knows only old versions of TLS", "It has to speak TLS 1.2 or later.")
    case .unreadableBundle:
      (
        "the file of certificates to trust cannot be used: \(reason)",
        "Check what --ca-bundle, AWS_CA_BUNDLE or ca_bundle names; pail doctor says which counts."
      )
    case nil:
      (
        reason,
        "If the server's certificate is from a private authority, name that with --ca-bundle."
      )
    }
  }

  static func recovery(_ errno: Errno) -> String? {
    switch errno {
    case .noSpace, .diskQuotaExceeded: "Free space there, or choose another folder."
    case .permissionDenied, .readOnlyFileSystem: "Choose a folder that you can write."
    case .fileTooLarge: "The file would be larger than a limit of this session (ulimit -f) allows."
    default: nil
    }
  }

  init(_ error: CredentialError) {
    switch error {
    case .missing:
      self.init(
        .credentials, "There are no credentials", "Run pail doctor to see where Pail looked.")
    case .expired(let moment):
      self.init(
        .credentials, "The credentials expired at \(moment.iso8601)",
        "Fetch new temporary credentials.")
    case .unusable(let source, let reason):
      self.init(.credentials, "The credentials of \(source) cannot be used: \(reason)")
    case .signInNeeded(let command, let reason):
      self.init(.signInNeeded, reason, "Sign in with: \(command), then try again.")
    case .cancelled:
      self.init(.cancelled, "Cancelled")
    }
  }
}

extension String {
  /// Sentences begin with a capital letter; an address such as `s3://…` stays as it is.
  fileprivate var capitalizedFirst: String {
    guard let first, !hasPrefix("s3://") else { return self }
    return first.uppercased() + dropFirst()
  }
}
