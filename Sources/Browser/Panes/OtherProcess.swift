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
}

/// What a person does to one transfer, in this process or in another.
public enum TransferControl: String, Sendable, Hashable, CaseIterable {
  case pause, resume, cancel, retry
}

/// Names a transfer of this process or of another.
public enum TransferReference: Sendable, Hashable {
  case own(TransferID)
  case other(processID: Int32, TransferID)
}

/// One row of the transfers.
struct TransferRow: Sendable, Hashable {
  var status: TransferStatus
  /// nil for a transfer of this process.
  var processID: Int32?

  var reference: TransferReference {
    processID.map { .other(processID: $0, status.id) } ?? .own(status.id)
  }
}
