internal import CCurl
internal import Synchronization
public import SystemPackage

/// Sends requests with libcurl, over connections that are kept and reused.
///
/// An instance has threads and connections of its own. What may wait for a slow disk (bodies to
/// and from files) belongs on another instance than what a person waits for.
///
/// Proxies come from the configuration; libcurl does not look into the environment. TLS is 1.2
/// or later, and its verification cannot be turned off. No redirect is followed, no cookie kept,
/// no `.netrc` read, no content encoding asked for or undone.
///
/// Where things live in this module:
/// - `HTTPRequest`, `HTTPResponse`, `HTTPError`   what goes in and what comes out
/// - `CurlLoop`                                   the actor that runs them, and its queue
/// - `CurlThread`                                 the executor: the thread that waits for sockets
/// - `Exchange`                                   one request under way: bodies, heads, limits
/// - `EasyHandle`, `MultiHandle`                  libcurl's handles; nothing else calls libcurl
/// - `SocketWatch`                                what libcurl waits for, and what is there
/// - `WriteBuffer`                                the way of large bodies into their file
/// - `LargeBuffers`                               what libcurl allocates for bodies
public final class CurlTransport: HTTPTransport {
  public struct Configuration: Sendable {
    /// Between which requests are divided, each with its own connections. 1 or more: one moves
    /// about a gibibyte a second, and encrypts less.
    public var threads: Int
    /// More requests to one scheme, host and port wait their turn. 1 or more.
    public var maxConnectionsPerHost: Int
    /// For name, connection and TLS handshake together.
    public var connectTimeout: Duration
    /// Certificates in PEM that are trusted beside the system's own.
    public var caBundle: FilePath?
    public var proxies: ProxySettings
    public var userAgent: String
    /// Of the buffers for large bodies, in bytes, 16 KiB through 512 KiB. One per request.
    public var bufferSize: Int
    /// Of the bodies of all requests together; nil when they are never limited.
    public var rateLimit: RateLimit?

    public init(
      threads: Int = 1, maxConnectionsPerHost: Int = 64,
      connectTimeout: Duration = .seconds(10),
      caBundle: FilePath? = nil, proxies: ProxySettings = .none, userAgent: String = "pail",
      bufferSize: Int = 128 * 1024, rateLimit: RateLimit? = nil
    ) {
      self.threads = max(threads, 1)
      self.rateLimit = rateLimit
      self.maxConnectionsPerHost = max(maxConnectionsPerHost, 1)
      self.connectTimeout = connectTimeout
      self.caBundle = caBundle
      self.proxies = proxies
      self.userAgent = userAgent
      self.bufferSize = min(max(bufferSize, 16 * 1024), 512 * 1024)
    }
  }

  /// What the transport has done since it was made.
  public struct Statistics: Sendable, Hashable {
    public var connectionsOpened: Int
    /// Requests that were started, answered or not.
    public var requestCount: Int
  }

  private let loops: [CurlLoop]
  public let taskExecutor: (any TaskExecutor)?
  private let counters = CurlStatistics()
  private let lastID = Atomic<Exchange.ID>(0)

  /// Before any handle; libcurl wants it once per process.
  private static let isReady = LargeBuffers.setUpLibcurl()

  public convenience init(configuration: Configuration = Configuration()) {
    self.init(configuration, stackSize: nil)
  }

  /// - Parameter stackSize: of its threads, in bytes; the system's own when nil.
  init(_ configuration: Configuration, stackSize: Int?) {
    let threads = min(configuration.threads, configuration.maxConnectionsPerHost)
    var share = configuration
    share.maxConnectionsPerHost = configuration.maxConnectionsPerHost / threads
    var loops: [CurlLoop] = []
    for _ in 0..<threads {
      // Some kilobytes are not to be had: with none, requests say so.
      guard Self.isReady, let multi = MultiHandle() else { break }
      loops.append(CurlLoop(multi: multi, configuration: share, statistics: counters))
    }
    let curlThreads = loops.map(\.thread)
    self.loops = loops.filter { loop in
      loop.thread.start(
        loop, peers: curlThreads.filter { $0 !== loop.thread }, stackSize: stackSize)
    }
    taskExecutor = self.loops.isEmpty ? nil : CurlTasks(self.loops.map(\.thread))
  }

  public var statistics: Statistics {
    Statistics(
      connectionsOpened: counters.connectionsOpened, requestCount: counters.requestCount)
  }

  public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let origin = try request.checkedOrigin()
    let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue
    guard let loop = leastBusyLoop() else {
      throw .connectionLost(reason: "there is no memory or no thread for requests")
    }
    defer { loop.thread.load.wrappingSubtract(1, ordering: .relaxed) }
    return try await withTaskCancellationHandler {
      await loop.perform(request, id: id, origin: origin)
    } onCancel: {
      loop.thread.cancel(id)
    }.get()
  }

  /// The one whose thread this is, else that which has least to do. Counts one request more for it.
  ///
  /// - Returns: nil when there was no memory or no thread for any.
  private func leastBusyLoop() -> CurlLoop? {
    guard var best = loops.first else { return nil }
    for loop in loops {
      if loop.thread.isCurrent {
        best = loop
        break
      }
      if loop.thread.load.load(ordering: .relaxed) < best.thread.load.load(ordering: .relaxed) {
        best = loop
      }
    }
    best.thread.load.wrappingAdd(1, ordering: .relaxed)
    return best
  }
}
