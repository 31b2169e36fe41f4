internal import Dispatch
internal import GRDB
public import SystemPackage

/// The record of who changed what, in one SQLite file that several processes may share.
///
/// What ``begin(_:)`` returned is on the disk: it outlives a crash of the program and of the
/// machine. Nothing recorded is ever altered or removed, and each row carries the hash of the row
/// recorded before it.
///
/// Where things live in this module:
/// - `Model/`     the nouns: ``ChangeDraft``, ``ChangeOutcome``, ``HistoryEntry``, ``HistoryQuery``
/// - `Store/`     the file and its checks, the schema, the rows and their chain, the queries
/// - `Journal/`   ``TransferJournal``: the transfers that have not come to their end
///
/// Only this module knows GRDB. Its writes and reads run on queues of their own, so that no flush
/// of the disk holds up the main actor or the threads that tasks share.
public actor HistoryStore {
  /// Callers that wait while a commit runs go together in the next one, up to this many changes and
  /// as many outcomes.
  ///
  /// A single call is never split, however long its list.
  public static let rowsPerCommit = 512

  /// Outcomes wait for no others once there are this many: the flush that a commit costs is little then.
  static let rowsWorthCommit = 128

  private let source: DatabaseSource
  private let gatheringTime: Duration
  private var waiting: [Job] = []
  /// The rows of `waiting`.
  private var waitingRows = 0
  /// How many of `waiting` somebody has to see recorded before going on.
  private var waitingChanges = 0
  private var isWriting = false
  /// Changes recorded here that have no outcome.
  private var openCount = 0
  /// Waits for more outcomes.
  private var gathering: Task<Void, Never>?
  /// How many commits were tried.
  private(set) var commits = 0

  /// Opens the history, and makes it with its folders when there is none.
  ///
  /// New folders are 0700 and a new file is 0600; in a setgid folder, which a group shares, the
  /// file is 0660. Blocks for some milliseconds, and flushes the disk when the file is new: see
  /// ``open(path:)``.
  ///
  /// - Throws: ``HistoryError/cannotOpen(_:_:)``, `readOnly`, `busy`, `full`, `corrupt`, `newer`.
  public init(path: FilePath) throws(HistoryError) {
    try self.init(path: path, settings: StoreSettings())
  }

  init(path: FilePath, settings: StoreSettings) throws(HistoryError) {
    source = DatabaseSource(path: path, settings: settings)
    gatheringTime = settings.gatheringTime
    _ = try source.opened()
  }

  /// A history that is opened, and made if need be, when it is first written or read.
  ///
  /// For what may end without a change, such as a listing: it then needs no history, and no place
  /// where one could be. The errors of ``init(path:)`` come with the first use instead.
  ///
  /// - Parameters:
  ///   - path: nil when there is no home folder to put it in; each use then throws
  ///     ``HistoryError/cannotOpen(_:_:)`` with `noHome`.
  ///   - readsProtected: whether a file that may be read and not written, such as an archive that
  ///     its owner protects, is opened all the same; recording in it then fails.
  public init(openingAtFirstUse path: FilePath?, readsProtected: Bool = false) {
    let settings = StoreSettings(readsProtected: readsProtected)
    source = DatabaseSource(path: path, settings: settings)
    gatheringTime = settings.gatheringTime
  }

  /// Begins to open the history where there is one, since it will soon be written; returns at once.
  public nonisolated func prepare() { source.prepare() }

  /// As ``init(path:)``, away from the threads that tasks share.
  public static func open(path: FilePath) async throws(HistoryError) -> HistoryStore {
    let store = HistoryStore(openingAtFirstUse: path)
    _ = try await store.source.opened()
    return store
  }

  /// Closes the file, which also happens when the store is no longer used.
  ///
  /// - Throws: ``HistoryError/busy`` when something is still being written or read.
  public nonisolated func close() throws(HistoryError) {
    try source.close()
  }

  var database: any DatabaseWriter {
    get throws(HistoryError) { try source.opened() }
  }

  /// Records changes that are about to be made, all or none of them.
  ///
  /// Calls made at the same time share a commit, so many small ones cost few flushes.
  ///
  /// - Returns: The numbers, in the order of `changes`, once they are on the disk. Cancelling the
  ///   task does not take the record back: give those changes an outcome.
  public nonisolated func begin(_ changes: [ChangeDraft]) async throws(HistoryError) -> [ChangeID] {
    guard !changes.isEmpty else { return [] }
    return try await record(Records(changes))
  }

  /// Records how changes ended, all or none of them.
  ///
  /// - Throws: ``HistoryError/unknownChange(_:)``, and ``HistoryError/alreadyFinished(_:)`` since
  ///   a change has one outcome.
  public nonisolated func finish(_ outcomes: [ChangeOutcome]) async throws(HistoryError) {
    guard !outcomes.isEmpty else { return }
    _ = try await record(Records(outcomes))
  }

  /// The changes that `query` asks for, newest first.
  ///
  /// - Parameters:
  ///   - before: The last change of the page before; nil for the first page.
  ///   - limit: 1 or more.
  public func page(
    _ query: HistoryQuery, before: ChangeID? = nil, limit: Int
  ) async throws(HistoryError) -> [HistoryEntry] {
    try await read { db in
      try HistorySelection(query, before: before, limit: limit).fetch(db)
    }
  }

  /// The changes without an outcome that processes of `author`'s user on its host left when they
  /// died, oldest first.
  ///
  /// - Parameter limit: 1 or more.
  public func abandoned(
    by author: Author, after: ChangeID? = nil, limit: Int
  ) async throws(HistoryError) -> [HistoryEntry] {
    try await read { db in
      try fetchAbandoned(db, author: author, after: after, limit: limit)
    }
  }

  /// Other changes of the same object that may have been under way since `entry` began, oldest
  /// first: those that surely changed nothing are left out.
  ///
  /// Whoever finds a trace of `entry` on the server has to rule these out as its makers.
  ///
  /// - Parameter limit: 1 or more.
  public func rivals(
    of entry: HistoryEntry, limit: Int
  ) async throws(HistoryError) -> [HistoryEntry] {
    try await read { db in try fetchRivals(db, of: entry, limit: limit) }
  }

  /// Walks along the whole chain, in memory that does not grow with it.
  ///
  /// - Parameter expecting: A head kept elsewhere. Rows up to it are then known to be as they
  ///   were; without it, whoever can write the file could have written the chain anew.
  public func verify(expecting: ChainHash? = nil) async throws(HistoryError) -> ChainReport {
    try await read { db in try walkChain(db, expecting: expecting) }
  }

  /// Moves all rows to a new file, which stays readable and takes no more of them, and goes on with
  /// a chain that begins with the hash of its last row.
  ///
  /// Whatever other processes record meanwhile is in the one file or in the other. Changes without
  /// an outcome are recorded anew when their processes are dead, so that they can still be settled.
  /// When it fails, everything is as it was, but for a copy that may lie at `file`.
  ///
  /// - Parameters:
  ///   - file: where nothing lies; 0600, or 0660 in a setgid folder.
  ///   - deadHosts: other hosts where no process makes a change any more. What theirs left open is
  ///     carried over, as are the open changes of dead processes here.
  /// - Throws: ``HistoryError/changesUnderWay(_:_:)`` while a change is made by a process that
  ///   lives, or whose host is another one; ``HistoryError/archiveExists(_:)``;
  ///   ``HistoryError/nothingToArchive``; ``HistoryError/corrupt(_:)`` when the chain is broken.
  public func archive(
    to file: FilePath, deadHosts: Set<String> = []
  ) async throws(HistoryError) -> ArchiveReport {
    let source = source
    return try await withCheckedContinuation { continuation in
      source.queue.async {
        continuation.resume(
          returning: Result { () throws(HistoryError) in
            do {
              var archiver = Archiver(
                database: try source.opened(), file: file, deadHosts: deadHosts)
              return try archiver.run()
            } catch {
              throw HistoryError(error)
            }
          })
      }
    }.get()
  }

  // MARK: Writing together

  /// What one call wants recorded, and where it waits.
  private struct Job {
    let records: Records
    let continuation: CheckedContinuation<Result<[ChangeID], HistoryError>, Never>
  }

  private func record(_ records: Records) async throws(HistoryError) -> [ChangeID] {
    let result = await withCheckedContinuation { continuation in
      waiting.append(Job(records: records, continuation: continuation))
      waitingRows += records.count
      if records.areChanges { waitingChanges += 1 }
      if !isWorthGathering { gathering?.cancel() }
      if !isWriting {
        isWriting = true
        // A task of its own: cancelling one caller must not take back what others recorded.
        Task { await self.writeWaiting() }
      }
    }
    return try result.get()
  }

  /// No commit is under way.
  var isIdle: Bool { !isWriting }
  /// Outcomes wait for others.
  var isGathering: Bool { gathering != nil }
  /// Calls that the next commit will take along.
  var callersWaiting: Int { waiting.count }

  private func writeWaiting() async {
    while !waiting.isEmpty {
      await gather()
      let group = takeGroup()
      let results = await write(group.map(\.records))
      for (job, result) in zip(group, results) {
        if case .success = result {
          let count = job.records.count
          openCount = max(openCount + (job.records.areChanges ? count : -count), 0)
        }
        job.continuation.resume(returning: result)
      }
    }
    isWriting = false
  }

  /// Whether only outcomes wait, and others of changes under way can go with them. Nothing is held
  /// up by that, and each commit costs a flush.
  private var isWorthGathering: Bool {
    waitingChanges == 0 && waitingRows < min(openCount, Self.rowsWorthCommit)
  }

  private func gather() async {
    guard isWorthGathering else { return }
    // The moment in which others may come. It is cancelled as soon as something waits that is in a hurry:
    // sleeping fails then, as it should.
    let moment = Task { [gatheringTime] in
      do { try await Task.sleep(for: gatheringTime) } catch {}
    }
    gathering = moment
    await moment.value
    gathering = nil
  }

  /// The call that came first, and of the others those for which there is room.
  private func takeGroup() -> [Job] {
    var group: [Job] = []
    var left: [Job] = []
    var rows = (changes: 0, outcomes: 0)
    for job in waiting {
      let (changes, outcomes) =
        job.records.areChanges ? (job.records.count, 0) : (0, job.records.count)
      guard
        group.isEmpty
          || max(rows.changes + changes, rows.outcomes + outcomes) <= Self.rowsPerCommit
      else {
        left.append(job)
        continue
      }
      group.append(job)
      rows = (rows.changes + changes, rows.outcomes + outcomes)
      waitingRows -= job.records.count
      if job.records.areChanges { waitingChanges -= 1 }
    }
    waiting = left
    return group
  }

  private func write(_ group: [Records]) async -> [Result<[ChangeID], HistoryError>] {
    commits += 1
    do {
      return try await source.opened().write { db in
        try requireInPlace(db)
        return try append(group, to: db)
      }
    } catch {
      let error = HistoryError(error)
      if case .moved = error { await source.end(because: error) }
      return group.map { _ in .failure(error) }
    }
  }

  private func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(HistoryError) -> Value {
    do {
      return try await source.opened().read(body)
    } catch {
      throw HistoryError(error)
    }
  }
}
