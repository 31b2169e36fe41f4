import S3
import Storage
import Synchronization
import TextUI

/// One line on a terminal for all transfers of a command: how many, how far, how fast, what.
final class TransferProgressLine: Sendable {
  private let console: Console
  private let isShown: Bool
  private let total: Int?
  private let done = Mutex((count: 0, bytes: ByteCount.zero))

  /// - Parameter total: nil while it is not known how many there will be.
  init(_ context: CommandContext, total: Int?) {
    console = context.console
    isShown = context.showsProgress
    self.total = total
  }

  /// One transfer is over, or a tree of `count` files, having moved `bytes`.
  func finished(_ bytes: ByteCount, count: Int = 1) {
    done.withLock {
      $0.count += count
      $0.bytes += bytes
    }
  }

  func show(_ statuses: [TransferStatus]) {
    guard isShown else { return }
    let running = statuses.filter { !$0.state.isOver && $0.state != .waiting }
    guard !running.isEmpty else { return }
    let done = done.withLock { $0 }
    let trees = statuses.compactMap(\.tree)
    // Known once nothing more will be found, where all that moves is in one tree.
    let found =
      trees.count == 1 && statuses.count == 1 && trees[0].isComplete ? trees[0].found : nil
    let count = running.reduce(done.count) { $0 + ($1.tree?.over ?? 0) }
    console.progress(
      Self.line(running, count, done.bytes, of: total ?? found, columns: console.errorColumns - 1))
  }

  /// `3 of 10  1.2/2.0 GiB  61%  38.0 MiB/s  0:21  backup.tar`; percent and time left only for a
  /// single transfer, since the sizes of those that wait are not known.
  static func line(
    _ running: [TransferStatus], _ count: Int, _ bytes: ByteCount, of total: Int?, columns: Int
  ) -> String {
    let moved = running.reduce(bytes) { $0 + $1.moved }
    var facts: [String] = []
    if let only = running.first, total == 1, only.tree == nil {
      if let size = only.total, let percent = only.percent {
        facts.append(ByteFormat.iec(only.moved.bytes, of: size.bytes))
        facts.append("\(percent)%")
      } else {
        facts.append(ByteFormat.iec(only.moved.bytes))
      }
    } else {
      facts.append(total.map { "\(count) of \($0) done" } ?? "\(count) done")
      facts.append(ByteFormat.iec(moved.bytes))
    }
    facts.append(ByteFormat.rate(running.reduce(0) { $0 + $1.rate }))
    if total == 1, let left = running.first?.timeLeft { facts.append(DurationFormat.clock(left)) }
    if let trouble = trouble(running) { facts.append(trouble) }
    let start = VisibleText(facts.joined(separator: "  ") + "  ")
    let name = running.first.map { VisibleText(bytes: $0.name) } ?? .empty
    let line = start + name.elidedInMiddle(to: max(columns - start.width, 0))
    return line.clipped(to: max(columns, 0)).text
  }

  /// What holds them up: the first that is tried again, or that none of them moves.
  private static func trouble(_ running: [TransferStatus]) -> String? {
    for status in running {
      if case .retrying(let retry) = status.state { return retry.words }
    }
    let stalls = running.compactMap(\.stalledFor)
    guard stalls.count == running.count, let shortest = stalls.min() else { return nil }
    return DurationFormat.stalled(shortest)
  }
}
