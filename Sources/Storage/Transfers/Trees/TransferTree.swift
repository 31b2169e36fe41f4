public import S3
public import SystemPackage

/// A folder to upload or a prefix to download: any number of files, found while they move.
///
/// One transfer in the queue however much is in it. Memory does not grow with that.
public struct TransferTree: Sendable, Hashable {
  /// What moves, and where to.
  public enum Work: Sendable, Hashable {
    /// What is inside `folder`, each file under `prefix` followed by its path below `folder`. An
    /// empty folder becomes a marker: an object without bytes whose key ends in `/`.
    case upload(
      folder: FilePath, bucket: BucketName, prefix: ObjectKey, attributes: ObjectAttributes)
    /// What is selected, each object below `folder` under its key without `dropping`, which the
    /// prefix of the selection begins with. A marker becomes an empty folder.
    case download(
      bucket: BucketName, KeySelection, dropping: ObjectKey, folder: FilePath)
    /// Files that are known one by one, at least one of them; all in one direction, and uploads
    /// with the same attributes.
    case list([TransferRequest])
  }

  /// Which symbolic links of a folder are followed. Those that lead to nothing, and those that lead
  /// back into a folder that holds them, are left out and reported.
  public enum Links: Sendable, Hashable {
    /// Those that lead to a place inside the folder; the others are left out and reported.
    case inside
    /// All of them.
    case all
    /// None; all are left out and reported.
    case none
  }

  /// Files that are named one by one are transfers of their own, up to so many: each is kept in the
  /// queue and shown with its size and time left.
  public static let mostShownSingly = 64

  public var work: Work
  public var ifExists: TransferRequest.ExistingDestination
  /// Which files are meant, by their paths below the folder; by default all.
  public var filter: KeyFilter
  public var links: Links
  /// What other files that come to the folder of a download are called in the store, without what is
  /// dropped of keys: folders of these names cannot be made.
  public var filesBeside: [ObjectKey]
  /// Keys for which `ifExists` is not asked, since a person has decided on them one by one.
  public var decisions: [ObjectKey: TransferRequest.ExistingDestination]

  public init(
    _ work: Work, ifExists: TransferRequest.ExistingDestination = .fail,
    filter: KeyFilter = .all, links: Links = .inside, filesBeside: [ObjectKey] = [],
    decisions: [ObjectKey: TransferRequest.ExistingDestination] = [:]
  ) {
    self.work = work
    self.ifExists = ifExists
    self.filter = filter
    self.links = links
    self.filesBeside = filesBeside
    self.decisions = decisions
  }

  /// What happens when a file's destination is there already.
  func ifExists(_ key: ObjectKey) -> TransferRequest.ExistingDestination {
    decisions.isEmpty ? ifExists : decisions[key] ?? ifExists
  }

  public var direction: TransferDirection {
    switch work {
    case .upload: .upload
    case .download: .download
    case .list(let requests): requests.first?.direction ?? .upload
    }
  }
}

extension TransferTree {
  /// The beginning of the keys at the far end.
  var location: ObjectLocation {
    switch work {
    case .upload(_, let bucket, let prefix, _):
      ObjectLocation(bucket: bucket, key: prefix)
    case .download(let bucket, let selection, _, _):
      ObjectLocation(bucket: bucket, key: selection.prefix)
    case .list(let requests):
      requests.first?.location ?? ObjectLocation(bucket: BucketName(""), key: .empty)
    }
  }

  /// The folder at this end.
  var localPath: FilePath {
    switch work {
    case .upload(let folder, _, _, _), .download(_, _, _, let folder): folder
    case .list(let requests): requests.first?.localPath.removingLastComponent() ?? FilePath()
    }
  }

  /// The one folder that all downloads go to; nil for uploads and for several folders.
  var downloadFolder: FilePath? {
    switch work {
    case .upload: return nil
    case .download(_, _, _, let folder): return folder
    case .list(let requests):
      guard let first = requests.first?.downloadFolder,
        requests.allSatisfy({ $0.downloadFolder == first })
      else { return nil }
      return first
    }
  }

  /// The name to show, in bytes.
  var name: [UInt8] {
    switch work {
    case .upload(let folder, _, _, _): folder.nameBytes + [UInt8(ascii: "/")]
    case .download(_, let selection, _, _): Array(selection.prefix.lastSegment)
    case .list(let requests): Array("\(requests.count) files".utf8)
    }
  }
}

extension TransferRequest {
  fileprivate var downloadFolder: FilePath? {
    if case .download(_, _, let folder, _) = work { folder } else { nil }
  }
}

/// How far a tree has come.
public struct TreeStatus: Sendable, Hashable {
  /// As many are named; all are counted.
  public static let namesKept = 200

  /// Files found so far: to be moved, moved, skipped or failed.
  public var found: Int
  /// Whether nothing more will be found.
  public var isComplete: Bool
  /// Files that have arrived.
  public var done: Int
  /// Files whose destination was there already, and stayed as it was.
  public var skipped: Int
  /// Files that did not arrive, and folders that could not be read.
  public var failed: Int
  /// Files that arrived under another name: this system cannot have theirs, or it was taken.
  public var renamed: Int
  /// The first of those, oldest first, as many as ``TreeStatus/namesKept``.
  public var otherNames: [OtherName]
  /// Files that arrived and of which nobody can tell whether they are what was stored.
  public var unverified: Int
  /// Bytes of the files found so far that have arrived or are still to.
  public var bytes: ByteCount

  public init(
    found: Int = 0, isComplete: Bool = false, done: Int = 0, skipped: Int = 0, failed: Int = 0,
    renamed: Int = 0, otherNames: [OtherName] = [], unverified: Int = 0, bytes: ByteCount = .zero
  ) {
    self.found = found
    self.isComplete = isComplete
    self.done = done
    self.skipped = skipped
    self.failed = failed
    self.renamed = renamed
    self.otherNames = otherNames
    self.unverified = unverified
    self.bytes = bytes
  }

  /// Files that nothing more will happen to.
  public var over: Int { done + skipped + failed }

  mutating func note(_ name: OtherName) {
    renamed += 1
    if otherNames.count < Self.namesKept { otherNames.append(name) }
  }
}

/// What became of one file of a tree.
public struct TreeOutcome: Sendable, Hashable {
  /// Indirect, since an outcome is handed on many times, and either has a dozen things to copy.
  public indirect enum End: Sendable, Hashable {
    /// It arrived, or was skipped as the result says.
    case finished(TransferResult)
    case failed(StorageError)
  }

  public var direction: TransferDirection
  /// nil for what has no key, such as a folder that cannot be read.
  public var location: ObjectLocation?
  public var localPath: FilePath?
  public var end: End
  /// Whether the file has another name here than its key, which this system cannot have.
  public var isRenamed: Bool

  public init(
    direction: TransferDirection, location: ObjectLocation?, localPath: FilePath?, end: End,
    isRenamed: Bool = false
  ) {
    self.direction = direction
    self.location = location
    self.localPath = localPath
    self.end = end
    self.isRenamed = isRenamed
  }
}
