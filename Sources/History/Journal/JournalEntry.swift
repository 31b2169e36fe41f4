public import S3
public import SystemPackage

/// Names one unfinished transfer in the journal: 1 or more, growing with time, never used again.
public struct JournalID: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let value: Int64

  public init(_ value: Int64) {
    self.value = value
  }

  public var description: String { String(value) }

  public static func < (left: JournalID, right: JournalID) -> Bool { left.value < right.value }
}

/// What was asked for: enough to ask for the same again.
public struct JournalRequest: Sendable, Hashable {
  public enum Direction: String, Sendable, Hashable, CaseIterable {
    case upload
    case download
  }

  /// What happens when the destination is there already.
  public enum ExistingDestination: String, Sendable, Hashable, CaseIterable {
    case overwrite
    case skip
    case rename
    case fail
  }

  public var direction: Direction
  /// Scheme, host and port, never user information.
  public var endpoint: String
  /// The region that requests were signed for when it was asked.
  public var region: String
  /// The profile that the keys came from; nil when they came from elsewhere.
  public var profile: String?
  public var bucket: BucketName
  /// Of a folder or prefix: what the keys begin with.
  public var key: ObjectKey
  /// The version to download; nil for the current one.
  public var versionID: VersionID?
  /// The file or folder to upload, or the folder to download into: absolute.
  public var localPath: FilePath
  /// Of a download: its path below the folder, as bytes.
  public var name: ObjectKey?
  public var ifExists: ExistingDestination
  /// Of an upload.
  public var attributes: ObjectAttributes
  /// Set for a folder or prefix.
  public var tree: JournalTree?

  public init(
    _ direction: Direction, endpoint: String, region: String, profile: String? = nil,
    bucket: BucketName, key: ObjectKey, versionID: VersionID? = nil, localPath: FilePath,
    name: ObjectKey? = nil, ifExists: ExistingDestination = .fail,
    attributes: ObjectAttributes = ObjectAttributes(), tree: JournalTree? = nil
  ) {
    self.direction = direction
    self.endpoint = endpoint
    self.region = region
    self.profile = profile
    self.bucket = bucket
    self.key = key
    self.versionID = versionID
    self.localPath = localPath
    self.name = name
    self.ifExists = ifExists
    self.attributes = attributes
    self.tree = tree
  }
}

extension JournalRequest {
  /// Whether it may go on here: at the server that it was asked of, with keys from the same place.
  ///
  /// - Parameter profile: that the keys come from; nil when they come from elsewhere.
  public func isOf(endpoint: String, profile: String?) -> Bool {
    self.endpoint == endpoint && self.profile == profile
  }
}

/// What a transfer that has begun is made of. Resuming starts over when it is another one.
public struct JournalSubject: Sendable, Hashable {
  /// Of the file or of the object, in bytes.
  public var size: ByteCount
  /// Of the file, with all the nanoseconds that its file system keeps.
  public var modified: Timestamp?
  /// Of the object that is downloaded.
  public var etag: ETag?
  /// Of the object that is downloaded, where it has one.
  public var versionID: VersionID?
  /// The size of each part but the last; that of ranges is their own.
  public var partSize: ByteCount
  /// Of an upload in parts.
  public var uploadID: UploadID?

  public init(
    size: ByteCount, modified: Timestamp? = nil, etag: ETag? = nil, versionID: VersionID? = nil,
    partSize: ByteCount, uploadID: UploadID? = nil
  ) {
    self.size = size
    self.modified = modified
    self.etag = etag
    self.versionID = versionID
    self.partSize = partSize
    self.uploadID = uploadID
  }
}

/// A part that the server has confirmed, or a range that is on the disk.
public struct JournalPiece: Sendable, Hashable {
  /// The number of the part, or where the range begins, in bytes.
  public var place: Int64
  /// In bytes.
  public var size: Int64
  public var crc64nvme: UInt64
  /// Of the part, where the server wants this checksum.
  public var crc32c: UInt32?
  /// Of the part.
  public var etag: ETag?

  public init(
    place: Int64, size: Int64, crc64nvme: UInt64, crc32c: UInt32? = nil, etag: ETag? = nil
  ) {
    self.place = place
    self.size = size
    self.crc64nvme = crc64nvme
    self.crc32c = crc32c
    self.etag = etag
  }
}

/// The process that works on a transfer.
public struct JournalLease: Sendable, Hashable {
  public var user: String
  public var host: String
  public var bootID: String
  public var processID: Int32
  public var processStart: UInt64

  public init(
    user: String, host: String, bootID: String, processID: Int32, processStart: UInt64
  ) {
    self.user = user
    self.host = host
    self.bootID = bootID
    self.processID = processID
    self.processStart = processStart
  }

  public init(_ author: Author) {
    self.init(
      user: author.user, host: author.host, bootID: author.bootID, processID: author.processID,
      processStart: author.processStart)
  }

  private var author: Author {
    Author(
      user: user, loginUID: 0, auditUID: nil, host: host, sshClient: nil, bootID: bootID,
      processID: processID, processStart: processStart)
  }

  /// True for other hosts, of whose processes nothing is known here.
  var isRunning: Bool { author.isRunning }

  /// Whether what is known of processes here says anything about its process.
  public var isOfThisHost: Bool { author.isOfThisHost }
}

/// One transfer that has not come to its end.
public struct JournalEntry: Sendable, Hashable, Identifiable {
  public enum State: Sendable, Hashable {
    /// Waits for somebody to resume it.
    case stopped
    /// A process works on it.
    case running(JournalLease)
    /// The process that worked on it has died.
    case abandoned(JournalLease)

    /// The process that works on it; nil when none does any more.
    var holder: JournalLease? { if case .running(let lease) = self { lease } else { nil } }
  }

  public var id: JournalID
  public var request: JournalRequest
  /// The folder or prefix that it is part of.
  public var parent: JournalID?
  /// Of a folder or prefix: when an earlier run first began with it; nil when none has.
  public var begunAt: Timestamp?
  /// nil for one that never began, and for a folder or prefix.
  public var subject: JournalSubject?
  public var state: State
  /// The process that works on it; nil when none does.
  public var holder: JournalLease? { state.holder }
  public var isRunning: Bool { holder != nil }
  /// What the pieces hold.
  public var kept: ByteCount
  public var createdAt: Timestamp
  /// When a piece was added last.
  public var updatedAt: Timestamp

  public init(
    id: JournalID, request: JournalRequest, parent: JournalID? = nil,
    subject: JournalSubject? = nil, state: State, kept: ByteCount = .zero, createdAt: Timestamp,
    updatedAt: Timestamp
  ) {
    self.id = id
    self.request = request
    self.parent = parent
    self.subject = subject
    self.state = state
    self.kept = kept
    self.createdAt = createdAt
    self.updatedAt = updatedAt
  }
}

/// A transfer that waits in the queue of this process.
public struct WaitingEntry: Sendable, Hashable {
  public var id: JournalID
  /// Whether an earlier run had left it.
  public var wasLeft: Bool
}

/// Why the journal did not do what was asked.
public enum JournalError: Error, Sendable, Hashable {
  /// Another process, or another transfer of this one, works on the same.
  case held(by: JournalLease)
  /// There is no such entry any more.
  case unknown(JournalID)
  case unusable(HistoryError)
}
