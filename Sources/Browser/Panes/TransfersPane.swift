import S3
import Storage
import TextUI

/// The transfers of this run, oldest first.
struct TransfersPane: Sendable {
  private(set) var all: [TransferStatus] = []
  private(set) var viewport = ListViewport()
  /// Those whose end has been told.
  private var told: Set<TransferID> = []

  var isEmpty: Bool { all.isEmpty }

  var selected: TransferStatus? {
    viewport.selected.flatMap { all.indices.contains($0) ? all[$0] : nil }
  }

  /// Transfers that are not over.
  var running: [TransferStatus] { all.filter { !$0.state.isOver } }

  /// Bytes a second of all together.
  var rate: Double { all.reduce(0) { $1.state.isOver ? $0 : $0 + $1.rate } }

  mutating func setHeight(_ height: Int) { viewport.setHeight(height) }

  /// Takes the newest state, and keeps the selection on its transfer.
  ///
  /// - Parameter follows: whether the first unfinished transfer is to be selected, so that what
  ///   moves is in view while nobody has the pane in hand.
  mutating func update(_ statuses: [TransferStatus], follows: Bool) {
    let selected = selected?.id
    all = statuses
    // One that is tried again will end again.
    for status in statuses where !status.state.isOver { told.remove(status.id) }
    viewport.setCount(all.count)
    let wanted =
      follows
      ? all.firstIndex { !$0.state.isOver } ?? all.indices.last
      : all.firstIndex { $0.id == selected }
    if let wanted { viewport.select(wanted) }
  }

  mutating func move(_ command: Command) -> Bool { viewport.perform(command) }

  /// Those that ended since the last call; empty while any still runs.
  mutating func takeEnded() -> [TransferStatus] {
    guard running.isEmpty else { return [] }
    let ended = all.filter { !told.contains($0.id) }
    told = Set(all.map(\.id))
    return ended
  }
}

/// What became of some transfers, once none runs any more.
struct TransferSummary {
  let text: String

  init(_ statuses: [TransferStatus]) {
    var (done, failed, cancelled, skipped) = (0, 0, 0, 0)
    var bytes = ByteCount.zero
    for status in statuses {
      switch status.state {
      case .finished(let result) where result.isSkipped: skipped += 1
      case .finished(let result):
        done += 1
        bytes += result.size
      case .failed: failed += 1
      case .cancelled: cancelled += 1
      case .waiting, .running, .retrying, .paused, .cancelling: break
      }
    }
    let files = "\(ByteFormat.exact(Int64(done))) \(done == 1 ? "file" : "files")"
    var parts = ["\(Self.verb(statuses)) \(files), \(ByteFormat.iec(bytes.bytes))"]
    if failed > 0 { parts.append("\(ByteFormat.exact(Int64(failed))) failed") }
    if cancelled > 0 { parts.append("\(ByteFormat.exact(Int64(cancelled))) cancelled") }
    if skipped > 0 { parts.append("\(ByteFormat.exact(Int64(skipped))) skipped") }
    text = parts.joined(separator: ", ")
  }

  private static func verb(_ statuses: [TransferStatus]) -> String {
    let directions = Set(statuses.map(\.direction))
    guard directions.count == 1, let only = directions.first else { return "Moved" }
    return only == .upload ? "Uploaded" : "Downloaded"
  }
}
