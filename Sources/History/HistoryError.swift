public import SystemPackage

/// Why the history could not be opened, written or read.
///
/// Holds facts; the words people read about them are elsewhere.
public enum HistoryError: Error, Sendable, Hashable {
  /// Why a file cannot be a history.
  public enum OpenProblem: Error, Sendable, Hashable {
    /// There is no home folder to put the history in.
    case noHome
    /// The folder cannot be made or entered.
    case folder(Errno)
    /// The file cannot be made or opened.
    case file(Errno)
    /// A folder, a device or the like lies at the path.
    case notARegularFile
    /// Everybody may write the file, or replace it in its folder.
    case writableByAll
    /// The file belongs to another user, in a folder that is not shared.
    case ownedByAnother(UInt32)
    /// The file is a SQLite database of something else.
    case otherDatabase
    /// The file lies on a network file system whose locks do not work.
    case noLocks
    /// There is no file, and this one beside its place is left of one that was.
    case leftover(FilePath)
  }

  case cannotOpen(FilePath, OpenProblem)
  /// The file or its file system may not be written.
  case readOnly
  /// Others kept the file locked for as long as Pail waits.
  case busy
  /// The disk or the quota is full.
  case full
  /// SQLite finds the file damaged, or the rows hold what Pail never writes.
  case corrupt(String)
  /// The file was moved, removed or replaced while it was open. Nothing more is recorded by this process.
  case moved(FilePath)
  /// The file was written by a newer Pail, whose tables this one does not know.
  case newer
  /// The file is an archive, which takes no more rows.
  case archived
  /// Nothing can be archived while changes are under way: how many, and who makes one of them.
  case changesUnderWay(Int, Author)
  /// There is something at the path where an archive was to be made.
  case archiveExists(FilePath)
  /// There are no rows to archive.
  case nothingToArchive
  /// There is no such change.
  case unknownChange(ChangeID)
  /// The change has an outcome already.
  case alreadyFinished(ChangeID)
  /// The task that asked was cancelled; nothing was being written.
  case cancelled
  /// Anything else SQLite reports: its extended result code and its words.
  case sqlite(code: Int32, message: String)
}
