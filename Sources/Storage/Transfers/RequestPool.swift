import DequeModule
import HTTP
import S3
import Synchronization

/// Lets a number of requests run at once, over all transfers; the others wait in turn.
///
/// Parts and small objects have room apart, so that neither keeps the other waiting, unless a person
/// asked for a number of requests. Where several transfers wait, each gets a turn before one gets a
/// second: a thousand small files and one huge one both move.
final class RequestPool: Sendable {
  typealias Kind = ConcurrencyPlan.Kind

  /// The right to one request; to be given back with ``leave(_:isAnswered:)``.
  struct Turn: Sendable {
    fileprivate let kind: Kind
    fileprivate let transfer: TransferID
    fileprivate let isPart: Bool
    fileprivate let start: ContinuousClock.Instant
  }

  private struct Waiter {
    let id: Int
    let isPart: Bool
    let turn: CheckedContinuation<Bool, Never>
  }

  /// How to give up a request that can go again later.
  private struct Interruption {
    /// nil for one that is given up for no other request of its transfer.
    let moved: ByteCounter?
    let interrupt: @Sendable () -> Void
  }

  /// The requests of one kind.
  private struct Lane {
    var plan: ConcurrencyPlan
    private(set) var active = 0
    /// Those of them that move a part of a file.
    private(set) var partCounts: [TransferID: Int] = [:]
    /// Of parts of a transfer, where they are to be fewer than there is room for.
    var limits: [TransferID: Int] = [:]
    /// Who waits for which transfer; none of them is empty.
    var waiting: [TransferID: Deque<Waiter>] = [:]
    /// The transfers in `waiting`, the next one first.
    var round: Deque<TransferID> = []

    var hasRoom: Bool { active < plan.limit }
    var waitingCount: Int { waiting.values.reduce(0) { $0 + $1.count } }

    /// - Parameter isPart: whether it moves a part of a file.
    func hasRoom(for transfer: TransferID, isPart: Bool) -> Bool {
      guard hasRoom else { return false }
      guard isPart, let limit = limits[transfer] else { return true }
      return partCounts[transfer, default: 0] < limit
    }

    mutating func begin(for transfer: TransferID, isPart: Bool) {
      active += 1
      if isPart { partCounts[transfer, default: 0] += 1 }
    }

    mutating func end(_ turn: Turn) {
      active -= 1
      guard turn.isPart, let count = partCounts[turn.transfer] else { return }
      partCounts[turn.transfer] = count > 1 ? count - 1 : nil
    }

    /// Those who may go now.
    ///
    /// - Parameter held: transfers that get no turn and keep their places, like those at their limit.
    mutating func admit(holding held: Set<TransferID>) -> [Waiter] {
      var admitted: [Waiter] = []
      var passedOver: [TransferID] = []
      defer { round.append(contentsOf: passedOver) }
      while hasRoom, let transfer = round.popFirst() {
        guard let isPart = waiting[transfer]?.first?.isPart else { continue }
        guard !held.contains(transfer), hasRoom(for: transfer, isPart: isPart) else {
          passedOver.append(transfer)
          continue
        }
        guard var queue = waiting.removeValue(forKey: transfer), let first = queue.popFirst() else {
          continue
        }
        admitted.append(first)
        begin(for: transfer, isPart: isPart)
        guard !queue.isEmpty else { continue }
        waiting[transfer] = queue
        round.append(transfer)
      }
      return admitted
    }

    mutating func wait(_ waiter: Waiter, for transfer: TransferID) {
      if waiting[transfer] == nil { round.append(transfer) }
      waiting[transfer, default: []].append(waiter)
    }

    mutating func remove(_ id: Int, of transfer: TransferID) -> Waiter? {
      guard let index = waiting[transfer]?.firstIndex(where: { $0.id == id }) else { return nil }
      let waiter = waiting[transfer]?.remove(at: index)
      if waiting[transfer]?.isEmpty == true {
        waiting[transfer] = nil
        round.removeAll { $0 == transfer }
      }
      return waiter
    }
  }

  private struct State {
    /// One for parts and one for small objects, or one for both.
    var lanes: [Lane]
    var lastID = 0
    /// Transfers that stand still: none of their requests gets a turn.
    var held: Set<TransferID> = []
    var interruptions: [TransferID: [Int: Interruption]] = [:]

    subscript(kind: Kind) -> Lane {
      _read {
        yield lanes[index(of: kind)]
      }
      _modify {
        yield &lanes[index(of: kind)]
      }
    }

    private func index(of kind: Kind) -> Int { kind == .part ? 0 : lanes.count - 1 }
  }

  private let state: Mutex<State>
  /// How many parts may be under way at most, however fast the server answers.
  let mostParts: Int
  private let start = ContinuousClock.now

  init(parts: ConcurrencyPlan, small: ConcurrencyPlan) {
    mostParts = parts.range.upperBound
    state = Mutex(State(lanes: [Lane(plan: parts), Lane(plan: small)]))
  }

  /// - Parameter limit: of requests of both kinds together; 1 or more.
  init(fixed limit: Int) {
    let plan = ConcurrencyPlan(fixed: limit)
    mostParts = plan.limit
    state = Mutex(State(lanes: [Lane(plan: plan)]))
  }

  var waitingCount: Int {
    state.withLock { $0.lanes.reduce(0) { $0 + $1.waitingCount } }
  }

  /// How many requests of a kind may be under way now.
  func limit(of kind: Kind) -> Int {
    state.withLock { $0[kind].plan.limit }
  }

  /// Waits for a turn.
  ///
  /// - Parameters:
  ///   - transfer: in whose name; those that wait get turns one after the other.
  ///   - isPart: whether it moves a part of a file, as ``limitParts(of:to:sparing:)`` counts them.
  /// - Returns: nil when the task was cancelled instead.
  func enter(_ kind: Kind, for transfer: TransferID, isPart: Bool = false) async -> Turn? {
    guard !Task.isCancelled else { return nil }
    let place: Int? = state.withLock { state in
      // Whoever waits already goes first.
      if state[kind].hasRoom(for: transfer, isPart: isPart), state[kind].round.isEmpty,
        !state.held.contains(transfer)
      {
        state[kind].begin(for: transfer, isPart: isPart)
        return nil
      }
      state.lastID += 1
      return state.lastID
    }
    guard let place else {
      return Turn(kind: kind, transfer: transfer, isPart: isPart, start: .now)
    }
    let isAdmitted = await withTaskCancellationHandler {
      await withCheckedContinuation { turn in
        let admitted: [Waiter]? = state.withLock { state in
          // Cancelled before it stood in the queue: the handler found nobody to wake.
          guard !Task.isCancelled else { return nil }
          state[kind].wait(Waiter(id: place, isPart: isPart, turn: turn), for: transfer)
          // There may be room since it was looked for.
          return state[kind].admit(holding: state.held)
        }
        guard let admitted else { return turn.resume(returning: false) }
        for waiter in admitted { waiter.turn.resume(returning: true) }
      }
    } onCancel: {
      let waiter = state.withLock { $0[kind].remove(place, of: transfer) }
      waiter?.turn.resume(returning: false)
    }
    return isAdmitted ? Turn(kind: kind, transfer: transfer, isPart: isPart, start: .now) : nil
  }

  /// - Parameter isAnswered: whether the server answered, so that the time that it took tells
  ///   something about the way to it.
  func leave(_ turn: Turn, isAnswered: Bool = true) {
    let now = ContinuousClock.now
    let admitted = state.withLock { state in
      if isAnswered {
        state[turn.kind].plan.answered(
          after: turn.start.duration(to: now), at: start.duration(to: now),
          wasFull: !state[turn.kind].hasRoom)
      }
      state[turn.kind].end(turn)
      return state[turn.kind].admit(holding: state.held)
    }
    for waiter in admitted { waiter.turn.resume(returning: true) }
  }

  // MARK: - Standing still

  /// Gives no more turns to a transfer, and gives up what it said can go again later.
  func hold(_ transfer: TransferID) {
    let interruptions = state.withLock { state in
      state.held.insert(transfer)
      return state.interruptions[transfer]
    }
    for interruption in (interruptions ?? [:]).values { interruption.interrupt() }
  }

  func release(_ transfer: TransferID) {
    let admitted = state.withLock { state in
      state.held.remove(transfer)
      return state.lanes.indices.flatMap { state.lanes[$0].admit(holding: state.held) }
    }
    for waiter in admitted { waiter.turn.resume(returning: true) }
  }

  /// How many parts of files of a transfer have a turn.
  func partCount(of transfer: TransferID) -> Int {
    state.withLock { $0[.part].partCounts[transfer, default: 0] }
  }

  /// Changes how many parts of a transfer may be under way. Where they are too many, those are given
  /// up that have moved least. Does nothing where a person asked for a number of requests.
  ///
  /// - Parameters:
  ///   - most: 1 or more; nil for as many as there is room for.
  ///   - enough: what a part has moved, in bytes, that goes on although it is one too many.
  func limitParts(of transfer: TransferID, to most: Int?, sparing enough: ByteCount) {
    let (admitted, tooMany) = state.withLock { state -> ([Waiter], [Interruption]) in
      guard state.lanes.count > 1 else { return ([], []) }
      state[.part].limits[transfer] = most.map { max($0, 1) }
      let byMoved = (state.interruptions[transfer] ?? [:]).values
        .compactMap { interruption in interruption.moved.map { ($0.value, interruption) } }
        .sorted { $0.0 > $1.0 }
      let tooMany = byMoved.dropFirst(most ?? .max).filter { $0.0 < enough.bytes }
      return (state[.part].admit(holding: state.held), tooMany.map(\.1))
    }
    for waiter in admitted { waiter.turn.resume(returning: true) }
    for interruption in tooMany { interruption.interrupt() }
  }

  /// - Parameters:
  ///   - moved: what the request has moved, where it may also be given up for another of its transfer.
  ///   - interrupt: called when it is to be given up: because the transfer is to stand still, also
  ///     when it is already, or because it has too many parts under way.
  /// - Returns: for ``forget(_:of:)``.
  func onHold(
    of transfer: TransferID, moved: ByteCounter? = nil,
    _ interrupt: @escaping @Sendable () -> Void
  ) -> Int {
    let (id, isHeld) = state.withLock { state in
      state.lastID += 1
      state.interruptions[transfer, default: [:]][state.lastID] = Interruption(
        moved: moved, interrupt: interrupt)
      return (state.lastID, state.held.contains(transfer))
    }
    if isHeld { interrupt() }
    return id
  }

  func forget(_ interruption: Int, of transfer: TransferID) {
    state.withLock { state in
      state.interruptions[transfer]?[interruption] = nil
      if state.interruptions[transfer]?.isEmpty == true { state.interruptions[transfer] = nil }
    }
  }
}
