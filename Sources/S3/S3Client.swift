public import HTTP

/// One method per S3 operation; each sends one signed request and retries it when that is safe.
///
/// Where things live in this module:
/// - `Operations/`   the methods, grouped as in the S3 API Reference
/// - `Model/`        the nouns: ``ObjectLocation``, ``ETag``, ``PartNumber``, ``S3Error``
/// - `Request/`      endpoint, URI encoding, retries: from a call to an `HTTPRequest` and back
/// - `Signing/`      Signature Version 4; only `Digest.swift` knows libcrypto
/// - `Checksums/`    CRCs of parts and wholes, and the one pass over a body
/// - `XML/`          answers fed to expat as they arrive; only `XMLStream.swift` knows expat
/// - `Credentials/`  where keys come from, and secrets that show themselves nowhere
public struct S3Client: Sendable {
  public var endpoint: Endpoint
  /// Signed for until a bucket turns out to live in another one.
  public var region: Region
  public var retryPolicy: RetryPolicy
  /// A request of which no byte moves for so long has failed.
  public var stallTimeout = Duration.seconds(20)
  /// Told of each attempt that failed and will be followed by another, before the wait.
  public var retryObserver: (@Sendable (RetryNotice) -> Void)?

  /// Told once, when the server refuses what this machine's clock dates, so that its own counts from
  /// then on: how far it is ahead.
  public var clockObserver: (@Sendable (Duration) -> Void)?

  let credentials: any CredentialProvider
  private(set) var transport: any HTTPTransport
  /// Where a task runs best that does little but send requests; nil for anywhere.
  public var taskExecutor: (any TaskExecutor)? { transport.taskExecutor }
  /// Whether nobody has said where the buckets are, so that one may well be elsewhere.
  let isRegionAssumed: Bool
  let now: @Sendable () -> Timestamp
  /// Shared by all copies of a client.
  let memory: ClientMemory
  /// Waits between two attempts; a test counts the waits instead.
  var wait: @Sendable (Duration) async throws(CancellationError) -> Void = {
    (duration) async throws(CancellationError) in
    do {
      try await Task.sleep(for: duration)
    } catch {
      throw CancellationError()
    }
  }

  /// - Parameters:
  ///   - isRegionAssumed: whether nobody has said where the buckets are.
  ///   - isBasic: whether the endpoint is known to have but the basic requests: ListObjects,
  ///     DeleteObject, and MD5 for uploads. What others lack is learnt from their answers.
  public init(
    endpoint: Endpoint, region: Region, credentials: any CredentialProvider,
    transport: any HTTPTransport, retryPolicy: RetryPolicy = .standard,
    isRegionAssumed: Bool = false, isBasic: Bool = false,
    now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    memory = ClientMemory(isBasic: isBasic)
    self.isRegionAssumed = isRegionAssumed
    self.endpoint = endpoint
    self.region = region
    self.credentials = credentials
    self.transport = transport
    self.retryPolicy = retryPolicy
    self.now = now
  }

  /// The same client over other connections. What one of them learns of the endpoint both know.
  public func sending(through transport: any HTTPTransport) -> S3Client {
    var client = self
    client.transport = transport
    return client
  }

  /// That of the credentials which the next request is signed with; nil when there are none.
  public func accessKeyID() async -> String? {
    guard let credentials = try? await credentials.credentials() else { return nil }
    return credentials.isAnonymous ? nil : credentials.accessKeyID
  }

  /// Whose credentials requests are signed with, as the Security Token Service says.
  ///
  /// Amazon's own is asked only by a client of Amazon S3: keys of another store are none of its
  /// business. That store is asked itself, and many have no such service.
  ///
  /// - Parameter service: where it is, when not at the usual place.
  public func callerIdentity(at service: Endpoint?) async throws(CredentialError) -> CallerIdentity
  {
    let credentials = try await credentials.credentials()
    let place = service ?? (endpoint.awsRegion == nil ? endpoint : nil)
    return try await SecurityTokenService(transport: transport, region: region, now: now)
      .callerIdentity(of: credentials, at: place)
  }

  /// A moment of this machine's clock as the server's clock shows it, by the `Date` of its last
  /// answer. Clocks less than three seconds apart count as equal: that `Date` has whole seconds,
  /// and its way here takes time.
  public func serverTime(at moment: Timestamp) -> Timestamp {
    guard let offset = memory.serverOffset, offset >= .seconds(3) || offset <= .seconds(-3) else {
      return moment
    }
    return moment.advanced(by: offset)
  }

  /// What this endpoint's ETags are, as far as uploads and downloads have shown; not those under KMS
  /// and customer keys, which never are the MD5 of the bytes.
  public var etagMeaning: ETagMeaning { memory.etagMeaning }

  /// An ETag with the form of an MD5 was that of the bytes that arrived, or of their parts; or it was
  /// not, and the bytes came the same twice.
  public func noteETag(isMD5: Bool) { memory.noteETag(isMD5: isMD5) }
}
