internal import Dispatch
internal import GRDB
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// The database of one store, opened once, when it is first asked for.
///
/// An opening that failed is tried again by the next one who asks.
final class DatabaseSource: Sendable {
  /// nil when there is no home folder to put it in.
  private let path: FilePath?
  private let settings: StoreSettings
  private let state = Mutex<(any DatabaseWriter)?>(nil)
  /// Where it is opened, since that flushes the disk.
  let queue = DispatchQueue(label: "pail.history.opening", qos: .userInitiated)

  init(path: FilePath?, settings: StoreSettings) {
    self.path = path
    self.settings = settings
  }

  /// Blocks for some milliseconds when it is not open yet.
  func opened() throws(HistoryError) -> any DatabaseWriter {
    try state.withLock { (database) throws(HistoryError) -> any DatabaseWriter in
      if let database { return database }
      guard let path else { throw .cannotOpen(defaultName, .noHome) }
      let opened = try openDatabase(at: path, settings: settings)
      database = opened
      return opened
    }
  }

  /// As ``opened()``, away from the threads that tasks share.
  func opened() async throws(HistoryError) -> any DatabaseWriter {
    // Whoever opens it holds the lock for as long as other processes keep the file: not waited for
    // here.
    if let database = state.withLockIfAvailable({ $0 }) ?? nil { return database }
    return try await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(
          returning: Result { () throws(HistoryError) in try self.opened() })
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
    guard state.withLockIfAvailable({ $0 == nil }) == true, let path else { return true }
    return access(path.string, F_OK) == 0 || errno != ENOENT
  }

  func close() throws(HistoryError) {
    guard let database = state.withLock({ $0 }) else { return }
    do { try database.close() } catch { throw HistoryError(error) }
  }
}
