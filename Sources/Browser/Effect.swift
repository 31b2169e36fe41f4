public import History
public import S3
public import Storage
public import SystemPackage

/// What is wanted from the world. `EffectRunner` performs it, each as a task of its own, and
/// answers those that carry a ``RequestID`` with ``Action/answered(_:_:)``.
public enum Effect: Sendable {
  /// Ends the task of a request. A deletion still answers with what it did until then.
  case cancel(RequestID)

  case listBuckets(RequestID)
  case listObjects(Place, after: ContinuationToken?, RequestID)
  /// Puts a snapshot of a listing in order, away from the main actor.
  ///
  /// Only the rows from number `from` on are looked at.
  case order(ListingRows, by: RowOrdering, from: Int, RequestID)
  case readDetails(ObjectLocation, RequestID)
  case readTags(ObjectLocation, RequestID)
  /// The newest versions of one object.
  case readVersions(ObjectLocation, RequestID)
  case readVersioning(BucketName, RequestID)

  case createBucket(BucketName, region: Region?, RequestID)
  case removeBucket(BucketName, expectedOwner: AccountID?, RequestID)
  case emptyAndRemoveBucket(BucketName, expectedOwner: AccountID?, RequestID)
  case createPrefixMarker(BucketName, ObjectKey, RequestID)
  case count([DeletionTarget], in: BucketName, RequestID)
  case countEveryVersion(BucketName, RequestID)
  /// Objects newer than the moment at which this is performed are left alone.
  case delete([DeletionTarget], in: BucketName, RequestID)
  /// Answers ``Answer/copyProgressed(_:)`` until it is done.
  case copyObjects(CopyWish, RequestID)
  case presign(PresignMethod, ObjectLocation, expires: Duration, fileName: String?, RequestID)
  case readHistory(HistoryQuery, before: ChangeID?, limit: Int, RequestID)

  case listFolder(FilePath, RequestID)
  case planUpload([FilePath], to: Place, RequestID)
  case planDownload(DownloadWish, RequestID)
  case transfer([TransferRequest])
  case transferTrees([TransferTree])
  case controlTransfer(TransferReference, TransferControl)
  /// Up with a negative number.
  case moveTransfer(TransferID, by: Int)
  /// For all transfers of a process, by default of this one; without a number no limit.
  case limitTransfers(processID: Int32?, bytesPerSecond: Int?)
  case clearTransfers
  /// Answered with ``Action/foundLeftTransfers(_:)``.
  case findLeftTransfers
  case resumeLeftTransfers([JournalEntry])
  case abortLeftTransfer(JournalEntry, RequestID)

  case readBookmarks(RequestID)
  /// Each answered with ``Action/noticed(_:)``.
  case addBookmark(Place)
  case removeBookmark(Place)
  /// Notes where the next run begins, so that also somebody who is cut off comes back there.
  case remember(BrowserState.Leaving)
  /// Works with other settings from now on. Answered only when that is not possible.
  case switchSession(SessionChoice, RequestID)
  /// Sends text to the terminal's clipboard; `what` names it in the message.
  case copy(String, what: String)
  case suspend
  case redraw
  /// Ends the browser; transfers that still run are stopped, and can be resumed.
  case quit
  /// Ends the browser, and has another process go on with the transfers.
  case quitInBackground
}
