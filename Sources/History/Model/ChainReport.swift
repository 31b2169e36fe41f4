public import S3
public import SystemPackage

/// A SHA-256, which names everything recorded up to one row.
public struct ChainHash: Sendable, Hashable, CustomStringConvertible {
  /// 32 of them.
  public let bytes: [UInt8]

  /// Before the first row.
  public static let zero = ChainHash(sha256: [UInt8](repeating: 0, count: 32))

  /// nil unless there are 32 bytes.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// nil unless there are 64 hexadecimal digits, of either case.
  public init?(hex: String) {
    let digits = hex.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: 64, by: 2) {
      guard let high = digits[place], let low = digits[place + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    self.bytes = bytes
  }

  /// - Parameter sha256: 32 bytes.
  init(sha256 bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// 64 lower-case hexadecimal digits.
  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

/// What a walk along the chain of a history found.
public struct ChainReport: Sendable, Hashable {
  /// A row of the chain, which is a change or an outcome.
  public struct Row: Sendable, Hashable {
    public enum Kind: Sendable, Hashable { case change, outcome }
    public var kind: Kind
    /// The row's number; changes and outcomes are numbered together.
    public var number: Int64

    public init(kind: Kind, number: Int64) {
      self.kind = kind
      self.number = number
    }
  }

  /// The history that this one goes on from.
  public struct Predecessor: Sendable, Hashable {
    /// Where it was put.
    public var file: FilePath
    /// The hash of its last row, with which this chain begins.
    public var head: ChainHash
    public var archivedAt: Timestamp

    public init(file: FilePath, head: ChainHash, archivedAt: Timestamp) {
      self.file = file
      self.head = head
      self.archivedAt = archivedAt
    }
  }

  /// The hash of the last row; kept elsewhere, it shows later edits of any row up to that one.
  public var head: ChainHash
  public var changes: Int
  public var outcomes: Int
  /// The first row that is not what the next one says it was: edited, or followed by a gap.
  public var firstBroken: Row?
  /// Whether the expected hash is that of some row, the start included; nil when none was given.
  ///
  /// A history goes on growing, so the hash need not be that of the last row.
  public var hasExpected: Bool?
  /// Where older rows are; nil for a history that begins with its first row.
  public var predecessor: Predecessor?
  /// Whether this file takes no more rows.
  public var isArchive = false

  public init(
    head: ChainHash, changes: Int, outcomes: Int, firstBroken: Row? = nil,
    hasExpected: Bool? = nil
  ) {
    self.head = head
    self.changes = changes
    self.outcomes = outcomes
    self.firstBroken = firstBroken
    self.hasExpected = hasExpected
  }

  /// No row is broken, and the expected hash, if given, is among them.
  public var isIntact: Bool { verdict == .intact }

  /// What the walk says of the rows.
  public enum Verdict: String, Sendable, Hashable {
    case intact
    case altered
    /// The rows agree, and the expected hash may be that of a row in another file: of an archive
    /// before this one, or of what goes on from it.
    case unproven
  }

  public var verdict: Verdict {
    if firstBroken != nil { return .altered }
    guard hasExpected == false else { return .intact }
    return predecessor == nil && !isArchive ? .altered : .unproven
  }
}
