import S3
import SystemPackage

/// What of a tree begins next, and when nothing more does.
extension TreeRunner {
  /// Found and not begun at a time, when larger files hold each other up.
  private static let mostHeld = 64
  /// So many failures in a row to reach the server, or to have it do its work, end the tree.
  private static let mostInVain = 32

  enum Weight {
    case small
    case medium
    case large
  }

  struct Ended: Sendable {
    var weight: Weight
    var error: StorageError?
    /// Whether nothing was getting through any more when it began.
    var wasLastAttempt = false
  }

  enum Rest {
    case goesOn
    /// It would fail in the same way, and what has moved of it is kept for another day.
    case isKept
    case isGivenUp
  }

  /// What is under way, and what is to be.
  struct Window {
    var running: [Weight: Int] = [:]
    var held: [TreeItem] = []
    /// To be begun together. They count as running.
    var group = UploadGroup()
    /// Files that could not be begun together, to be tried one after the other. They count as running.
    var alone: [UploadGroup.File] = []
    /// Groups that are being begun.
    var groupCount = 0
    /// Where downloads arrive.
    var folder: DownloadFolder?
    var isAtEnd = false
    var inVain = 0
    /// Why nothing more is begun.
    var stop: StorageError?
    /// Why nothing more is found. What has been found goes on.
    var findingFailure: StorageError?
    /// What comes of what is under way then.
    var rest = Rest.goesOn
    /// Of what is under way.
    let restStop: StopSign
    /// Whether some failed that may well succeed on some other day.
    var hasLostSome = false

    var runningCount: Int { running.values.reduce(0, +) }

    /// Whether files that have places for their outcomes wait for what the runner does next.
    var holdsPlaces: Bool { !group.isEmpty || !alone.isEmpty || groupCount > 0 }
  }

  /// - Returns: nil when there is nothing to begin now.
  func next(_ window: inout Window, _ source: inout TreeSource) async -> TreeItem? {
    if let index = window.held.firstIndex(where: { hasRoom($0, window) }) {
      return window.held.remove(at: index)
    }
    while !window.isAtEnd, window.held.count < Self.mostHeld {
      // Waiting for the source must not keep the ends of files waiting that have all the room.
      guard hasRoom(.small, window) else { return nil }
      let item: TreeItem
      do throws(StorageError) {
        guard let found = try await source.next() else {
          window.isAtEnd = true
          progress.foundAll()
          return nil
        }
        item = found
      } catch {
        window.findingFailure = error
        window.isAtEnd = true
        if error.isOfTheMoment { window.hasLostSome = true }
        return nil
      }
      progress.found(item.size ?? .zero)
      guard !hasRoom(item, window) else { return item }
      window.held.append(item)
    }
    return nil
  }

  /// More than may be sent at once: some are being recorded, opened or flushed meanwhile.
  private var mostSmall: Int {
    let limit = tools.pool.limit(of: .small)
    guard tree.direction == .upload else { return limit + 32 }
    // Groups of uploads wait for the history as well, before and after. Near a quick server, where
    // few are sent at once, those are most of them.
    return max(limit + 64, 192)
  }

  private func hasRoom(_ item: TreeItem, _ window: Window) -> Bool {
    hasRoom(weight(of: item), window)
  }

  private func hasRoom(_ weight: Weight, _ window: Window) -> Bool {
    let running = window.running[weight] ?? 0
    let most =
      switch weight {
      case .small: mostSmall
      case .medium: tools.partsAtOnce
      case .large: max(tools.settings.concurrentTransfers, 1)
      }
    return running < most
      && tools.files.hasRoom(ofKind: running, own: window.runningCount)
  }

  func weight(of item: TreeItem) -> Weight {
    guard case .file(_, let size, _) = item else { return .small }
    guard let size else { return .medium }
    if size > tools.settings.multipartThreshold { return .large }
    return RequestPool.Kind(objectOf: size) == .small ? .small : .medium
  }

  /// A file is over.
  func note(_ ended: Ended, _ window: inout Window) {
    window.running[ended.weight, default: 0] -= 1
    tools.files.end()
    guard let error = ended.error else {
      window.inVain = 0
      return
    }
    if error.isOfTheMoment { window.hasLostSome = true }
    guard window.stop == nil, !error.isOnPurpose else { return }
    switch error.kind {
    case .readOnly, .noSuchBucket: end(&window, error, .isGivenUp)
    case .history, .credentials: end(&window, error)
    case .localFile where wouldEndAll(error, ended.weight, window.folder):
      end(&window, error)
    case .localFile where error.isAboutRoom && window.folder != nil:
      window.inVain += 1
      if window.inVain >= Self.mostInVain { end(&window, error) }
    case .busy where !ended.wasLastAttempt:
      // It may have failed at this file alone, and at all that were begun beside it. Those that are
      // begun after them tell.
      break
    case .connection, .busy:
      window.inVain += 1
      if window.inVain >= Self.mostInVain { end(&window, error) }
    default: window.inVain = 0
    }
  }

  /// Begins nothing more.
  private func end(_ window: inout Window, _ error: StorageError, _ rest: Rest = .isKept) {
    window.stop = error
    window.rest = rest
    if rest == .isKept { window.hasLostSome = true }
  }

  /// Whether what this machine refused one file it would refuse all of them.
  private func wouldEndAll(
    _ error: StorageError, _ weight: Weight, _ folder: DownloadFolder?
  ) -> Bool {
    guard let folder, let refusal = error.localFile, case .system(let errno) = refusal.kind else {
      return false
    }
    // A larger file may only be too large for what is left.
    if error.isAboutRoom { return weight == .small }
    if errno == .permissionDenied {
      return refusal.path.removingLastComponent() == folder.path && !folder.isWritable
    }
    return errno == .readOnlyFileSystem
  }
}

extension StorageError {
  /// Whether a disk or a quota is full.
  fileprivate var isAboutRoom: Bool {
    [.system(.noSpace), .system(.diskQuotaExceeded)].contains(localFile?.kind)
  }
}
