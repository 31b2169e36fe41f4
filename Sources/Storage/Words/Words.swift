import HTTP
import S3
import SystemPackage

/// Kind, message and recovery, before the facts are put below them.
struct Words {
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
    if Self.refusingDigests.contains(error.code), case .upload = undertaking {
      self.init(
        .service,
        "\(subject) arrived damaged: the server found other bytes than were sent (\(error.code))",
        Self.damageRecovery)
      return
    }
    switch error.code {
    case .accessDenied:
      // As to HEAD, whose answer has no body to say why.
      let isUnexplained = error.status == 403 && error.message.isEmpty
      self.init(
        .accessDenied, "Access to \(subject) was denied",
        Self.askFor(undertaking) + (isUnexplained ? Self.wrongKeyHint : ""))
    case .noSuchBucket:
      // The source of a copy has been looked at before.
      let missing =
        if case .copy(_, let destination) = undertaking { "Bucket \(destination.bucket)" } else {
          bucket
        }
      self.init(.noSuchBucket, "\(missing) does not exist", "Check its name and the endpoint.")
    case .noSuchKey, .noSuchVersion:
      self.init(
        .noSuchKey,
        undertaking.version.map { "\(subject) has no version \($0.text)" }
          ?? "\(subject) does not exist",
        "Check its name; it may be gone since.")
    case S3ErrorCode("HTTP400") where undertaking.version != nil:
      // To HEAD, which has no body to say why.
      self.init(
        .noSuchKey, "\(subject) has no version \(undertaking.version?.text ?? "")",
        "Check the version ID: pail ls --versions shows those there are. A session token that has "
          + "ended is answered in the same way.")
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
      case .readDetails:
        self.init(.objectChanged, "\(subject) changed while it was read", "Try it again.")
      case .copy:
        self.init(.objectChanged, "\(subject) changed while it was copied", "Try it again.")
      case .createPrefix:
        self.init(.alreadyExists, "\(subject) exists already", "Choose another name.")
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
        "Give another one with --region, such as the endpoint's own.")
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
    case .methodNotAllowed where undertaking.version != nil:
      self.init(
        .noSuchKey, "\(subject) \(undertaking.failure): this version is a delete marker",
        "The object was deleted then; it is back once the marker is deleted.")
    case .notImplemented, .methodNotAllowed:
      self.init(
        .service, "\(subject) \(undertaking.failure): this server has no such operation")
    default:
      let message = error.message.isEmpty ? "" : ": \(error.message)"
      self.init(.service, "\(subject) \(undertaking.failure): \(error.code)\(message)")
    }
  }

  private static let refusingDigests: [S3ErrorCode] = [
    .badDigest, S3ErrorCode("XAmzContentSHA256Mismatch"), S3ErrorCode("ContentSHA256Mismatch"),
  ]

  /// Of bytes that changed on their way to the server.
  static let damageRecovery =
    "Upload it again, over what may be there; if it happens again, suspect this machine's memory or "
    + "the way between."

  private static let wrongKeyHint =
    " A wrong secret key is answered in the same way here: pail doctor tells them apart."

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
    case .proxy(let reason, let isPassing):
      self.init(
        .connection, "No connection through the proxy: \(reason)",
        isPassing
          ? "Try again; if it stays so, check HTTPS_PROXY and HTTP_PROXY, or ask who runs the proxy."
          : reason.hasSuffix("407") || reason.hasSuffix("401")
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
    case .plainHTTP:
      (
        "the server speaks plain HTTP",
        "Write the endpoint with http:// in front if it is to be used without TLS."
      )
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
    case .permissionDenied:
      "See with ls -ld who may use it; a download needs a folder that you can write."
    case .readOnlyFileSystem: "Choose a folder that you can write."
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
    case .unavailable(let source, let reason):
      self.init(
        .credentials, "The credentials of \(source) cannot be fetched now: \(reason)",
        "Try again in a while.")
    case .signInNeeded(let command, let reason):
      self.init(.signInNeeded, reason, "Sign in with: \(command), then try again.")
    case .cancelled:
      self.init(.cancelled, "Cancelled")
    }
  }
}

extension String {
  /// Sentences begin with a capital letter; an address such as `s3://…` stays as it is.
  var capitalizedFirst: String {
    guard let first, !hasPrefix("s3://") else { return self }
    return first.uppercased() + dropFirst()
  }
}
