import S3
import Storage
import TextUI

/// The transfers of this run, oldest first.
struct TransfersPane: Sendable {
  private(set) var all: [TransferStatus] = []
  private(set) var viewport = ListViewport()

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
    viewport.setCount(all.count)
    let wanted =
      follows
      ? all.firstIndex { !$0.state.isOver } ?? all.indices.last
      : all.firstIndex { $0.id == selected }
    if let wanted { viewport.select(wanted) }
  }

  mutating func move(_ command: Command) -> Bool { viewport.perform(command) }
}

/// What became of the transfers, once none runs any more.
struct TransferSummary {
  let text: String

  init(_ statuses: [TransferStatus]) {
    var (done, failed, cancelled) = (0, 0, 0)
    var bytes = ByteCount.zero
    for status in statuses {
      switch status.state {
      case .finished(let result):
        done += 1
        if !result.isSkipped { bytes += result.size }
      case .failed: failed += 1
      case .cancelled: cancelled += 1
      case .waiting, .running, .retrying, .cancelling: break
      }
    }
    var parts = ["\(done) of \(statuses.count) transfers done, \(ByteFormat.iec(bytes.bytes))"]
    if failed > 0 { parts.append("\(failed) failed") }
    if cancelled > 0 { parts.append("\(cancelled) cancelled") }
    text = parts.joined(separator: ", ")
  }
}
