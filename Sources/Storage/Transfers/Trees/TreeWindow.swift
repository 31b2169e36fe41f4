import DequeModule
import S3
import SystemPackage

/// Decides what of a tree begins next, and when nothing more does. ``TreeRunner`` finds and begins
/// it, and reports back.
///
/// So many files of each weight may be under way. What is found while its lane is full is held, so
/// that a few large files do not keep the small ones after them waiting.
struct TreeWindow {
  /// Of larger files, found and not begun at a time.
  static let mostHeld = 64
  /// So many failures in a row to reach the server, or to have it do its work, end the tree.
  static let mostInVain = 32

  enum Weight: Sendable {
    case small
    case medium
    case large
  }

  /// A file that is over.
  struct Ended: Sendable {
    var weight: Weight
    var error: StorageError?
    /// Whether nothing was getting through any more when it began.
    var wasLastAttempt = false
  }

  /// What becomes of the files under way when nothing more begins.
  enum Rest {
    case goesOn
    /// They would fail in the same way, and what has moved of them is kept for another day.
    case isKept
    case isGivenUp
  }

  private struct Lane {
    var underWay = 0
    var held: Deque<TreeItem> = []
  }

  private let direction: TransferDirection
  private let pool: RequestPool
  private let files: OpenFiles
  private let settings: TransferSettings
  private var small = Lane()
  private var medium = Lane()
  private var large = Lane()

  private var isAtEnd = false
  /// Small files to be begun together.
  private var group = UploadGroup()
  /// Groups that are being begun.
  private var groupCount = 0
  /// Files that could not be begun together, to be tried one after the other.
  private var alone: [UploadGroup.File] = []

  private var inVain = 0
  /// Whether some failed that may well succeed on some other day.
  private(set) var hasLostSome = false
  /// Why nothing more is begun.
  private(set) var stop: StorageError?
  /// Why nothing more is found. What has been found goes on.
  private(set) var findingFailure: StorageError?
  private(set) var rest = Rest.goesOn

  init(
    _ direction: TransferDirection, pool: RequestPool, files: OpenFiles, settings: TransferSettings
  ) {
    self.direction = direction
    self.pool = pool
    self.files = files
    self.settings = settings
  }

  /// Files that have been taken and are not over, those of groups and ``alone`` among them.
  var underWay: Int { small.underWay + medium.underWay + large.underWay }

  /// Whether files that have places for their outcomes wait for what the runner does next.
  var holdsPlaces: Bool { !group.isEmpty || !alone.isEmpty || groupCount > 0 }

  // MARK: - Finding

  /// Whether what comes next is to be found. Waiting for it must not keep the ends of files waiting
  /// that have all the room.
  var mayFind: Bool {
    !isAtEnd && stop == nil && hasRoom(.small)
      && medium.held.count + large.held.count < Self.mostHeld
  }

  mutating func found(_ item: TreeItem) {
    self[weight(of: item)].held.append(item)
  }

  /// - Parameter error: why the rest cannot be found; nil at the end.
  mutating func foundAll(_ error: StorageError? = nil) {
    isAtEnd = true
    findingFailure = error
    if let error, error.isOfTheMoment { hasLostSome = true }
  }

  // MARK: - Beginning

  /// What begins next. It is under way from here on, and brings its ``ended(_:in:)``.
  ///
  /// - Returns: nil when there is nothing to begin now.
  mutating func take() -> (item: TreeItem, weight: Weight)? {
    guard stop == nil else { return nil }
    for weight in [Weight.large, .medium, .small]
    where !self[weight].held.isEmpty && hasRoom(weight) {
      guard let item = self[weight].held.popFirst() else { continue }
      // Its outcome is known already.
      if case .unusable = item { return (item, weight) }
      self[weight].underWay += 1
      files.begin()
      return (item, weight)
    }
    return nil
  }

  /// A file that was taken waits for others to be begun with.
  mutating func gather(_ file: UploadGroup.File) {
    group.append(file)
  }

  /// What has been gathered, once it is enough.
  mutating func takeFullGroup() -> UploadGroup? {
    group.isFull ? takeAnyGroup() : nil
  }

  /// What has been gathered, where files would be missing from the requests under way if it waited
  /// to be full: beginning one file takes about as long as beginning many.
  mutating func takeGroup() -> UploadGroup? {
    let others = small.underWay - group.count
    return isAtEnd || others < pool.limit(of: .small) ? takeAnyGroup() : nil
  }

  private mutating func takeAnyGroup() -> UploadGroup? {
    guard stop == nil, !group.isEmpty else { return nil }
    defer { group = UploadGroup() }
    groupCount += 1
    return group
  }

  /// - Parameter others: those of it that could not be begun together.
  mutating func groupHasBegun(without others: [UploadGroup.File]) {
    groupCount -= 1
    alone += others
  }

  /// A file that is begun by itself though it could have gone in a group.
  mutating func takeAlone() -> UploadGroup.File? {
    stop == nil ? alone.popLast() : nil
  }

  // MARK: - Ending

  /// - Parameter folder: where downloads arrive.
  mutating func ended(_ ended: Ended, in folder: DownloadFolder?) {
    self[ended.weight].underWay -= 1
    files.end()
    guard let error = ended.error else {
      inVain = 0
      return
    }
    if error.isOfTheMoment { hasLostSome = true }
    guard stop == nil, !error.isOnPurpose else { return }
    switch error.kind {
    case .readOnly, .noSuchBucket: end(error, .isGivenUp)
    case .history, .credentials: end(error, .isKept)
    case .localFile where wouldEndAll(error, ended.weight, folder): end(error, .isKept)
    case .localFile where error.isAboutRoom && folder != nil: countInVain(error)
    case .busy where !ended.wasLastAttempt:
      // It may have failed at this file alone, and at all that were begun beside it. Those that are
      // begun after them tell.
      break
    case .connection, .busy: countInVain(error)
    default: inVain = 0
    }
  }

  /// Nothing could be begun at all.
  mutating func couldNotBegin(_ error: StorageError) {
    stop = error
  }

  /// Nothing is under way any more; some that were taken were never begun.
  mutating func close() {
    files.end(underWay)
    small.underWay = 0
    medium.underWay = 0
    large.underWay = 0
  }

  private mutating func countInVain(_ error: StorageError) {
    inVain += 1
    if inVain >= Self.mostInVain { end(error, .isKept) }
  }

  private mutating func end(_ error: StorageError, _ rest: Rest) {
    stop = error
    self.rest = rest
    if rest == .isKept { hasLostSome = true }
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

// MARK: - Lanes

extension TreeWindow {
  private subscript(weight: Weight) -> Lane {
    get {
      switch weight {
      case .small: small
      case .medium: medium
      case .large: large
      }
    }
    _modify {
      switch weight {
      case .small: yield &small
      case .medium: yield &medium
      case .large: yield &large
      }
    }
  }

  private func hasRoom(_ weight: Weight) -> Bool {
    let underWay = self[weight].underWay
    return underWay < most(weight)
      && files.hasRoom(ofKind: underWay, own: self.underWay)
  }

  private func most(_ weight: Weight) -> Int {
    switch weight {
    case .small:
      // More than may be sent at once: some are being recorded, opened or flushed meanwhile. Groups
      // of uploads wait for the history as well, before and after. Near a quick server, where few
      // are sent at once, those are most of them.
      let limit = pool.limit(of: .small)
      return direction == .upload ? max(limit + 64, 192) : limit + 32
    case .medium: return pool.mostParts
    case .large: return max(settings.concurrentTransfers, 1)
    }
  }

  func weight(of item: TreeItem) -> Weight {
    guard case .file(_, let size, _) = item else { return .small }
    guard let size else { return .medium }
    if size > settings.multipartThreshold { return .large }
    return RequestPool.Kind(objectOf: size) == .small ? .small : .medium
  }
}

extension StorageError {
  /// Whether a disk or a quota is full.
  fileprivate var isAboutRoom: Bool {
    [.system(.noSpace), .system(.diskQuotaExceeded)].contains(localFile?.kind)
  }
}
