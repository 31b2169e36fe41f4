public import SystemPackage

/// What an archive took from a history.
public struct ArchiveReport: Sendable, Hashable {
  public var file: FilePath
  public var changes: Int
  public var outcomes: Int
  /// The hash of the archive's last row, with which the history goes on.
  public var head: ChainHash
  /// Changes of dead processes that had no outcome, and were recorded anew.
  public var carriedOver: Int

  public init(file: FilePath, changes: Int, outcomes: Int, head: ChainHash, carriedOver: Int) {
    self.file = file
    self.changes = changes
    self.outcomes = outcomes
    self.head = head
    self.carriedOver = carriedOver
  }
}
