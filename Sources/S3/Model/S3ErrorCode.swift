/// The code of an error as the server wrote it. Stores have codes of their own, so any text is one.
///
/// Source: S3 API Reference, "Error responses".
public struct S3ErrorCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public let rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  public init(_ text: String) {
    rawValue = text
  }

  public var description: String { rawValue }
}

extension S3ErrorCode {
  public static let accessDenied = S3ErrorCode("AccessDenied")
  public static let authorizationHeaderMalformed = S3ErrorCode("AuthorizationHeaderMalformed")
  public static let badDigest = S3ErrorCode("BadDigest")
  public static let bucketAlreadyExists = S3ErrorCode("BucketAlreadyExists")
  public static let bucketAlreadyOwnedByYou = S3ErrorCode("BucketAlreadyOwnedByYou")
  public static let bucketNotEmpty = S3ErrorCode("BucketNotEmpty")
  public static let conditionalRequestConflict = S3ErrorCode("ConditionalRequestConflict")
  public static let entityTooLarge = S3ErrorCode("EntityTooLarge")
  public static let expiredToken = S3ErrorCode("ExpiredToken")
  public static let illegalLocationConstraint = S3ErrorCode("IllegalLocationConstraintException")
  public static let internalError = S3ErrorCode("InternalError")
  public static let invalidAccessKeyId = S3ErrorCode("InvalidAccessKeyId")
  public static let invalidBucketName = S3ErrorCode("InvalidBucketName")
  public static let invalidLocationConstraint = S3ErrorCode("InvalidLocationConstraint")
  public static let invalidObjectState = S3ErrorCode("InvalidObjectState")
  public static let invalidPart = S3ErrorCode("InvalidPart")
  public static let invalidRequest = S3ErrorCode("InvalidRequest")
  public static let invalidRange = S3ErrorCode("InvalidRange")
  public static let invalidToken = S3ErrorCode("InvalidToken")
  public static let keyTooLong = S3ErrorCode("KeyTooLongError")
  public static let malformedXML = S3ErrorCode("MalformedXML")
  public static let methodNotAllowed = S3ErrorCode("MethodNotAllowed")
  public static let noSuchBucket = S3ErrorCode("NoSuchBucket")
  public static let noSuchKey = S3ErrorCode("NoSuchKey")
  public static let noSuchUpload = S3ErrorCode("NoSuchUpload")
  public static let noSuchVersion = S3ErrorCode("NoSuchVersion")
  public static let notImplemented = S3ErrorCode("NotImplemented")
  public static let operationAborted = S3ErrorCode("OperationAborted")
  public static let permanentRedirect = S3ErrorCode("PermanentRedirect")
  public static let preconditionFailed = S3ErrorCode("PreconditionFailed")
  public static let requestTimeTooSkewed = S3ErrorCode("RequestTimeTooSkewed")
  public static let requestTimeout = S3ErrorCode("RequestTimeout")
  public static let serviceUnavailable = S3ErrorCode("ServiceUnavailable")
  public static let signatureDoesNotMatch = S3ErrorCode("SignatureDoesNotMatch")
  public static let slowDown = S3ErrorCode("SlowDown")
  public static let temporaryRedirect = S3ErrorCode("TemporaryRedirect")
  public static let tooManyBuckets = S3ErrorCode("TooManyBuckets")

  /// Not from a server: the answer to a batch did not mention this object.
  public static let missingFromAnswer = S3ErrorCode("MissingFromAnswer")
}
