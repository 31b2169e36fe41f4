public import S3

/// One change with its outcome, as the history tells it.
@dynamicMemberLookup
public struct HistoryEntry: Sendable, Hashable {
  public var id: ChangeID
  public var draft: ChangeDraft
  /// `started`, and nothing else, while no outcome is recorded.
  public var ending: Ending
  public var finishedAt: Timestamp?

  public init(
    id: ChangeID, _ draft: ChangeDraft, _ ending: Ending = Ending(outcome: .started),
    finishedAt: Timestamp? = nil
  ) {
    self.id = id
    self.draft = draft
    self.ending = ending
    self.finishedAt = finishedAt
  }

  /// The version that came of the change, else the one it was made to.
  public var versionID: VersionID? { ending.versionID ?? draft.change.versionID }
  /// What was moved, else what was going to be.
  public var size: ByteCount? { ending.size ?? draft.change.size }
  public var outcome: Outcome { ending.outcome }
  public var etag: ETag? { ending.etag }
  public var checksum: String? { ending.checksum }
  public var errorCode: String? { ending.errorCode }

  public subscript<Value>(dynamicMember member: KeyPath<ChangeDraft, Value>) -> Value {
    draft[keyPath: member]
  }
}
