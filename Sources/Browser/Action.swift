public import History
public import S3
public import Storage
public import TextUI

/// What happened.
public enum Action: Sendable {
  /// The browser opened; `place` is where it is to begin: by a person's wish, or, when it
  /// `wasLeft` there, because that is where this profile was last.
  case started(at: Place?, wasLeft: Bool = false)
  case keyPressed(KeyPress)
  case pasted(String)
  case resized(Size)
  /// An effect brought something; who asked for it knows the request.
  case answered(RequestID, Answer)
  /// What an effect sent to the server failed and is sent again; nil once that is over.
  case requestRetried(RequestID, RetryStatus?)
  /// The newest state of every transfer of this process; `earlier` names the session of those that
  /// were started before a switch.
  /// `rate` is that of all of them; nil for the sum of theirs. `at` is the time since some moment.
  case transfersProgressed(
    [TransferStatus], earlier: [TransferID: String] = [:], rate: Double? = nil,
    at: Duration = .zero)
  /// Changes of processes that died got their outcomes.
  case settled(SettlingSummary)
  /// The transfers of the journal that have not come to their end, those that run among them.
  case foundLeftTransfers([JournalEntry])
  /// Bytes a second for all transfers of this process; nil for no limit.
  case transfersLimited(Int?)
  /// Something turned out on the way that a person should know, a sentence without a full stop.
  case noticed(String)
  /// The newest state of the transfers of another process.
  case otherProgressed(OtherProcess)
  /// Another process is no longer to be seen; `isComplete` when it said that nothing was left.
  case otherEnded(processID: Int32, isComplete: Bool)
  /// The program ends as soon as what runs has stopped; others may go on with it then.
  case endingBegan(inBackground: Bool)
  /// What runs could not be handed over, so the program stays.
  case endingFailed(StorageError)
  /// Text was sent to the terminal's clipboard; whether it took it cannot be known.
  case copied(String, by: String)
  /// Text stayed where it is.
  case notCopied(String, because: String)
}

/// What an effect brings.
public enum Answer: Sendable {
  case failed(StorageError)
  case buckets([BucketSummary])
  case page(ObjectPage)
  /// The numbers of the rows to be shown, of the rows looked at; `covering` is where those end.
  case order([UInt32], covering: Int)
  case details(ObjectMetadata)
  case tags([ObjectTag])
  /// Newest first; those of keys that begin with the one asked for may follow.
  case versions(VersionPage)
  case versioning(VersioningState)
  /// Each with a warning where the history could not take the outcome.
  case bucketCreated(warning: StorageError?)
  case bucketRemoved(warning: StorageError?)
  case markerCreated(warning: StorageError?)
  /// Comes many times while it counts.
  case counted(DeletionCount)
  case deletionProgressed(DeletionProgress)
  case deleted(DeletionReport)
  case copyProgressed(CopyProgress)
  case objectsCopied(CopyReport)
  /// What an earlier run had left is given up.
  case leftTransferAborted(warning: StorageError?)
  case presigned(PresignedURL)
  case history([HistoryEntry])
  case folder(LocalListing)
  case bookmarks([Place])
  case uploadPlan(UploadPlan)
  case downloadPlan(DownloadPlan)
}
