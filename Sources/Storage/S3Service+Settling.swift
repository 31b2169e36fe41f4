import History
import S3

extension S3Service {
  /// Gives an outcome to the changes that dead processes of this user on this host left without
  /// one at this endpoint, as far as the server can be asked: see ``SettledChange``.
  ///
  /// Changes of processes that live, and of other endpoints, are left alone. When several processes
  /// settle at once, each change still gets one outcome.
  ///
  /// - Parameters:
  ///   - isDryRun: decides, and records nothing.
  ///   - report: called for each change that was looked at, in their order.
  /// - Throws: when the history cannot be read or written, in read-only mode, or when the task is
  ///   cancelled. A server that does not answer ends it early, and leaves the rest open.
  public func settle(
    _ limits: SettlingLimits = .all, isDryRun: Bool = false,
    report: @Sendable (SettledChange) -> Void = { _ in }
  ) async throws(StorageError) -> SettlingSummary {
    guard isDryRun || !isReadOnly else { throw .unsettledReadOnly }
    let settler = Settler(
      client: client, recorder: recorder, partSize: transferSettings.partSize, limits: limits)
    var summary = SettlingSummary()
    var last: ChangeID?
    var count = 0
    var isReachable = true
    while true {
      let page: [HistoryEntry]
      do {
        page = try await recorder.history.abandoned(
          by: recorder.author, after: last, limit: Self.pageOfAbandoned)
      } catch {
        throw StorageError(unreadableHistory: error)
      }
      guard let end = page.last?.id else { return summary }
      last = end
      let ours = page.filter { $0.endpoint == recorder.endpoint }
      summary.elsewhere += page.count - ours.count
      let chosen = isReachable ? ours.prefix(limits.changes - count) : []
      summary.open += ours.count - chosen.count
      count += chosen.count
      var looked = try await look(into: Array(chosen), settler)
      if !isDryRun { try await record(&looked) }
      for (entry, finding) in looked {
        switch finding.verdict {
        case .done: summary.done += 1
        case .interrupted: summary.interrupted += 1
        case .open:
          summary.open += 1
          // Whoever cannot be reached now cannot be reached for the next one either.
          if finding.isUnreachable { isReachable = false }
        case .settledMeanwhile: break
        }
        report(SettledChange(entry: entry, verdict: finding.verdict))
      }
    }
  }

  private static let pageOfAbandoned = 64

  /// In the order of `entries`.
  private func look(
    into entries: [HistoryEntry], _ settler: Settler
  ) async throws(StorageError) -> [(HistoryEntry, Settler.Finding)] {
    var looked: [(HistoryEntry, Settler.Finding)] = []
    var rest = entries[...]
    while !rest.isEmpty {
      let group = Array(rest.prefix(settler.limits.questionsAtOnce))
      rest = rest.dropFirst(group.count)
      let answers = await withTaskGroup(of: (ChangeID, Settler.Finding).self) { tasks in
        for entry in group { tasks.addTask { (entry.id, await settler.finding(of: entry)) } }
        return await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
      }
      guard !Task.isCancelled else { throw .cancelled }
      for entry in group { if let answer = answers[entry.id] { looked.append((entry, answer)) } }
      guard let last = looked.last?.1, last.isUnreachable else { continue }
      // Asked no more: each question would wait for as long.
      return looked + rest.map { ($0, last) }
    }
    return looked
  }

  /// Adds the outcomes. One that somebody else has added meanwhile stands.
  private func record(
    _ looked: inout [(HistoryEntry, Settler.Finding)]
  ) async throws(StorageError) {
    while true {
      let finishedAt = Timestamp.now()
      let outcomes = looked.compactMap { entry, finding in
        finding.ending.map { ChangeOutcome(entry.id, $0, finishedAt: finishedAt) }
      }
      do {
        return try await recorder.history.finish(outcomes)
      } catch .alreadyFinished(let change), .unknownChange(let change) {
        guard let index = looked.firstIndex(where: { $0.0.id == change }) else { return }
        looked[index].1 = Settler.Finding(.settledMeanwhile)
      } catch {
        throw StorageError(unsettled: error)
      }
    }
  }
}
