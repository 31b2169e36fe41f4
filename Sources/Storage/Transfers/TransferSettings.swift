public import S3

/// How many transfers run at once, and how they are cut.
public struct TransferSettings: Sendable, Hashable {
  /// Large files running at once, and as many folders and prefixes beside them; 1 or more, the others
  /// wait. Small files run beside both, as many as there is room for their requests.
  public var concurrentTransfers: Int
  /// Requests that carry bodies at once, over all transfers; 1 or more. nil has it follow from the
  /// processors and from how fast the server answers.
  public var concurrentRequests: Int?
  /// The size that ``PartPlan`` keeps while it can, 5 MiB through 5 GiB.
  public var partSize: ByteCount
  /// Larger files move in parallel parts and ranges, and keep what has moved when they are interrupted.
  public var multipartThreshold: ByteCount
  /// How long the engine goes on trying when requests fail that may succeed later, and none does.
  public var patience: Duration
  /// Between two values of ``TransferEngine/updates()``.
  public var updateInterval: Duration
  /// What the process may have open at once: where that is little, less runs at once.
  public var openFileLimit: Int

  public init(
    concurrentTransfers: Int = 4, concurrentRequests: Int? = nil,
    partSize: ByteCount = .mebibytes(8), multipartThreshold: ByteCount = .mebibytes(16),
    patience: Duration = .seconds(60), updateInterval: Duration = .milliseconds(100),
    openFileLimit: Int = OpenFileLimit.current
  ) {
    self.concurrentTransfers = concurrentTransfers
    self.concurrentRequests = concurrentRequests
    self.partSize = partSize
    self.multipartThreshold = multipartThreshold
    self.patience = patience
    self.updateInterval = updateInterval
    self.openFileLimit = openFileLimit
  }

  /// As many connections to one server as transfers may ever use at once, so that no request that
  /// has its turn waits once more for a connection.
  public var mostConnections: Int { openFiles.connections }

  /// How many requests carry no body: listings, heads, completions.
  private static let bodiless = 16

  /// Small objects and parts together, where neither is asked to be fewer.
  private static let mostRequests = ConcurrencyPlan.Kind.allCases.reduce(0) {
    $0 + ConcurrencyPlan($1, cores: 1).range.upperBound
  }

  var openFiles: OpenFilePlan {
    OpenFilePlan(
      limit: openFileLimit,
      connections: Self.bodiless + (concurrentRequests ?? Self.mostRequests))
  }

  /// As many threads as bodies move on: each of them fills most of a processor.
  public var threads: Int { min(max(ProcessorCount.current, 1), 4) }

  func pool(cores: Int) -> RequestPool {
    let connections = mostConnections
    let most = connections - min(Self.bodiless, connections / 4)
    if let concurrentRequests { return RequestPool(fixed: min(concurrentRequests, most)) }
    let parts = ConcurrencyPlan(.part, cores: cores).limited(to: max(most / 2, 1))
    return RequestPool(
      parts: parts,
      small: ConcurrencyPlan(.small, cores: cores).limited(to: most - parts.range.upperBound))
  }
}
