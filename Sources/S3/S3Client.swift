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
  /// All but what differs from transfer to transfer. A client goes along with every request, so its
  /// copies share this until one of them is changed.
  private final class Setup: Sendable {
    let values: Values

    init(_ values: Values) { self.values = values }
  }

  private struct Values: Sendable {
    var endpoint: Endpoint
    var region: Region
    var retryPolicy: RetryPolicy
    var stallTimeout = Duration.seconds(20)
    var clockObserver: (@Sendable (Duration) -> Void)?
    let credentials: any CredentialProvider
    var transport: any HTTPTransport
    let isRegionAssumed: Bool
    let now: @Sendable () -> Timestamp
    let memory: ClientMemory
    var wait: @Sendable (Duration) async throws(CancellationError) -> Void = {
      (duration) async throws(CancellationError) in
      do {
        // The pause that the retry policy asks for; it ends early only when the task is cancelled.
        try await Task.sleep(for: duration)
      } catch {
        throw CancellationError()
      }
    }
  }

  private var setup: Setup

  /// Told of each attempt that failed and will be followed by another, before the wait, and of the
  /// end of each request that it was told of.
  public var retryObserver: (@Sendable (RetryEvent) -> Void)?

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
    setup = Setup(
      Values(
        endpoint: endpoint, region: region, retryPolicy: retryPolicy, credentials: credentials,
        transport: transport, isRegionAssumed: isRegionAssumed, now: now,
        memory: ClientMemory(isBasic: isBasic, now: now())))
  }

  public var endpoint: Endpoint { setup.values.endpoint }
  /// Signed for until a bucket turns out to live in another one.
  public var region: Region { setup.values.region }

  public var retryPolicy: RetryPolicy {
    get { setup.values.retryPolicy }
    set { change { $0.retryPolicy = newValue } }
  }

  /// A request of which no byte moves for so long has failed.
  public var stallTimeout: Duration {
    get { setup.values.stallTimeout }
    set { change { $0.stallTimeout = newValue } }
  }

  /// Told once, when the server refuses what this machine's clock dates, so that its own counts from
  /// then on: how far it is ahead.
  public var clockObserver: (@Sendable (Duration) -> Void)? {
    get { setup.values.clockObserver }
    set { change { $0.clockObserver = newValue } }
  }

  /// Where a task runs best that does little but send requests; nil for anywhere.
  public var taskExecutor: (any TaskExecutor)? { transport.taskExecutor }

  var credentials: any CredentialProvider { setup.values.credentials }
  var transport: any HTTPTransport { setup.values.transport }
  /// Whether nobody has said where the buckets are, so that one may well be elsewhere.
  var isRegionAssumed: Bool { setup.values.isRegionAssumed }
  /// Shared by all copies of a client.
  var memory: ClientMemory { setup.values.memory }

  func now() -> Timestamp { setup.values.now() }

  /// Waits between two attempts; a test counts the waits instead.
  var wait: @Sendable (Duration) async throws(CancellationError) -> Void {
    get { setup.values.wait }
    set { change { $0.wait = newValue } }
  }

  private mutating func change(_ change: (inout Values) -> Void) {
    var values = setup.values
    change(&values)
    setup = Setup(values)
  }

  /// The same client over other connections. What one of them learns of the endpoint both know.
  public func sending(through transport: any HTTPTransport) -> S3Client {
    var client = self
    client.change { $0.transport = transport }
    return client
  }

  /// That of the credentials which the next request is signed with; nil when there are none.
  ///
  /// While their source is in trouble, that of the ones before; the first are waited for.
  public func accessKeyID() async -> String? {
    do {
      let credentials = try await withRetries {
        [memory, credentials] () async throws(CredentialError) in
        do throws(CredentialError) {
          return try await credentials.credentials()
        } catch {
          if error.isTransient, let known = memory.lastCredentials { return known }
          throw error
        }
      }
      memory.lastCredentials = credentials
      return credentials.isAnonymous ? nil : credentials.accessKeyID
    } catch {
      return nil
    }
  }

  /// Fetches credentials, again and again while their source is in trouble, as often as a request is
  /// sent.
  func withRetries(
    _ fetch: () async throws(CredentialError) -> Credentials
  ) async throws(CredentialError) -> Credentials {
    let start = ContinuousClock.now
    var attempt = 1
    while true {
      do throws(CredentialError) {
        return try await fetch()
      } catch {
        let wait = retryPolicy.wait(
          afterAttempt: attempt, retryAfter: nil, random: Double.random(in: 0...1))
        guard error.isTransient, attempt < retryPolicy.maxAttempts,
          start.duration(to: .now) + wait <= retryPolicy.deadline
        else { throw error }
        attempt += 1
        do {
          try await self.wait(wait)
        } catch {
          throw .cancelled
        }
      }
    }
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
    return try await SecurityTokenService(
      transport: transport, region: region, now: { now().advanced(by: memory.clockOffset) }
    ).callerIdentity(of: credentials, at: place)
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

  /// Whether this endpoint, by its answers, lists what is in a folder where the folder's name stands, so
  /// `a/c` before `a-b`, as SeaweedFS does.
  public var listsByFolder: Bool { memory.listsByFolder }

  /// What this endpoint's ETags are, as far as uploads and downloads have shown; not those under KMS
  /// and customer keys, which never are the MD5 of the bytes.
  public var etagMeaning: ETagMeaning { memory.etagMeaning }

  /// An ETag with the form of an MD5 was that of the bytes that arrived, or of their parts; or it was
  /// not, and the bytes came the same twice.
  public func noteETag(isMD5: Bool) { memory.noteETag(isMD5: isMD5) }
}
