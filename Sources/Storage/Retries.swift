import S3
import Synchronization

/// Which requests of one undertaking have failed and are being sent again. They are sent beside each
/// other; the one that has failed most often stands for all of them.
public final class Retries: Sendable {
  private let notices = Mutex<[Int: RetryNotice]>([:])
  private let changed: @Sendable (RetryStatus?) -> Void

  /// - Parameter changed: told what there is to show, and nil once no request is in trouble any
  ///   more. Called by one request at a time, which waits for it.
  public init(changed: @escaping @Sendable (RetryStatus?) -> Void = { _ in }) {
    self.changed = changed
  }

  /// What there is to show now.
  var status: RetryStatus? { notices.withLock { Self.status($0) } }

  func note(_ event: RetryEvent) {
    notices.withLock { notices in
      let before = Self.status(notices)
      switch event {
      case .failed(let notice): notices[notice.request] = notice
      case .ended(let request): notices[request] = nil
      }
      let after = Self.status(notices)
      if after != before { changed(after) }
    }
  }

  private static func status(_ notices: [Int: RetryNotice]) -> RetryStatus? {
    notices.values.max { ($0.attempt, $0.request) < ($1.attempt, $1.request) }
      .map { RetryStatus($0) }
  }
}
