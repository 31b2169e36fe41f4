public import SystemPackage

/// Why a local file or folder cannot be used. Facts only; `StorageError` has the words.
public struct LocalFileError: Error, Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// The system said no.
    case system(Errno)
    /// The name could lead out of the chosen folder, or is none that a file can have.
    case unsafeName(UnsafeName)
    /// Not a regular file, where only one will do.
    case notARegularFile
    /// A folder, where a file is to be written.
    case folder
    /// Says that it has no bytes, as files of the kernel do, and has some.
    case hidesSize
    /// Not a folder, where only one will do.
    case notAFolder
    /// A symbolic link, which is not followed there.
    case link
    /// A file has that name already.
    case alreadyExists
    /// The file system takes the name for this one, which is there and has other bytes.
    case takenForAnother([UInt8])
    /// Another transfer, of this or another process, is writing the same file.
    case inUse
    /// The file system cannot lock files, and so cannot keep two writers apart.
    case noLocks
    /// A link that leads out of the folder.
    case linkNotFollowed
    /// A link that leads back into a folder that holds it.
    case loopingLink
    /// A folder with more names than are sorted in memory, and there is no room for them elsewhere.
    case noRoomForNames(in: FilePath, Errno)
  }

  /// What is wrong with one component of a name.
  public enum UnsafeName: Sendable, Hashable {
    /// Nothing between two slashes, before the first one, or after the last one.
    case empty
    /// `.` or `..`.
    case dots
    /// Holds a NUL byte.
    case nul
    /// Longer than 255 bytes.
    case tooLong
    /// Looks like the name of a file that is on its way.
    case reserved
  }

  public var path: FilePath
  public var kind: Kind

  public init(_ path: FilePath, _ kind: Kind) {
    self.path = path
    self.kind = kind
  }
}
