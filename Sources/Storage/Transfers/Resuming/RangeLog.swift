import Glibc
import HTTP
import History
import S3
import Synchronization
import SystemPackage

/// What the journal keeps of one download in ranges, held under its lease.
///
/// A range is kept once its bytes have been flushed, which they are soon, also where no other follows.
/// Flushes take at most a fifth of the time, so that a fast line does not wait for a slow disk; nothing
/// is flushed for the journal that the end of the download would not have to flush anyway.
///
/// A download goes on when the journal cannot be written any more; it then cannot be resumed.
final class RangeLog: Sendable {
  private static let longestPause = Duration.seconds(2)
  private static let mostUnflushed: Int64 = 256 << 20

  private struct State {
    var pending: [JournalPiece] = []
    var pendingBytes: Int64 = 0
    var isFlushing = false
    /// For the next flush.
    var isWaiting = false
    var nextFlush = ContinuousClock.now + .milliseconds(250)
    var flushing: Task<Void, Never>?
    var isKept = false
    var resumption: Resumption?
    var rangeSize: ByteCount?
    var isWorking = true
  }

  /// As it was left by an earlier run.
  let entry: JournalEntry
  private let journal: TransferJournal
  private let request: JournalRequest
  private let file: OpenFile
  private let state = Mutex(State())

  /// nil when there is no journal, or none that can be used.
  ///
  /// - Parameters:
  ///   - waiting: the same under the name that was asked for.
  ///   - file: where the ranges arrive.
  /// - Throws: ``StorageError/Kind/inUse`` when somebody else works on the same.
  static func take(
    _ request: TransferRequest, insteadOf waiting: TransferRequest, into file: OpenFile,
    _ tools: TransferTools
  ) async throws(StorageError) -> RangeLog? {
    guard let journaling = tools.journaling else { return nil }
    let request = journaling.entry(for: request)
    do {
      let entry = try await journaling.journal.take(
        request, for: journaling.holder, partOf: tools.tree,
        insteadOf: journaling.entry(for: waiting))
      return RangeLog(journaling.journal, request, entry, file)
    } catch {
      guard case .held = error else {
        journaling.note(error)
        return nil
      }
      throw StorageError(error, about: "s3://\(request.bucket)/\(request.key.text)")
    }
  }

  init(
    _ journal: TransferJournal, _ request: JournalRequest, _ entry: JournalEntry, _ file: OpenFile
  ) {
    self.journal = journal
    self.request = request
    self.entry = entry
    self.file = file
  }

  /// Whether what has arrived stays, to be resumed.
  var isKept: Bool { state.withLock { $0.isKept && $0.isWorking } }
  func keep() { state.withLock { $0.isKept = true } }

  /// What became of what an earlier run had left.
  var resumption: Resumption? {
    get { state.withLock { $0.resumption } }
    set { state.withLock { $0.resumption = newValue } }
  }

  /// Some of what has arrived is damaged and comes once more.
  func lost(_ ranges: [Range<Int64>]) async {
    // What is about to be written must not come after it is forgotten.
    await flush()
    try? await journal.removePieces(ranges.map(\.lowerBound), of: entry.id)
  }

  /// All that has arrived comes once more.
  func beginAgain(_ metadata: ObjectMetadata) async {
    guard let size = state.withLock({ $0.rangeSize }) ?? entry.subject?.partSize else { return }
    // As in ``lost(_:)``.
    await flush()
    await begin(metadata, rangeSize: size)
  }

  /// The download begins: what was known of an earlier run is forgotten.
  func begin(_ metadata: ObjectMetadata, rangeSize: ByteCount) async {
    let subject = JournalSubject(
      size: metadata.size, etag: metadata.etag, versionID: metadata.versionID, partSize: rangeSize)
    state.withLock { state in
      state.pending = []
      state.pendingBytes = 0
      state.rangeSize = rangeSize
    }
    do {
      try await journal.begin(entry.id, as: request, subject)
    } catch {
      state.withLock { $0.isWorking = false }
    }
  }

  /// What the journal has of an earlier run.
  func pieces() async -> [JournalPiece] {
    (try? await journal.pieces(of: entry.id)) ?? []
  }

  func forget(_ pieces: [JournalPiece]) async {
    try? await journal.removePieces(pieces.map(\.place), of: entry.id)
  }

  /// A range is in the file, perhaps not yet on the disk.
  func arrived(_ range: Range<Int64>, _ crcs: [CRC]) {
    guard let crc = crcs.first(where: { $0.algorithm == .crc64nvme }) else { return }
    state.withLock { state in
      guard state.isWorking else { return }
      state.pending.append(
        JournalPiece(
          place: range.lowerBound, size: Int64(range.count), crc64nvme: crc.value))
      state.pendingBytes += Int64(range.count)
      flushInTime(&state)
    }
  }

  /// Has what waits flushed, now or when it is time.
  private func flushInTime(_ state: inout State) {
    guard !state.pending.isEmpty, !state.isFlushing else { return }
    if ContinuousClock.now >= state.nextFlush || state.pendingBytes >= Self.mostUnflushed {
      state.isFlushing = true
      state.flushing = Task { await self.flushPending() }
    } else if !state.isWaiting {
      state.isWaiting = true
      Task { [weak self, time = state.nextFlush] in
        // The pause between flushes. Sleeping fails only when the task is cancelled, and nobody can.
        try? await Task.sleep(until: time, clock: .continuous)
        self?.state.withLock { state in
          state.isWaiting = false
          self?.flushInTime(&state)
        }
      }
    }
  }

  /// Keeps all that has arrived so far.
  func flush() async {
    // One may begin another at its end.
    while let flushing = state.withLock({ $0.isFlushing ? $0.flushing : nil }) {
      await flushing.value
    }
    await flushPending()
    await journal.flush()
  }

  private func flushPending() async {
    let pieces = state.withLock { state in
      defer {
        state.pending = []
        state.pendingBytes = 0
      }
      return state.pending
    }
    let start = ContinuousClock.now
    let isFlushed = pieces.isEmpty ? true : await isDataFlushed()
    if isFlushed, !pieces.isEmpty { await journal.note(pieces, of: entry.id) }
    let now = ContinuousClock.now
    let pause = min(max(start.duration(to: now) * 4, .milliseconds(50)), Self.longestPause)
    state.withLock { state in
      state.isFlushing = false
      state.nextFlush = now + pause
      // What the disk has lost once is not to be trusted again.
      if !isFlushed { state.isWorking = false }
      if state.isWorking { flushInTime(&state) }
    }
  }

  private func isDataFlushed() async -> Bool {
    let result = try? await onDisk { [file] in
      fdatasync(file.descriptor.rawValue) == 0 || errno == EINVAL
    }
    return result ?? false
  }

  /// Leaves it to be resumed.
  func release() async {
    await flush()
    try? await journal.release(entry.id)
  }

  /// Somebody else's, or of no use: the lease alone is given back.
  func remove() async {
    state.withLock { $0.pending = [] }
    await state.withLock { $0.flushing }?.value
    try? await journal.remove(entry.id)
  }
}
