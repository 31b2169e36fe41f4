public import History

/// What became of a change whose process died before it recorded an outcome.
public struct SettledChange: Sendable, Hashable {
  /// What makes it certain that the change was made. Nothing else is taken for `done`.
  public enum Proof: String, Sendable, Hashable {
    /// The object has the checksum of the local file, which is as it was.
    case checksum
    /// The object has the MD5 of the local file, which is as it was, for its ETag.
    case etag
    /// The version that was to be deleted is gone; no other one ever has its ID.
    case version
    /// None of the uploads of the key is from before the abortion.
    case uploadID
  }

  /// Why it stays unknown, or what speaks against it. The raw value is what the history gets for
  /// an error code.
  public enum Doubt: String, Sendable, Hashable, CaseIterable {
    /// There is no such object or bucket.
    case absent = "Absent"
    /// What is there is older than the change, or is what was to be deleted.
    case unchanged = "Unchanged"
    /// The object is newer and is not known to have the bytes of the local file.
    case otherContent = "OtherContent"
    /// The local file is gone or is not as it was, so that nothing can be compared with it.
    case sourceChanged = "SourceChanged"
    /// Another change in the history may have made what is there.
    case otherWriter = "OtherWriter"
    /// The goal is reached, and somebody else may have reached it.
    case notProvable = "NotProvable"
  }

  public enum Verdict: Sendable, Hashable {
    case done(Proof)
    case interrupted(Doubt)
    /// The server could not be asked now.
    case open(StorageError)
    /// Somebody else settled it meanwhile.
    case settledMeanwhile
  }

  /// As it was before: `started`.
  public var entry: HistoryEntry
  public var verdict: Verdict

  public init(entry: HistoryEntry, verdict: Verdict) {
    self.entry = entry
    self.verdict = verdict
  }

  /// What the row says afterwards.
  public var outcome: Outcome? {
    switch verdict {
    case .done: .done
    case .interrupted: .interrupted
    case .open: .started
    case .settledMeanwhile: nil
    }
  }

  /// Why, in words.
  public var reason: String {
    switch verdict {
    case .done(.checksum): "the object has the checksum of the file"
    case .done(.etag): "the object has the MD5 of the file"
    case .done(.version): "that version is gone"
    case .done(.uploadID): "no such upload is left"
    case .interrupted(.absent): "it is not there"
    case .interrupted(.unchanged): "what is there is from before"
    case .interrupted(.otherContent): "what is there is not known to be the file"
    case .interrupted(.sourceChanged): "the local file is not as it was"
    case .interrupted(.otherWriter): "another change may have made what is there"
    case .interrupted(.notProvable): "nothing tells who did it"
    case .open(let error): error.message
    case .settledMeanwhile: "another process settled it"
    }
  }
}

/// How many changes of dead processes were looked at, and what became of them.
public struct SettlingSummary: Sendable, Hashable {
  public var done = 0
  public var interrupted = 0
  /// The server could not be asked, or the limits were reached.
  public var open = 0
  /// Of other endpoints, whose credentials this session does not have.
  public var elsewhere = 0

  public init() {}

  public var settled: Int { done + interrupted }
}

/// How much may be done at once to settle changes.
public struct SettlingLimits: Sendable, Hashable {
  /// 1 or more.
  public var changes: Int
  /// Larger local files are not read, and their uploads stay open. In bytes.
  public var largestFile: Int64
  /// Questions to the server under way, 1 or more.
  public var questionsAtOnce: Int

  public init(changes: Int, largestFile: Int64, questionsAtOnce: Int) {
    self.changes = changes
    self.largestFile = largestFile
    self.questionsAtOnce = questionsAtOnce
  }

  /// For a command, which a person waits for.
  public static let all = SettlingLimits(changes: .max, largestFile: .max, questionsAtOnce: 8)
  /// Beside a browser, which must not feel it.
  public static let background = SettlingLimits(
    changes: 1_000, largestFile: 1 << 30, questionsAtOnce: 2)
}
