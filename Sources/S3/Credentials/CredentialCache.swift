/// Keeps temporary credentials and renews them ahead of their end, once for all who wait.
///
/// While the old ones are good they are handed out and the new ones fetched beside; whoever comes
/// when they are not waits for the fetch that is under way. Cancelling one who waits leaves the
/// fetch to the others.
public actor CredentialCache: CredentialProvider {
  /// Fetched anew when less than this is left, or less than a quarter of their life.
  private static let renewalLead = Duration.seconds(15 * 60)
  /// Not handed out when less than this is left, since a request takes its time.
  private static let margin = Duration.seconds(10)
  /// After a renewal that failed while the old ones were good.
  private static let pauseAfterFailure = Duration.seconds(30)
  /// Between two fetches from a source in trouble: hundreds of requests may come back for it, each
  /// after a wait of its own.
  private static let pauseInTrouble = Duration.milliseconds(250)

  private struct Held {
    var credentials: Credentials
    /// When to fetch the next ones; nil for keys that do not end.
    var renewal: Timestamp?
    var end: Timestamp?
  }

  private typealias Outcome = Result<Credentials, CredentialError>

  private let source: any CredentialProvider
  private let now: @Sendable () -> Timestamp
  private var held: Held?
  private var isFetching = false
  /// What the last fetch brought, until when nobody asks again.
  private var trouble: (error: CredentialError, end: Timestamp)?
  private var waiting: [Int: CheckedContinuation<Outcome, Never>] = [:]
  private var lastID = 0

  public init(
    _ source: any CredentialProvider, now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    self.source = source
    self.now = now
  }

  public func credentials() async throws(CredentialError) -> Credentials {
    if let held, held.end.map({ now() < $0 }) ?? true {
      if let renewal = held.renewal, now() >= renewal { fetch() }
      return held.credentials
    }
    return try await fetched()
  }

  /// Waits for the fetch that is under way, or for a new one.
  private func fetched() async throws(CredentialError) -> Credentials {
    lastID += 1
    let id = lastID
    return try await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if Task.isCancelled {
          continuation.resume(returning: Outcome.failure(.cancelled))
        } else {
          waiting[id] = continuation
          fetch()
        }
      }
    } onCancel: {
      Task { await self.cancel(id) }
    }.get()
  }

  /// Where the source has none that last longer, or fails, those that are kept.
  public func credentials(
    lastingUntil moment: Timestamp
  ) async throws(CredentialError) -> Credentials {
    let kept = try await credentials()
    guard let end = kept.expires, end < moment else { return kept }
    let renewed: Credentials
    do {
      renewed = try await fetched()
    } catch {
      if error == .cancelled { throw error }
      return kept
    }
    return (renewed.expires ?? moment) > end ? renewed : kept
  }

  /// Forgets `credentials`, if it still hands them out: a server calls them expired.
  ///
  /// `async` so that the protocol's own, which does nothing, is never preferred to it.
  public func discard(_ credentials: Credentials) async {
    if held?.credentials == credentials { held = nil }
  }

  private func cancel(_ id: Int) {
    waiting.removeValue(forKey: id)?.resume(returning: .failure(.cancelled))
  }

  private func fetch() {
    guard !isFetching else { return }
    if let trouble, now() < trouble.end { return answer(.failure(trouble.error)) }
    isFetching = true
    Task {
      do throws(CredentialError) {
        fetched(.success(try await source.credentials()))
      } catch {
        fetched(.failure(error))
      }
    }
  }

  private func fetched(_ outcome: Outcome) {
    isFetching = false
    trouble = nil
    var outcome = outcome
    let moment = now()
    switch outcome {
    case .success(let credentials):
      guard let end = credentials.expires else {
        held = Held(credentials: credentials)
        break
      }
      let life = end.since(moment)
      guard life > .zero else {
        outcome = .failure(.expired(end))
        break
      }
      let lead = min(Self.renewalLead, life / 4)
      held = Held(
        credentials: credentials, renewal: end.advanced(by: .zero - lead),
        end: end.advanced(by: .zero - min(Self.margin, life / 4)))
    case .failure(let error):
      held?.renewal = moment.advanced(by: Self.pauseAfterFailure)
      if error.isTransient { trouble = (error, moment.advanced(by: Self.pauseInTrouble)) }
    }
    answer(outcome)
  }

  private func answer(_ outcome: Outcome) {
    let continuations = waiting.values
    waiting = [:]
    for continuation in continuations { continuation.resume(returning: outcome) }
  }
}
