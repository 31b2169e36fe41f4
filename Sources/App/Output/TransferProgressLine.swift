import S3
import Storage
import Synchronization
import TextUI

/// One line on a terminal for all transfers of a command: how many, how far, how fast, what.
final class TransferProgressLine: Sendable {
  /// What is over, and what is still to come.
  private struct Account {
    var count = 0
    var bytes = ByteCount.zero
    /// Transfers that the engine does not know yet.
    var toCome = 0
  }

  private let console: Console
  private let isShown: Bool
  private let total: Int?
  private let account = Mutex(Account())

  /// - Parameter total: nil while it is not known how many there will be.
  init(_ context: CommandContext, total: Int?) {
    console = context.console
    isShown = context.showsProgress
    self.total = total
  }

  /// So many transfers or trees will be begun.
  func expect(_ count: Int) {
    account.withLock { $0.toCome += count }
  }

  /// One of those that were expected has been begun.
  func began() {
    account.withLock { $0.toCome -= 1 }
  }

  /// One transfer is over, or a tree of `count` files, having moved `bytes`.
  func finished(_ bytes: ByteCount, count: Int = 1) {
    account.withLock {
      $0.count += count
      $0.bytes += bytes
    }
  }

  /// - Parameter rate: as ``TransferEngine/rate``.
  func show(_ statuses: [TransferStatus], rate: Double) {
    guard isShown else { return }
    let unfinished = statuses.filter { !$0.state.isOver }
    guard unfinished.contains(where: { $0.state != .waiting }) else { return }
    let account = account.withLock { $0 }
    console.progress(
      Self.line(
        unfinished, account.count, account.bytes, of: total, isAll: account.toCome == 0,
        rate: rate, columns: console.errorColumns - 1))
  }

  /// `3 of 10 done  1.2/2.0 GiB  61%  38.0 MiB/s  0:21  backup.tar`; a whole, percent and time left
  /// only where the sizes of all are known.
  ///
  /// - Parameters:
  ///   - unfinished: at least one of them has begun.
  ///   - count: of those that are over, having moved `bytes`.
  ///   - total: how many there are in all, where that was known from the start.
  ///   - isAll: whether no other will come.
  static func line(
    _ unfinished: [TransferStatus], _ count: Int, _ bytes: ByteCount, of total: Int?,
    isAll: Bool, rate: Double, columns: Int
  ) -> String {
    let running = unfinished.filter { $0.state != .waiting }
    var facts: [String] = []
    if let only = running.first, total == 1, only.tree == nil {
      if let size = only.total, let percent = only.percent {
        facts.append(ByteFormat.iec(only.moved.bytes, of: size.bytes))
        facts.append("\(percent)%")
      } else {
        facts.append(ByteFormat.iec(only.moved.bytes))
      }
      facts.append(ByteFormat.rate(only.rate))
      if let left = only.timeLeft { facts.append(DurationFormat.clock(left)) }
    } else {
      let overview = TransferOverview(unfinished, rate: rate)
      let over = unfinished.reduce(count) { $0 + ($1.tree?.over ?? 0) }
      let isKnown = isAll && unfinished.allSatisfy { $0.tree?.isComplete ?? true }
      let all = total ?? (isKnown ? unfinished.reduce(count) { $0 + ($1.tree?.found ?? 1) } : nil)
      facts.append(all.map { "\(over) of \($0) done" } ?? "\(over) done")
      let moved = bytes + overview.moved
      if isAll, let rest = overview.total, rest > .zero {
        let whole = bytes + rest
        facts.append(ByteFormat.iec(moved.bytes, of: whole.bytes))
        // Not all before the last answer has come.
        facts.append("\(min(Int(Double(moved.bytes) / Double(whole.bytes) * 100), 99))%")
      } else {
        facts.append(ByteFormat.iec(moved.bytes))
      }
      facts.append(ByteFormat.rate(rate))
      if isAll, let left = overview.timeLeft { facts.append(DurationFormat.clock(left)) }
    }
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
