public import S3
public import Storage
public import SystemPackage

/// Where the chosen files and folders will go, found out before anything is sent.
///
/// What is in folders is found while it moves; here are only those of its files that are in the way
/// of nothing but an answer: whose destination is there already.
public struct UploadPlan: Sendable {
  /// As many files of folders are asked about one by one.
  public static let askedSingly = 1_000

  public struct File: Sendable, Hashable {
    public var path: FilePath
    public var key: ObjectKey
    public var size: ByteCount
    public var modified: Timestamp?
    public var contentType: String

    public init(
      path: FilePath, key: ObjectKey, size: ByteCount, modified: Timestamp?, contentType: String
    ) {
      self.path = path
      self.key = key
      self.size = size
      self.modified = modified
      self.contentType = contentType
    }
  }

  public struct Folder: Sendable, Hashable {
    public var path: FilePath
    /// Ends in a slash.
    public var prefix: ObjectKey

    public init(path: FilePath, prefix: ObjectKey) {
      self.path = path
      self.prefix = prefix
    }
  }

  public var files: [File]
  public var folders: [Folder]
  /// The objects that stand where files would go.
  public var existing: [ObjectKey: ObjectSummary]
  /// Files of folders whose keys exist; more than ``askedSingly`` when there may be yet more.
  public var taken: [TakenName]
  /// What cannot be uploaded, and why: pipes, what cannot be looked at.
  public var leftOut: [LeftOut]

  public init(
    files: [File], folders: [Folder] = [], existing: [ObjectKey: ObjectSummary] = [:],
    taken: [TakenName] = [], leftOut: [LeftOut] = []
  ) {
    self.files = files
    self.folders = folders
    self.existing = existing
    self.taken = taken
    self.leftOut = leftOut
  }

  /// Two sources that would become one object, or fill one prefix.
  var duplicate: (key: ObjectKey, first: FilePath, second: FilePath)? {
    var seen: [ObjectKey: FilePath] = [:]
    let sources = files.map { ($0.key, $0.path) } + folders.map { ($0.prefix, $0.path) }
    for (key, path) in sources {
      if let first = seen.updateValue(path, forKey: key) { return (key, first, path) }
    }
    return nil
  }
}

/// Something that a plan leaves out, with the reason.
public struct LeftOut: Sendable, Hashable {
  public var name: [UInt8]
  public var reason: String

  public init(name: [UInt8], reason: String) {
    self.name = name
    self.reason = reason
  }
}

/// What is to be downloaded, and whereto.
public struct DownloadWish: Sendable {
  public var from: Place
  public var objects: [ObjectSummary]
  /// Everything under these; each keeps its name below the folder.
  public var prefixes: [ObjectKey]
  public var folder: FilePath

  public init(
    from: Place, objects: [ObjectSummary], prefixes: [ObjectKey], folder: FilePath
  ) {
    self.from = from
    self.objects = objects
    self.prefixes = prefixes
    self.folder = folder
  }

  /// What moves of one of `prefixes`.
  ///
  /// - Parameter folder: as it is to be opened.
  public func tree(_ prefix: ObjectKey, into folder: FilePath) -> TransferTree {
    TransferTree(
      .download(
        bucket: from.bucket, KeySelection(prefix: prefix), dropping: from.prefix, folder: folder),
      filesBeside: objects.filter { prefix.hasPrefix($0.key) }.map { name(of: $0.key) })
  }

  /// What is left of a key below the folder.
  public func name(of key: ObjectKey) -> ObjectKey {
    key.hasPrefix(from.prefix)
      ? ObjectKey(bytes: key.bytes.dropFirst(from.prefix.bytes.count)) : key
  }
}

/// Where each chosen object will go, found out before anything is fetched; what is under prefixes is
/// found while it moves.
public struct DownloadPlan: Sendable {
  public struct Item: Sendable, Hashable {
    public var object: ObjectSummary
    /// Below the folder, `/` between its parts.
    public var name: ObjectKey
    /// What stands there already.
    public var existing: DownloadFolder.ExistingFile?

    public init(
      object: ObjectSummary, name: ObjectKey, existing: DownloadFolder.ExistingFile? = nil
    ) {
      self.object = object
      self.name = name
      self.existing = existing
    }
  }

  public var items: [Item]
  public var trees: [TransferTree]
  /// Objects of trees whose files exist; more than ``UploadPlan/askedSingly`` when there may be yet
  /// more.
  public var taken: [TakenName]
  public var folder: FilePath
  public var leftOut: [LeftOut]

  public init(
    items: [Item], trees: [TransferTree] = [], taken: [TakenName] = [], folder: FilePath,
    leftOut: [LeftOut] = []
  ) {
    self.items = items
    self.trees = trees
    self.taken = taken
    self.folder = folder
    self.leftOut = leftOut
  }
}
