internal import HTTP

/// One operation as it is asked for, before it is signed: the same for all attempts.
struct S3Call {
  var operation: S3Operation
  var method: HTTPMethod
  /// nil for requests about the whole account.
  var bucket: BucketName?
  var key: ObjectKey?
  var query: [QueryItem] = []
  var headers: [HTTPHeader] = []
  var body = HTTPRequestBody.none
  /// What `x-amz-content-sha256` says of the body.
  var payloadHash = Digest.emptySHA256
  var progress: ByteCounter?
  /// Whether the server carries the request out at most once.
  var isConditional = false
  /// How many times the client's ``S3Client/stallTimeout`` is no stall: of a server that works long
  /// before it answers.
  var stallFactor = 1
  /// Whether the kernels of machines on the way may hold so much of the body that a slow line below
  /// them looks like a stall from here.
  var isLong: Bool { body.count >= 1 << 20 }
  /// Why it is open whether the server has carried out the same request of an earlier call.
  var doubt: S3Error.Cause?
  /// Overrides the region remembered for the bucket.
  var region: Region?

  init(_ operation: S3Operation, _ method: HTTPMethod, bucket: BucketName? = nil) {
    self.operation = operation
    self.method = method
    self.bucket = bucket
  }

  init(_ operation: S3Operation, _ method: HTTPMethod, _ location: ObjectLocation) {
    self.init(operation, method, bucket: location.bucket)
    key = location.key
    if let version = location.versionID { query.append(QueryItem("versionId", version.text)) }
  }

  mutating func add(_ name: String, _ value: String?) {
    if let value { headers.append(HTTPHeader(name, value)) }
  }

  mutating func setDocument(_ writer: XMLWriter) {
    body = .bytes(writer.bytes)
    payloadHash = Digest.hex(Digest.sha256(writer.bytes))
    headers.append(HTTPHeader("Content-Type", "application/xml"))
  }
}

/// Where the answer to one attempt goes, and what it means.
struct Reception<Value> {
  var body = HTTPResponseBody.memory(limit: 16 * 1024 * 1024)
  var accepts: (@Sendable (HTTPResponseHead) -> Bool)?
  /// Why the attempt was ended by `body` or `accepts`.
  var refusal: @Sendable () -> S3Error.Cause? = { nil }
  /// Whether nothing has been handed over that a further attempt would hand over again.
  var isRepeatable: @Sendable () -> Bool = { true }
  /// Reads a successful answer.
  var decode: (HTTPResponse) throws(S3Error.Cause) -> Value

  init(decode: @escaping (HTTPResponse) throws(S3Error.Cause) -> Value) {
    self.decode = decode
  }
}

/// What a refusal means that comes after an attempt whose outcome is unknown.
///
/// A request that was carried out although its answer got lost is refused the second time: its
/// bucket exists, its upload is gone.
enum Settlement<Value> {
  /// The earlier attempt did it.
  case done(Value)
  /// The refusal has nothing to do with the earlier attempt.
  case refused
  /// Nobody can tell: the earlier failure is the one to report.
  case unknown
}
