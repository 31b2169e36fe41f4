import History
import S3
import Storage
import TextUI

/// The transfers of this run, oldest first, below them those of other processes, and last what
/// earlier runs have left unfinished.
struct TransfersPane: Sendable {
  private(set) var own: [TransferStatus] = []
  /// The sessions of those that were started before a switch.
  private var earlier: [TransferID: String] = [:]
  private var others: [OtherProcess] = []
  /// What earlier runs have left, and no other process has taken over.
  private(set) var left: [JournalEntry] = []
  /// What the journal told of when it was read last.
  private var found: [JournalEntry] = []
  /// Those of `left` that this run has taken over, until they are over and cleared.
  private var takenOver: Set<JournalID> = []
  /// Bytes a second for all of this run; nil for no limit.
  var limit: Int?
  /// Bytes a second that all of this run move together; nil for the sum of what each moves.
  var ownRate: Double?
  private(set) var viewport = ListViewport()
  /// Those of this run whose end has been told.
  private var told: Set<TransferID> = []

  var isEmpty: Bool { own.isEmpty && others.isEmpty && left.isEmpty }

  /// The rows of this run and of others: what runs, waits or is over.
  var known: Int { others.reduce(own.count) { $0 + $1.transfers.count } }

  /// All rows.
  var count: Int { known + left.count }

  subscript(_ index: Int) -> TransferRow? {
    guard index >= own.count else {
      guard own.indices.contains(index) else { return nil }
      return .known(own[index], processID: nil, session: earlier[own[index].id])
    }
    var rest = index - own.count
    for process in others {
      if rest < process.transfers.count {
        return .known(process.transfers[rest], processID: process.processID)
      }
      rest -= process.transfers.count
    }
    return left.indices.contains(rest) ? .left(left[rest]) : nil
  }

  /// The limit of a process; of this one for nil.
  func limit(of processID: Int32?) -> Int? {
    processID.map { id in others.first { $0.processID == id }?.limit } ?? limit
  }

  var selected: TransferRow? { viewport.selected.flatMap { self[$0] } }

  /// Transfers of this run that are not over.
  var running: [TransferStatus] { own.filter { !$0.state.isOver } }

  /// Those of this run that go on by themselves.
  var active: [TransferStatus] { own.filter(\.isActive) }

  /// The buckets that another process is uploading to.
  func bucketsUploadedTo(by processID: Int32) -> Set<BucketName> {
    let process = others.first { $0.processID == processID }
    let uploads = process?.transfers.filter { $0.direction == .upload && $0.isActive } ?? []
    return Set(uploads.map(\.location.bucket))
  }

  /// Bytes a second of everything that moves, in whichever process.
  var rate: Double {
    let others = others.flatMap(\.transfers).filter { !$0.state.isOver }.reduce(0) { $0 + $1.rate }
    return (ownRate ?? running.reduce(0) { $0 + $1.rate }) + others
  }

  /// What all together need at their rate; nil while that cannot be told.
  var timeLeft: Duration? {
    let moving = allRunning.filter { $0.state != .paused && $0.state != .cancelling }
    let rate = rate
    guard rate > 0 else { return nil }
    var left = 0.0
    for status in moving {
      guard let total = status.total, status.tree?.isComplete ?? true else { return nil }
      left += max(Double(total.bytes) - Double(status.moved.bytes), 0)
    }
    // Beyond a year the figure says nothing.
    return left / rate < 31_536_000 ? .seconds(left / rate) : nil
  }

  /// Everything that is not over, in whichever process.
  var allRunning: [TransferStatus] {
    running + others.flatMap { $0.transfers.filter { !$0.state.isOver } }
  }

  mutating func setHeight(_ height: Int) { viewport.setHeight(height) }

  /// Takes the newest state, and keeps the selection on its transfer.
  ///
  /// - Parameters:
  ///   - earlier: the sessions of those that were started before a switch.
  ///   - follows: whether the first unfinished transfer is to be selected, so that what moves is in
  ///     view while nobody has the pane in hand.
  mutating func update(
    _ statuses: [TransferStatus], earlier: [TransferID: String], follows: Bool
  ) {
    let selected = selected?.reference
    own = statuses
    self.earlier = earlier
    // One that is tried again will end again.
    for status in statuses where !status.state.isOver { told.remove(status.id) }
    select(selected, follows: follows)
  }

  /// Whether another process has shown its transfers already.
  func knows(_ processID: Int32) -> Bool { others.contains { $0.processID == processID } }

  /// Takes the newest state of another process.
  mutating func update(_ process: OtherProcess, follows: Bool) {
    let selected = selected?.reference
    if let index = others.firstIndex(where: { $0.processID == process.processID }) {
      others[index] = process
    } else {
      let index = others.firstIndex { $0.processID > process.processID } ?? others.endIndex
      others.insert(process, at: index)
    }
    sortOut()
    select(selected, follows: follows)
  }

  /// Takes away what another process had, and returns it.
  mutating func remove(processID: Int32, follows: Bool) -> OtherProcess? {
    guard let index = others.firstIndex(where: { $0.processID == processID }) else { return nil }
    let selected = selected?.reference
    let process = others.remove(at: index)
    // What has become of these the journal knows, once it is read again.
    found.removeAll(where: process.hasTakenOver)
    sortOut()
    select(selected, follows: follows)
    return process
  }

  /// Takes what earlier runs have left.
  mutating func update(left entries: [JournalEntry], follows: Bool) {
    let selected = selected?.reference
    found = entries
    sortOut()
    select(selected, follows: follows)
  }

  private mutating func sortOut() {
    left = found.filter { entry in
      !takenOver.contains(entry.id) && !others.contains { $0.hasTakenOver(entry) }
    }
  }

  /// This run goes on with these: they show among its own from now on.
  mutating func takeOver(_ entries: [JournalEntry], follows: Bool) {
    takenOver.formUnion(entries.map(\.id))
    update(left: found, follows: follows)
  }

  /// What this run took over and could not finish is left once more.
  mutating func giveBack() {
    if running.isEmpty { takenOver = [] }
  }

  private mutating func select(_ reference: TransferReference?, follows: Bool) {
    let count = count
    viewport.setCount(count)
    let rows = 0..<count
    let wanted =
      follows
      ? rows.first { self[$0]?.status?.state.isOver == false }
        ?? (left.isEmpty ? rows.last : known)
      : reference.flatMap { wanted in rows.first { self[$0]?.reference == wanted } }
    if let wanted { viewport.select(wanted) }
  }

  mutating func move(_ command: Command) -> Bool { viewport.perform(command) }

  /// Those of this run that ended since the last call; empty while any still moves.
  mutating func takeEnded() -> [TransferStatus] {
    guard active.isEmpty else { return [] }
    let over = own.filter(\.state.isOver)
    let ended = over.filter { !told.contains($0.id) }
    told = Set(over.map(\.id))
    return ended
  }
}

extension TransferStatus {
  /// Neither over nor paused.
  var isActive: Bool { !state.isOver && state != .paused }

  /// Whether what it uploads may show at `place`.
  func uploads(to place: Place) -> Bool {
    guard direction == .upload, location.bucket == place.bucket else { return false }
    let (key, prefix) = (location.key.bytes, place.prefix.bytes)
    return key.starts(with: prefix) || tree != nil && prefix.starts(with: key)
  }
}

/// What became of some transfers, once none runs any more.
struct TransferSummary {
  let text: String

  init(_ statuses: [TransferStatus]) {
    var (done, failed, cancelled, skipped, stopped, renamed) = (0, 0, 0, 0, 0, 0)
    var bytes = ByteCount.zero
    for status in statuses {
      if let tree = status.tree {
        done += tree.done
        failed += tree.failed
        skipped += tree.skipped
        renamed += tree.renamed
        bytes += status.moved
        switch status.state {
        case .cancelled: cancelled += 1
        case .failed where status.isStopped: stopped += 1
        default: break
        }
        continue
      }
      switch status.state {
      case .finished(let result) where result.isSkipped: skipped += 1
      case .finished(let result):
        done += 1
        if status.otherName != nil { renamed += 1 }
        bytes += result.size ?? .zero
      case .failed where status.isStopped: stopped += 1
      case .failed: failed += 1
      case .cancelled: cancelled += 1
      case .waiting, .running, .retrying, .paused, .cancelling: break
      }
    }
    let files = "\(ByteFormat.exact(Int64(done))) \(done == 1 ? "file" : "files")"
    var parts = ["\(Self.verb(statuses)) \(files), \(ByteFormat.iec(bytes.bytes))"]
    if failed > 0 { parts.append("\(ByteFormat.exact(Int64(failed))) failed") }
    if cancelled > 0 { parts.append("\(ByteFormat.exact(Int64(cancelled))) cancelled") }
    if stopped > 0 { parts.append("\(ByteFormat.exact(Int64(stopped))) stopped") }
    if skipped > 0 { parts.append("\(ByteFormat.exact(Int64(skipped))) skipped") }
    if renamed > 0 {
      let names = renamed == 1 ? "under another name" : "under other names"
      parts.append("\(ByteFormat.exact(Int64(renamed))) \(names)")
    }
    text = parts.joined(separator: ", ")
  }

  private static func verb(_ statuses: [TransferStatus]) -> String {
    let directions = Set(statuses.map(\.direction))
    guard directions.count == 1, let only = directions.first else { return "Moved" }
    return only == .upload ? "Uploaded" : "Downloaded"
  }
}
