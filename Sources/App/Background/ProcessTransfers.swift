import Browser
import Storage

/// The transfers of this process, of every session that it has worked with.
///
/// Work with other settings ends no transfer: each goes on with the session that it was started
/// with, and is shown and controlled beside those of the session of the moment.
actor ProcessTransfers {
  /// What all transfers do at one moment.
  struct Overview: Sendable {
    /// Those of the oldest session first.
    var statuses: [TransferStatus] = []
    /// What the sessions before that of the moment are called, by their transfers.
    var earlier: [TransferID: String] = [:]
  }

  private struct Member {
    let service: S3Service
    /// For people: the profile, or where it works.
    let name: String
    let successor: Successor?
    var statuses: [TransferStatus] = []
    var follower: Task<Void, Never>?

    var transfers: TransferEngine { service.transfers }
  }

  /// In the order in which they came; the last one is that of the moment.
  private var members: [Int: Member] = [:]
  private var lastMember = 0
  private var listeners: [Int: AsyncStream<Overview>.Continuation] = [:]
  private var lastListener = 0

  private var inOrder: [Member] { members.sorted { $0.key < $1.key }.map(\.value) }

  /// Makes a session that of the moment. What is over of those before is forgotten.
  ///
  /// - Parameter successor: goes on with its transfers in the background, if that is ever wished.
  func begin(_ service: S3Service, named name: String, successor: Successor? = nil) async {
    for (number, member) in members {
      await member.transfers.clearFinished()
      if await member.transfers.status().isEmpty {
        member.follower?.cancel()
        members[number] = nil
      }
    }
    lastMember += 1
    let number = lastMember
    members[number] = Member(service: service, name: name, successor: successor)
    members[number]?.follower = Task { [transfers = service.transfers] in
      for await statuses in transfers.updates() { self.took(statuses, from: number) }
    }
  }

  private func took(_ statuses: [TransferStatus], from number: Int) {
    members[number]?.statuses = statuses
    let overview = overview(of: members)
    for listener in listeners.values { listener.yield(overview) }
  }

  private func overview(of members: [Int: Member]) -> Overview {
    var overview = Overview()
    for (number, member) in members.sorted(by: { $0.key < $1.key }) {
      overview.statuses += member.statuses
      guard number != lastMember else { continue }
      for status in member.statuses { overview.earlier[status.id] = member.name }
    }
    return overview
  }

  /// The newest state of all, whenever something changed. Whoever is slow misses what was in between.
  nonisolated func updates() -> AsyncStream<Overview> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: Overview.self, bufferingPolicy: .bufferingNewest(1))
    Task { await self.listen(continuation) }
    return stream
  }

  private func listen(_ continuation: AsyncStream<Overview>.Continuation) {
    lastListener += 1
    let listener = lastListener
    listeners[listener] = continuation
    continuation.onTermination = { _ in Task { await self.forget(listener) } }
    let overview = overview(of: members)
    if !overview.statuses.isEmpty { continuation.yield(overview) }
  }

  private func forget(_ listener: Int) {
    listeners[listener] = nil
  }

  /// As they are now.
  func statuses() async -> [TransferStatus] {
    var statuses: [TransferStatus] = []
    for member in inOrder { statuses += await member.transfers.status() }
    return statuses
  }

  /// Bytes a second of all of them together.
  var rate: Double {
    get async {
      var rate = 0.0
      for member in inOrder { rate += await member.transfers.rate }
      return rate
    }
  }

  // MARK: - Control

  // A transfer's number is its own in the whole process, and engines leave alone what is not theirs.

  func perform(_ control: TransferControl, on id: TransferID) async {
    for member in inOrder { await member.transfers.perform(control, on: id) }
  }

  func move(_ id: TransferID, by places: Int) async {
    for member in inOrder { await member.transfers.move(id, by: places) }
  }

  func clearFinished() async {
    for member in inOrder { await member.transfers.clearFinished() }
  }

  /// Bytes a second for all of them together, since the sessions of a process share one limit.
  var limit: Int? {
    get async { await members[lastMember]?.transfers.limit }
  }

  func setLimit(bytesPerSecond: Int?) async {
    for member in inOrder { await member.transfers.setLimit(bytesPerSecond: bytesPerSecond) }
  }

  // MARK: - Ending

  /// Stops all of them, so that they can be resumed.
  func stopResumably() async {
    await withDiscardingTaskGroup { group in
      for member in members.values {
        group.addTask { await member.transfers.stopResumably() }
      }
    }
  }

  /// Has other processes go on with all of them, one for each session.
  func handOver(_ others: OtherTransfers?) async -> Result<Handover, CommandFailure> {
    var handover = Handover()
    for member in inOrder {
      guard let successor = member.successor else { continue }
      switch await Handover.perform(member.service, successor, others) {
      case .success(let part): handover.add(part)
      case .failure(let failure): return .failure(failure)
      }
    }
    return .success(handover)
  }
}
