public import History
import SystemPackage

/// What the history could not do.
extension StorageError {
  /// The change was refused because no row could be written for it.
  init(refusedBy error: HistoryError, while undertaking: Undertaking) {
    self.init(
      kind: .history,
      message: "\(undertaking.target) was left alone: the history could not record it, since "
        .capitalizedFirst + Self.reason(error),
      recovery: Self.recovery(error), detail: Self.detail(error))
  }

  /// The change was made, and its row stays without an outcome.
  init(outcomeUnrecorded error: HistoryError, while undertaking: Undertaking) {
    self.init(
      kind: .outcomeUnrecorded,
      message: "The history has no outcome for \(undertaking.subject): it could not be written",
      recovery: Self.recovery(error), detail: Self.detail(error))
  }

  /// The change was made by an earlier run, and no row says so.
  init(outcomeUnrecordedBy problem: StorageError, while undertaking: Undertaking) {
    self.init(
      kind: .outcomeUnrecorded,
      message: "The history has no outcome for \(undertaking.subject): it could not be written",
      recovery: problem.recovery, detail: problem.detail)
  }

  /// The same error, which also says what could not be recorded about it.
  func noting(_ warning: StorageError?) -> StorageError {
    guard let warning else { return self }
    // A cancellation is not shown as an error, and this has to be seen.
    guard !isCancellation else { return warning }
    var noted = self
    noted.detail += "\n\n\(warning.message).\n\(warning.detail)"
    return noted
  }

  public init(unreadableHistory error: HistoryError) {
    if error == .cancelled {
      self = .cancelled
      return
    }
    self.init(
      kind: .history, message: "The history could not be read: \(Self.reason(error))",
      recovery: Self.recovery(error),
      detail: Self.detail(error))
  }

  public init(unarchived error: HistoryError) {
    self.init(
      kind: .history, message: "The history was not archived: \(Self.reason(error))",
      recovery: Self.recovery(error), detail: Self.detail(error))
  }

  /// Archiving sends nothing, and moves what was recorded.
  public static let unarchivedReadOnly = StorageError(
    kind: .readOnly, message: "The history was not archived: Pail runs read-only",
    recovery: readOnlyRecovery + ".")

  /// Settling sends no change, and adds to what was recorded.
  static let unsettledReadOnly = StorageError(
    kind: .readOnly, message: "Nothing was settled: Pail runs read-only",
    recovery: readOnlyRecovery + "; or look with --dry-run.")

  /// Outcomes that were found out later could not be added.
  init(unsettled error: HistoryError) {
    self.init(
      kind: .history, message: "The history could not take what became of older changes",
      recovery: Self.recovery(error), detail: Self.detail(error))
  }

  /// For a file that is not read beside other work.
  static func leftForCommand(_ file: FilePath) -> StorageError {
    StorageError(
      kind: .localFile, message: "\(file) is too large to be compared in the background",
      recovery: "Run pail history settle.")
  }

  private static func detail(_ error: HistoryError) -> String {
    "The history: \(reason(error)).\n\(recovery(error))"
  }

  static func reason(_ error: HistoryError) -> String {
    switch error {
    case .cannotOpen(_, .noHome): "there is no home folder to put it in"
    case .cannotOpen(let path, let problem): "\(path) cannot be opened: \(reason(problem))"
    case .readOnly: "the file or its file system is read-only"
    case .busy: "another process kept it locked"
    case .full: "the disk or the quota is full"
    case .corrupt(let what): "the file is damaged (\(what))"
    case .moved(let path): "\(path) was moved, removed or replaced while Pail had it open"
    case .newer: "the file was written by a newer Pail"
    case .archived: "the file is an archive, which takes no more rows"
    case .changesUnderWay(let count, let author):
      (count == 1 ? "a change is under way, in" : "\(count) changes are under way, one of them in")
        + " process \(author.processID) on \(author.host)"
    case .archiveExists(let file): "\(file) is there already"
    case .nothingToArchive: "it has no rows"
    case .unknownChange(let change): "there is no change \(change)"
    case .alreadyFinished(let change): "change \(change) has an outcome already"
    case .cancelled: "the task was cancelled"
    case .sqlite(let code, let message): "SQLite says \(message) (\(code))"
    }
  }

  private static func reason(_ problem: HistoryError.OpenProblem) -> String {
    switch problem {
    case .noHome: "there is no home folder"
    case .folder(let errno): "its folder cannot be made or entered (\(errno))"
    case .file(let errno): "\(errno)"
    case .notARegularFile: "it is not a regular file"
    case .writableByAll: "everybody may write it, or replace it in its folder"
    case .ownedByAnother(let user): "it belongs to user \(user), in a folder that is not shared"
    case .otherDatabase: "it is a database of something else"
    case .noLocks: "it is on a network file system whose locks do not work"
    case .leftover(let file): "it is not there, and \(file) is left of one that was"
    }
  }

  private static func recovery(_ error: HistoryError) -> String {
    switch error {
    case .full: "Free space on the disk that holds the history."
    case .busy: "Try again when the other process is done."
    case .readOnly: "Make the history's file writable, or name another with --history."
    case .cannotOpen(_, .noHome): "Name a file for it with --history, or set HOME."
    case .cannotOpen(_, .writableByAll):
      "Let only its owner write it, or a group in a setgid folder: chmod o-w, for both."
    case .cannotOpen(_, .noLocks): "Name a file on a disk of this machine with --history."
    case .cannotOpen(let path, .leftover):
      "Move it back. To begin another one, end each Pail that has the old one open, move \(path)-wal, "
        + "which may have its last rows, along under its new name, and remove \(path)-shm."
    case .moved(let path):
      "Move it back to \(path), or leave it to begin another one there. Then start Pail again."
    case .archived: "Name the history that goes on from it, with --history or PAIL_HISTORY."
    case .changesUnderWay:
      "Try again when they are done. What died on another host is settled there, with pail history "
        + "settle; a host where nothing runs any more is named with --dead-host."
    case .archiveExists: "Name another file."
    case .nothingToArchive: "There is nothing to do."
    case .newer: "Install the newer Pail, or name another file with --history."
    default: "Run pail doctor, or name another file with --history."
    }
  }
}
