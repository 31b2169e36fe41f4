import HTTP
import Synchronization

@testable import S3

/// A client whose answers are scripted and whose waits are counted instead of waited for.
struct ScriptedClient {
  static let moment = Timestamp(seconds: 1_795_183_327)  // 2026-11-20T14:02:07Z

  let transport: ScriptedTransport
  private let waits = Waits()
  private(set) var client: S3Client

  init(
    _ answers: [ScriptedTransport.Answer], endpoint: Endpoint? = nil, pieceSize: Int = 4096,
    credentials: any CredentialProvider = StaticCredentials(
      accessKeyID: "AKID", secretAccessKey: Secret("secret")),
    policy: RetryPolicy = .standard,
    now: @escaping @Sendable () -> Timestamp = { ScriptedClient.moment }
  ) throws {
    transport = ScriptedTransport(answers, pieceSize: pieceSize)
    client = S3Client(
      endpoint: try endpoint ?? Endpoint(parsing: "http://store.test:9000"), region: .usEast1,
      credentials: credentials, transport: transport, retryPolicy: policy,
      now: now)
    client.wait = { [waits] (duration) async throws(CancellationError) in
      waits.add(duration)
    }
  }

  mutating func observeRetries(_ observer: @escaping @Sendable (RetryEvent) -> Void) {
    client.retryObserver = observer
  }

  var requests: [HTTPRequest] { transport.requests }
  var waited: [Duration] { waits.all }

  private final class Waits: Sendable {
    private let state = Mutex<[Duration]>([])
    var all: [Duration] { state.withLock { $0 } }
    func add(_ duration: Duration) { state.withLock { $0.append(duration) } }
  }
}

extension HTTPRequest {
  /// What stands in the URL after host and port.
  var target: String {
    let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    return parts.count == 4 ? "/" + parts[3] : ""
  }

  var bytes: [UInt8] {
    if case .bytes(let bytes) = body { bytes } else { [] }
  }
}

/// Runs `body` and gives the error that it throws; nil when it throws none.
func failure<Value>(
  of body: () async throws(S3Error) -> Value
) async -> S3Error? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error
  }
}
