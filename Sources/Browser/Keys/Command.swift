/// What a key asks for. Each command stands in ``KeyTable`` with the places where it works.
public enum Command: Sendable, Hashable, CaseIterable {
  case moveUp, moveDown, pageUp, pageDown, halfPageUp, halfPageDown, moveFirst, moveLast
  case open, goUp, nextPane, back, forward, refresh
  case mark, markRange, invertMarks, peel
  case filter, commandLine
  case sortByName, sortBySize, sortByDate, sortByClass
  case upload, download, delete, create, share, details
  case copyObjects, moveObjects, renameObject
  case copyURI, copyKey, copyURL, copyARN
  case showTransfers, pauseTransfer, cancelTransfer, retryTransfer, clearTransfers
  case moveTransferUp, moveTransferDown, limitTransfers, resumeLeftTransfers
  case showBookmarks, addBookmark
  case showHistory, help, showError, switchSession
  case quit, redraw, suspend

  /// Dialogs.
  case accept, close, confirm, decline, deleteVersions
  case quitInBackground, quitStopping
  case nextField, previousField, nextChoice, previousChoice
  case startUpload, changeDestination, changeAttributes, showHidden
  case overwrite, overwriteAll, skip, skipAll, rename, renameAll
  case copyLink, copyCurl
  case removeBookmark
}

/// Where a key is pressed: a pane, or the kind of dialog on top.
public enum KeyPlace: Sendable, Hashable, CaseIterable {
  case buckets, objects, transfers
  /// The local file browser of an upload.
  case localFiles
  /// One name that is taken: overwrite, skip or rename.
  case conflict
  /// A question answered by y or n.
  case question
  /// The question whether to delete, in a bucket that has versions.
  case deletion
  /// The question what becomes of transfers when one quits.
  case quitting
  /// The question whether to remove a bucket, with a field beside it.
  case removal
  /// Work that is under way and can be stopped.
  case waiting
  /// Text fields and choices, more than one.
  case form
  /// A single text field.
  case field
  /// A person is to sign in elsewhere.
  case signIn
  /// A presigned URL on screen.
  case link
  /// Text to read and scroll: details, a report, an error.
  case text
  /// Text to read with a field to search in.
  case search
  /// A list of places to choose from.
  case bookmarks
  /// The history, with fields that filter it.
  case history
  /// Nothing but a notice: no credentials, or a window that is too small.
  case notice

  /// As the help names it.
  var title: String {
    switch self {
    case .buckets: "Buckets"
    case .objects: "Objects"
    case .transfers: "Transfers"
    case .localFiles: "Choosing files to upload"
    case .conflict: "A name that is taken"
    case .question: "A question"
    case .deletion: "Deleting where versions are kept"
    case .quitting: "Quitting while transfers run"
    case .removal: "Removing a bucket"
    case .waiting: "While waiting"
    case .form: "Fields"
    case .field: "A field"
    case .signIn: "Signing in"
    case .link: "A presigned URL"
    case .text: "Text"
    case .search: "Text with a search"
    case .bookmarks: "Bookmarks"
    case .history: "History"
    case .notice: "A notice"
    }
  }
}
