import Synchronization

/// Counts the files of all transfers of an engine, so that together they need no more than this
/// process may have open.
///
/// Whoever has some gets more only while at least as many are left for the others: one alone gets half
/// of all, four get a fifth each, and another that comes finds some left. So nobody has to wait for
/// somebody else, who may be paused; and who has none of a kind gets one, whatever the others have.
final class OpenFiles: Sendable {
  private let most: Int
  private let count = Atomic(0)

  init(most: Int) {
    self.most = most
  }

  /// Whether another file of a kind may be begun.
  ///
  /// - Parameters:
  ///   - ofKind: how many of it the transfer has.
  ///   - own: how many of all kinds it has.
  func hasRoom(ofKind: Int, own: Int) -> Bool {
    ofKind == 0 || own < most - count.load(ordering: .relaxed)
  }

  /// Counts a file from here to ``end(_:)``.
  func begin() {
    count.wrappingAdd(1, ordering: .relaxed)
  }

  func end(_ files: Int = 1) {
    count.wrappingSubtract(files, ordering: .relaxed)
  }
}

/// How what may be open at once is shared out.
struct OpenFilePlan: Sendable, Hashable {
  /// For the databases, the threads of libcurl, listings, and what finds the addresses of hosts.
  private static let others = 96

  /// To the server of the transfers, at most.
  let connections: Int
  /// Files of transfers, at most; each may need its folder open as well.
  let files: Int

  /// - Parameters:
  ///   - limit: what may be open at once.
  ///   - connections: as many as can be of use.
  init(limit: Int, connections: Int) {
    self.connections = min(connections, max(limit / 8, 4))
    files = max((limit - Self.others - self.connections) / 2, 1)
  }
}
