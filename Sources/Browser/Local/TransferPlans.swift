public import S3
public import Storage
public import SystemPackage

/// Where each of the chosen files will go, found out before anything is sent.
public struct UploadPlan: Sendable {
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

  public var files: [File]
  /// The objects that stand where files would go.
  public var existing: [ObjectKey: ObjectSummary]
  /// What cannot be uploaded, and why: pipes, unreadable folders.
  public var leftOut: [LeftOut]

  public init(
    files: [File], existing: [ObjectKey: ObjectSummary] = [:], leftOut: [LeftOut] = []
  ) {
    self.files = files
    self.existing = existing
    self.leftOut = leftOut
  }

  /// Two files that would become one object.
  var duplicate: (key: ObjectKey, first: FilePath, second: FilePath)? {
    var seen: [ObjectKey: FilePath] = [:]
    for file in files {
      if let first = seen.updateValue(file.path, forKey: file.key) {
        return (file.key, first, file.path)
      }
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
}

/// Where each object will go, found out before anything is fetched.
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
  public var folder: FilePath
  public var leftOut: [LeftOut]

  public init(items: [Item], folder: FilePath, leftOut: [LeftOut] = []) {
    self.items = items
    self.folder = folder
    self.leftOut = leftOut
  }
}
