internal import GRDB
internal import S3

/// What has arrived of a transfer.
extension TransferJournal {
  /// Keeps pieces that have arrived. Returns at once: they are written together with what else
  /// comes meanwhile, and on the disk a moment later. A write that fails, and a loss of power in that
  /// moment, cost no more than moving them again some day.
  public func note(_ pieces: [JournalPiece], of id: JournalID) {
    noted[id, default: []] += pieces
    guard writing == nil else { return }
    writing = Task {
      while let (id, pieces) = self.nextNoted() {
        await self.write(pieces, of: id)
      }
    }
  }

  /// So often at most the disk is flushed for pieces, which keeps it from reading what is to be sent.
  private static let flushInterval = Duration.milliseconds(250)

  private func write(_ pieces: [JournalPiece], of id: JournalID) async {
    let now = ContinuousClock.now
    let isFlushed = now >= nextFlush
    if isFlushed { nextFlush = now + Self.flushInterval }
    let source = source
    let isUnflushed = await Task { () -> Bool? in
      do {
        let database = try await source.opened()
        let add: @Sendable (Database) throws -> Void = { db in
          try JournalRows.add(pieces, to: id, at: .now(), in: db)
        }
        guard isFlushed else { return try await database.writeUnflushed(add) }
        try await database.write(add)
        return false
      } catch {
        return nil
      }
    }.value
    guard let isUnflushed else { return }
    hasUnflushed = isUnflushed
    if hasUnflushed { flushInTime() }
  }

  /// Flushes what is not, also where nothing more is noted.
  private func flushInTime() {
    guard flushing == nil else { return }
    flushing = Task { [weak self, nextFlush] in
      // The rest of the interval. Sleeping fails only when the task is cancelled, and nobody does that.
      try? await Task.sleep(until: nextFlush, clock: .continuous)
      await self?.flushRest()
    }
  }

  private func flushRest() async {
    if hasUnflushed, ContinuousClock.now >= nextFlush {
      nextFlush = .now + Self.flushInterval
      hasUnflushed = false
      let source = source
      try? await Task { try await source.opened().flush() }.value
    }
    flushing = nil
    if hasUnflushed { flushInTime() }
  }

  private func nextNoted() -> (JournalID, [JournalPiece])? {
    guard let next = noted.popFirst() else {
      writing = nil
      return nil
    }
    return (next.key, next.value)
  }

  /// Waits until everything noted is written.
  public func flush() async {
    while let writing { await writing.value }
  }

  /// Those of an entry, in their order.
  public func pieces(of id: JournalID) async throws(JournalError) -> [JournalPiece] {
    await flush()
    return try await write { db in try JournalRows.pieces(of: id, in: db) }
  }

  /// Forgets pieces that turned out not to be there.
  public func removePieces(_ places: [Int64], of id: JournalID) async throws(JournalError) {
    try await write { db in try JournalRows.removePieces(places, of: id, in: db) }
  }
}
