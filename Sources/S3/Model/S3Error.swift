public import HTTP

/// The requests of the S3 API that Pail makes, named as in the S3 API Reference.
public enum S3Operation: String, Sendable, Hashable {
  case abortMultipartUpload = "AbortMultipartUpload"
  case completeMultipartUpload = "CompleteMultipartUpload"
  case copyObject = "CopyObject"
  case createBucket = "CreateBucket"
  case createMultipartUpload = "CreateMultipartUpload"
  case deleteBucket = "DeleteBucket"
  case deleteObject = "DeleteObject"
  case deleteObjects = "DeleteObjects"
  case getBucketVersioning = "GetBucketVersioning"
  case getObject = "GetObject"
  case getObjectAttributes = "GetObjectAttributes"
  case getObjectTagging = "GetObjectTagging"
  case headBucket = "HeadBucket"
  case headObject = "HeadObject"
  case listBuckets = "ListBuckets"
  case listMultipartUploads = "ListMultipartUploads"
  case listObjectVersions = "ListObjectVersions"
  case listObjects = "ListObjects"
  case listObjectsV2 = "ListObjectsV2"
  case listParts = "ListParts"
  case presign = "Presign"
  case putBucketVersioning = "PutBucketVersioning"
  case putObject = "PutObject"
  case putObjectTagging = "PutObjectTagging"
  case uploadPart = "UploadPart"
  case uploadPartCopy = "UploadPartCopy"

  public var name: String { rawValue }
}

/// An error document of a server, or what stands for one in an answer without a body.
public struct ServiceError: Error, Sendable, Hashable {
  public var code: S3ErrorCode
  public var message: String
  /// The HTTP status; 200 for an error inside an answer that began as a success.
  public var status: Int
  public var requestID: String?
  /// The extended request ID, which Amazon's support asks for.
  public var hostID: String?

  public init(
    code: S3ErrorCode, message: String = "", status: Int, requestID: String? = nil,
    hostID: String? = nil
  ) {
    self.code = code
    self.message = message
    self.status = status
    self.requestID = requestID
    self.hostID = hostID
  }
}

/// Why an operation failed. Holds facts for `StorageError` to put into words.
public struct S3Error: Error, Sendable, Hashable {
  // Indirect: whoever may throw has room for it all the time.
  public indirect enum Cause: Error, Sendable, Hashable {
    case transport(HTTPError)
    case service(ServiceError)
    /// An answer that cannot be one to this request; the text says what is wrong with it.
    case malformedAnswer(String)
    case credentials(CredentialError)
    /// The request cannot be made; nothing was sent.
    case invalidRequest(String)
    /// The server stored other bytes than were sent: both checksums, as `crc64nvme:rosUhgp5mIg=`.
    case checksumMismatch(sent: String, stored: String)
  }

  public var operation: S3Operation
  public var cause: Cause
  /// How often the request was sent, 0 when it never was.
  public var attempts: Int
  /// Whether the server may have carried out one of the attempts all the same, its answer being
  /// lost or of no use. `false` only when it surely has not.
  public var isInDoubt: Bool
  /// How long the server asked to be left alone: RFC 9110, section 10.2.3.
  public var retryAfter: Duration?

  public init(
    operation: S3Operation, cause: Cause, attempts: Int, isInDoubt: Bool = false,
    retryAfter: Duration? = nil
  ) {
    self.operation = operation
    self.cause = cause
    self.attempts = attempts
    self.isInDoubt = isInDoubt
    self.retryAfter = retryAfter
  }

  /// Whether the task was cancelled, rather than that something went wrong.
  public var isCancellation: Bool {
    switch cause {
    case .transport(.cancelled), .credentials(.cancelled): true
    default: false
    }
  }

  /// Whether the same request may well succeed some time later: nothing is wrong with it.
  public var isTransient: Bool {
    switch cause {
    case .transport(let error): error.isTransient
    case .service(let error): error.isTransient
    case .credentials(let error): error.isTransient
    case .malformedAnswer, .invalidRequest, .checksumMismatch: false
    }
  }

  /// Whether the server surely did nothing, since it knows no such request.
  public var isNotImplemented: Bool {
    if case .service(let error) = cause { error.isNotImplemented && !isInDoubt } else { false }
  }

  /// The code of the server's error, nil for any other cause.
  public var code: S3ErrorCode? {
    if case .service(let error) = cause { error.code } else { nil }
  }
}

extension HTTPError {
  /// Whether the same request may well succeed some time later.
  var isTransient: Bool {
    switch self {
    case .unresolvedHost, .noConnection, .connectionLost, .stalled, .malformedAnswer: true
    case .proxy(_, let isPassing): isPassing
    case .cancelled, .tls, .bodyTooLarge, .refused, .file, .fileTooShort, .invalidRequest:
      false
    }
  }
}
