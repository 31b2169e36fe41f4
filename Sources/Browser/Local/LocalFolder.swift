public import S3
public import SystemPackage

/// What is in a folder of this machine.
public struct LocalFolder: Sendable {
  public var path: FilePath
  public var entries: [LocalEntry]

  public init(path: FilePath, entries: [LocalEntry]) {
    self.path = path
    self.entries = entries
  }
}

/// One entry of a folder, links followed.
public struct LocalEntry: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case file, folder
    /// A device, a pipe or a dangling link: shown, and not to be uploaded.
    case other
  }

  /// As the file system has it: any bytes but `/` and NUL.
  public var name: [UInt8]
  public var kind: Kind
  public var size: ByteCount
  public var modified: Timestamp?

  public init(name: [UInt8], kind: Kind, size: ByteCount = .zero, modified: Timestamp? = nil) {
    self.name = name
    self.kind = kind
    self.size = size
    self.modified = modified
  }
}
