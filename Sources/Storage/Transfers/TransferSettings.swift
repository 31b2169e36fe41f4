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
  /// Larger files move in parallel parts and ranges.
  public var multipartThreshold: ByteCount
  /// Downloads of this size and more keep what has arrived when they are interrupted.
  public var journalThreshold: ByteCount
  /// How long the engine goes on trying when requests fail that may succeed later, and none does.
  public var patience: Duration
  /// Between two values of ``TransferEngine/updates()``.
  public var updateInterval: Duration

  public init(
    concurrentTransfers: Int = 4, concurrentRequests: Int? = nil,
    partSize: ByteCount = .mebibytes(8), multipartThreshold: ByteCount = .mebibytes(16),
    journalThreshold: ByteCount = .mebibytes(64), patience: Duration = .seconds(60),
    updateInterval: Duration = .milliseconds(100)
  ) {
    self.concurrentTransfers = concurrentTransfers
    self.concurrentRequests = concurrentRequests
    self.partSize = partSize
    self.multipartThreshold = multipartThreshold
    self.journalThreshold = journalThreshold
    self.patience = patience
    self.updateInterval = updateInterval
  }

  /// As many connections to one server as transfers may ever use at once, so that no request that
  /// has its turn waits once more for a connection.
  public var mostConnections: Int {
    // Small objects, parts, and what has no body: listings, heads, completions.
    16
      + (concurrentRequests
        ?? ConcurrencyPlan.Kind.allCases.reduce(0) {
          $0 + ConcurrencyPlan($1, cores: 1).range.upperBound
        })
  }

  /// As many threads as bodies move on: each of them fills most of a processor.
  public var threads: Int { min(max(ProcessorCount.current, 1), 4) }

  func pool(cores: Int) -> RequestPool {
    if let concurrentRequests { return RequestPool(fixed: concurrentRequests) }
    return RequestPool(
      parts: ConcurrencyPlan(.part, cores: cores), small: ConcurrencyPlan(.small, cores: cores))
  }
}
