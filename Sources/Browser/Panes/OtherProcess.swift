public import History
import S3
public import Storage

/// Another Pail of the same user, as it shows its transfers.
public struct OtherProcess: Sendable, Hashable {
  public var processID: Int32
  public var transfers: [TransferStatus]
  /// Bytes a second for all of them together; nil for no limit.
  public var limit: Int?

  public init(processID: Int32, transfers: [TransferStatus], limit: Int? = nil) {
    self.processID = processID
    self.transfers = transfers
    self.limit = limit
  }

  /// Whether what an earlier run has left is among its transfers: the journal may have been read
  /// before it took them over. One that has failed is left once more.
  func hasTakenOver(_ entry: JournalEntry) -> Bool {
    transfers.contains { transfer in
      if case .failed = transfer.state { return false }
      return (transfer.direction == .upload) == (entry.request.direction == .upload)
        && transfer.location.bucket == entry.request.bucket
        && transfer.location.key == entry.request.key
    }
  }
}

/// What a person does to one transfer, in this process or in another.
public enum TransferControl: String, Sendable, Hashable, CaseIterable {
  case pause, resume, cancel, retry
}

/// Names a transfer of this process or of another.
public enum TransferReference: Sendable, Hashable {
  case own(TransferID)
  case other(processID: Int32, TransferID)
  /// One that an earlier run has left.
  case left(JournalID)
}

/// One row of the transfers.
enum TransferRow: Sendable, Hashable {
  /// - Parameters:
  ///   - processID: nil for a transfer of this process.
  ///   - session: that of a transfer of this process which was started before a switch.
  case known(TransferStatus, processID: Int32?, session: String? = nil)
  /// Left unfinished by an earlier run.
  case left(JournalEntry)

  /// nil for what nobody works on.
  var status: TransferStatus? {
    if case .known(let status, _, _) = self { status } else { nil }
  }

  var processID: Int32? {
    if case .known(_, let processID, _) = self { processID } else { nil }
  }

  var session: String? {
    if case .known(_, _, let session) = self { session } else { nil }
  }

  var reference: TransferReference {
    switch self {
    case .known(let status, nil, _): .own(status.id)
    case .known(let status, let processID?, _): .other(processID: processID, status.id)
    case .left(let entry): .left(entry.id)
    }
  }
}
