internal import Dispatch
internal import GRDB
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// The database of one store, opened once, when it is first asked for.
///
/// An opening that failed is tried again by the next one who asks; who asked while it was tried, and
/// may have waited long for a lock, is told why it failed.
final class DatabaseSource: Sendable {
  /// nil when there is no home folder to put it in.
  private let path: FilePath?
  private let settings: StoreSettings
  private let state = Mutex(State())
  /// Where it is opened, since that flushes the disk.
  let queue = DispatchQueue(label: "pail.history.opening", qos: .userInitiated)

  private struct State {
    var database: (any DatabaseWriter)?
    /// Why nothing is opened any more.
    var end: HistoryError?
    var failure: (error: HistoryError, time: ContinuousClock.Instant)?
  }

  init(path: FilePath?, settings: StoreSettings) {
    self.path = path
    self.settings = settings
  }

  /// Blocks for some milliseconds when it is not open yet.
  func opened() throws(HistoryError) -> any DatabaseWriter {
    try opened(askedAt: .now)
  }

  func opened(
    askedAt asked: ContinuousClock.Instant
  ) throws(HistoryError) -> any DatabaseWriter {
    try state.withLock { (state) throws(HistoryError) -> any DatabaseWriter in
      if let database = state.database { return database }
      if let end = state.end { throw end }
      if let failure = state.failure, asked <= failure.time { throw failure.error }
      guard let path else { throw .cannotOpen(defaultName, .noHome) }
      do throws(HistoryError) {
        let database = try openDatabase(at: path, settings: settings)
        state.database = database
        return database
      } catch {
        state.failure = (error, .now)
        throw error
      }
    }
  }

  /// As ``opened()``, away from the threads that tasks share.
  func opened() async throws(HistoryError) -> any DatabaseWriter {
    // Whoever opens it holds the lock for as long as other processes keep the file: not waited for
    // here.
    if let database = state.withLockIfAvailable({ $0.database }) ?? nil { return database }
    let asked = ContinuousClock.now
    return try await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(
          returning: Result { () throws(HistoryError) in try self.opened(askedAt: asked) })
      }
    }.get()
  }

  /// Begins to open it, where there is a file: soon it will be asked for. Whoever asks first is told
  /// what is wrong with it.
  func prepare() {
    guard let path else { return }
    queue.async {
      if access(path.string, F_OK) == 0 { _ = try? self.opened() }
    }
  }

  /// Whether there is a file, or something else that an opening will complain about.
  var isThere: Bool {
    guard state.withLockIfAvailable({ $0.database == nil }) == true, let path else { return true }
    return access(path.string, F_OK) == 0 || errno != ENOENT
  }

  /// Lets go of a file that does not lie where it was opened, once what was committed is in it.
  ///
  /// It is not opened again: numbers of changes that were begun in the one mean others in the next.
  func end(because error: HistoryError) async {
    await withCheckedContinuation { continuation in
      queue.async {
        let database = self.state.withLock { state in
          state.end = error
          defer { state.database = nil }
          return state.database
        }
        if let database { saveMovedFile(database) }
        continuation.resume()
      }
    }
  }

  func close() throws(HistoryError) {
    guard let database = state.withLock({ $0.database }) else { return }
    do { try database.close() } catch { throw HistoryError(error) }
  }
}
