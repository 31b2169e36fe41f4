internal import GRDB
internal import S3
internal import Synchronization
public import SystemPackage

/// The transfers that have not come to their end, in a private file that outlives the program.
///
/// A transfer is worked on under a lease, which names the process: no two processes, and no two
/// transfers of one process, hold the same. A lease whose process has died is nobody's.
///
/// Uploads in parts that nothing can resume are in it too, while they are under way and as long as the
/// server may have parts of them: ``JournalUpload``.
///
/// What a call returns from is on the disk, but for ``note(_:of:)``.
public actor TransferJournal {
  let source: DatabaseSource
  private let path: FilePath
  /// Pieces that wait to be written.
  var noted: [JournalID: [JournalPiece]] = [:]
  /// What writes them.
  var writing: Task<Void, Never>?
  /// When pieces are next flushed to the disk.
  var nextFlush = ContinuousClock.now
  /// Whether pieces are written that a loss of power would take back.
  var hasUnflushed = false
  /// What flushes those.
  var flushing: Task<Void, Never>?
  /// What earlier runs have left, as it was when somebody first asked.
  private var left: Set<TransferIdentity>?

  /// The file is opened, and made if need be, when it is first needed.
  ///
  /// - Parameter path: 0600 when it is made, in folders that are 0700 when they are made.
  public init(openingAtFirstUse path: FilePath) {
    var settings = StoreSettings()
    settings.schema = .journal
    source = DatabaseSource(path: path, settings: settings)
    self.path = path
  }

  /// Begins to open the file where there is one, since it will soon be needed; returns at once.
  public nonisolated func prepare() { source.prepare() }

  /// Closes the file, which also happens when the journal is no longer used.
  ///
  /// - Throws: ``HistoryError/busy`` when something is still being written or read.
  public nonisolated func close() throws(HistoryError) {
    try source.close()
  }

  // MARK: - Leases

  /// Takes a transfer for this process: the entry of one that was stopped, or a new one.
  ///
  /// - Parameters:
  ///   - holder: this process.
  ///   - parent: the folder or prefix that it is part of.
  ///   - waiting: what it was when it waited in the queue of this process, where it goes by another
  ///     name since; that entry goes.
  /// - Returns: the entry as it was left; its state tells who left it. Give it back with
  ///   ``release(_:)`` or ``remove(_:)``.
  public func take(
    _ request: JournalRequest, for holder: Author, partOf parent: JournalID? = nil,
    insteadOf waiting: JournalRequest? = nil
  ) async throws(JournalError) -> JournalEntry {
    let lease = JournalLease(holder)
    let path = path
    return try await hold(for: lease) { db in
      if let waiting, waiting != request, let entry = try JournalRows.find(waiting, in: db),
        entry.isHeld(by: lease), !HeldTransfers.contains(entry.id, of: path)
      {
        try JournalRows.remove(entry.id, from: db)
      }
      let left = try JournalRows.find(request, in: db)
      if left == nil { try JournalRows.insert(request, at: .now(), into: db) }
      guard var entry = try left ?? JournalRows.find(request, in: db) else {
        throw HistoryError.corrupt("no entry was made")
      }
      if entry.parent != parent { try JournalRows.setParent(parent, of: entry.id, in: db) }
      entry.parent = parent
      if request.tree != nil, entry.begunAt == nil {
        try JournalRows.setBegun(entry.id, at: .now(), in: db)
      }
      return entry
    }
  }

  /// Keeps transfers that wait in a queue of this process, and lets go of others of it, all in one
  /// commit. One of them that begins is taken over by ``take(_:for:partOf:insteadOf:)``.
  ///
  /// - Parameters:
  ///   - reserved: those that this process holds for one of `requests`.
  ///   - over: those that are forgotten.
  ///   - left: those that are left to be resumed, unless they are somebody else's by now.
  /// - Returns: their entries, in the order of `requests`; nil for one that another process or
  ///   another transfer of this one has already.
  public func queue(
    _ requests: [JournalRequest], for holder: Author, reserved: Set<JournalID> = [],
    removing over: [JournalID] = [], releasing left: [JournalID] = []
  ) async throws(JournalError) -> [WaitingEntry?] {
    let lease = JournalLease(holder)
    // Afterwards what was left looks like what this process has made.
    if !requests.isEmpty { _ = try await self.left(for: holder) }
    return try await write { db in
      for id in over { try JournalRows.remove(id, from: db) }
      for id in left {
        guard let entry = try JournalRows.find(id, in: db), entry.isHeld(by: lease) else {
          continue
        }
        try JournalRows.setLease(nil, of: id, in: db)
      }
      let now = Timestamp.now()
      var reserved = reserved
      return try requests.map { request -> WaitingEntry? in
        let entry: WaitingEntry
        if let left = try JournalRows.find(request, in: db) {
          guard left.isLeft(for: lease) || reserved.remove(left.id) != nil else { return nil }
          entry = WaitingEntry(id: left.id, wasLeft: true)
        } else {
          let id = try JournalRows.insert(request, at: now, into: db)
          entry = WaitingEntry(id: id, wasLeft: false)
        }
        try JournalRows.setLease(lease, of: entry.id, in: db)
        return entry
      }
    }
  }

  /// As ``take(_:for:)``, of what an earlier run has left only: nil when it left no such transfer.
  ///
  /// Asks the file once and for all, so that each of many small transfers may ask.
  public func takeIfThere(
    _ request: JournalRequest, for holder: Author
  ) async throws(JournalError) -> JournalEntry? {
    guard try await hasLeft(request, for: holder) else { return nil }
    do {
      return try await hold(for: JournalLease(holder)) { db in
        guard let entry = try JournalRows.find(request, in: db) else { throw NotThere() }
        return entry
      }
    } catch .unknown {
      return nil
    }
  }

  /// Whether an earlier run has left this transfer, as far as was known when somebody first asked.
  public func hasLeft(
    _ request: JournalRequest, for holder: Author
  ) async throws(JournalError) -> Bool {
    try await left(for: holder).contains(TransferIdentity(request))
  }

  private func left(for holder: Author) async throws(JournalError) -> Set<TransferIdentity> {
    if let left { return left }
    let own = JournalLease(holder)
    let found = Set(
      try await entries().filter { !$0.isHeld(by: own) }.map { TransferIdentity($0.request) })
    // Somebody else may have asked meanwhile.
    left = left ?? found
    return left ?? found
  }

  /// Whether anything is there that this process does not hold itself; otherwise none of its
  /// transfers needs to ask further.
  public func hasLeftovers(besidesThoseOf holder: Author) async throws(JournalError) -> Bool {
    let own = JournalLease(holder)
    return try await entries().contains { !$0.isHeld(by: own) }
  }

  /// Takes an entry that is there.
  ///
  /// - Throws: ``JournalError/unknown(_:)`` when it has come to its end meanwhile.
  public func take(_ id: JournalID, for holder: Author) async throws(JournalError) -> JournalEntry {
    try await hold(for: JournalLease(holder)) { db in
      guard let entry = try JournalRows.find(id, in: db) else { throw JournalError.unknown(id) }
      return entry
    }
  }

  private func hold(
    for lease: JournalLease, _ find: @escaping @Sendable (Database) throws -> JournalEntry
  ) async throws(JournalError) -> JournalEntry {
    let path = path
    let held = HeldID()
    do throws(JournalError) {
      return try await write { db in
        var entry = try find(db)
        guard HeldTransfers.hold(entry.id, of: path) else { throw JournalError.held(by: lease) }
        held.id = entry.id
        if case .running(let other) = entry.state {
          // Of this very process, one that is not held was given up without a word.
          guard other.isSameProcess(as: lease) || !other.isRunning else {
            throw JournalError.held(by: other)
          }
          entry.state = .abandoned(other)
        }
        try JournalRows.setLease(lease, of: entry.id, in: db)
        return entry
      }
    } catch {
      // The commit itself may have failed.
      if let id = held.id { HeldTransfers.release(id, of: path) }
      throw error
    }
  }

  /// Frees what processes of other hosts hold. Nothing tells here whether they run, so that somebody
  /// has to say it: a host may have another name by now.
  public func release(ofDead hosts: Set<String>) async throws(JournalError) {
    guard !hosts.isEmpty, source.isThere else { return }
    try await write { db in
      for entry in try JournalRows.all(in: db) {
        guard case .running(let lease) = entry.state, hosts.contains(lease.host),
          !lease.isOfThisHost
        else { continue }
        try JournalRows.setLease(nil, of: entry.id, in: db)
      }
      for upload in try UploadRows.all(in: db) {
        guard let lease = upload.holder, hosts.contains(lease.host), !lease.isOfThisHost else {
          continue
        }
        try UploadRows.setLease(nil, of: upload, in: db)
      }
    }
  }

  /// Gives up the lease and keeps the entry, to be resumed.
  public func release(_ id: JournalID) async throws(JournalError) {
    await flush()
    defer { HeldTransfers.release(id, of: path) }
    try await write { db in try JournalRows.setLease(nil, of: id, in: db) }
  }

  /// Forgets a transfer that has come to its end.
  public func remove(_ id: JournalID) async throws(JournalError) {
    noted[id] = nil
    defer { HeldTransfers.release(id, of: path) }
    try await write { db in try JournalRows.remove(id, from: db) }
  }

  // MARK: - What is known of a transfer

  /// A transfer begins, or starts over: what was known of its pieces is forgotten.
  ///
  /// - Parameter request: as it was asked now; differs from the one before in no more than how.
  public func begin(
    _ id: JournalID, as request: JournalRequest, _ subject: JournalSubject?
  ) async throws(JournalError) {
    noted[id] = nil
    try await write { db in
      try JournalRows.update(id, to: request, in: db)
      try JournalRows.setSubject(subject, of: id, in: db)
    }
  }

  // MARK: - All of them

  /// Keeps transfers that this process does not go on with, to be resumed; those that are there
  /// already stay as they are.
  public func save(
    _ requests: [JournalRequest], for holder: Author
  ) async throws(JournalError) {
    guard !requests.isEmpty else { return }
    let lease = JournalLease(holder)
    let path = path
    try await write { db in
      for request in requests {
        guard let entry = try JournalRows.find(request, in: db) else {
          try JournalRows.insert(request, at: .now(), into: db)
          continue
        }
        if entry.isHeld(by: lease), !HeldTransfers.contains(entry.id, of: path) {
          try JournalRows.setLease(nil, of: entry.id, in: db)
        }
      }
    }
  }

  /// All transfers that have not come to their end, oldest first, also those that run.
  public func entries() async throws(JournalError) -> [JournalEntry] {
    guard source.isThere else { return [] }
    await flush()
    return try await write { db in
      var running: [JournalLease: Bool] = [:]
      return try JournalRows.all(in: db).map { entry in
        guard case .running(let lease) = entry.state else { return entry }
        let isRunning = running[lease] ?? lease.isRunning
        running[lease] = isRunning
        var entry = entry
        if !isRunning { entry.state = .abandoned(lease) }
        return entry
      }
    }
  }

  /// Reads too: the few rows need no connection of their own.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(JournalError) -> Value {
    let source = source
    do {
      // In a task of its own: one that is cancelled must still write what it has come to.
      return try await Task { try await source.opened().write(body) }.value
    } catch let error as JournalError {
      throw error
    } catch is NotThere {
      throw .unknown(JournalID(0))
    } catch {
      throw .unusable(HistoryError(error))
    }
  }
}

private struct NotThere: Error {}

/// What a write came to hold before it failed.
private final class HeldID: Sendable {
  private let value = Mutex<JournalID?>(nil)

  var id: JournalID? {
    get { value.withLock { $0 } }
    set { value.withLock { $0 = newValue } }
  }
}

/// What makes two requests the same transfer.
private struct TransferIdentity: Hashable {
  var request: JournalRequest

  init(_ request: JournalRequest) {
    self.request = request
    self.request.region = ""
    self.request.profile = nil
    self.request.ifExists = .fail
    self.request.attributes = ObjectAttributes()
  }
}

/// The transfers that this process holds, over all journals of it.
///
/// The file knows a lease by its process; here two transfers of one process are kept apart.
private enum HeldTransfers {
  private struct Held: Hashable {
    var path: FilePath
    var id: JournalID
  }

  private static let all = Mutex<Set<Held>>([])

  static func hold(_ id: JournalID, of path: FilePath) -> Bool {
    all.withLock { $0.insert(Held(path: path, id: id)).inserted }
  }

  static func contains(_ id: JournalID, of path: FilePath) -> Bool {
    all.withLock { $0.contains(Held(path: path, id: id)) }
  }

  static func release(_ id: JournalID, of path: FilePath) {
    all.withLock { _ = $0.remove(Held(path: path, id: id)) }
  }
}

extension JournalEntry {
  fileprivate func isHeld(by lease: JournalLease) -> Bool {
    guard case .running(let other) = state else { return false }
    return other.isSameProcess(as: lease)
  }

  /// Whether nobody works on it, or only somebody who has died.
  fileprivate func isLeft(for lease: JournalLease) -> Bool {
    guard case .running(let other) = state else { return true }
    return !other.isSameProcess(as: lease) && !other.isRunning
  }
}

extension JournalLease {
  fileprivate func isSameProcess(as other: JournalLease) -> Bool {
    host == other.host && bootID == other.bootID && processID == other.processID
      && processStart == other.processStart
  }
}
