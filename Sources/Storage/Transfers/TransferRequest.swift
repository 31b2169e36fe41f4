public import S3
public import SystemPackage

/// One file to upload or one object to download.
public struct TransferRequest: Sendable, Hashable {
  /// What moves, and where to.
  public enum Work: Sendable, Hashable {
    /// A regular file to one key. `to.versionID` is not used.
    case upload(file: FilePath, to: ObjectLocation, attributes: ObjectAttributes)
    /// An object to a file below `folder`.
    ///
    /// `name` is the path below `folder` as bytes, `/` between segments; it comes from the key
    /// and is not trusted: it cannot lead out of `folder`. `folder` is what a person chose.
    case download(ObjectLocation, summary: ObjectSummary?, folder: FilePath, name: ObjectKey)
  }

  /// What happens when the destination is there already.
  public enum ExistingDestination: Sendable, Hashable {
    case overwrite
    case skip
    /// Takes the first free name of `name (1).ext`, `name (2).ext`, …
    case rename
    /// Fails with ``StorageError/Kind/alreadyExists``.
    case fail
  }

  public var work: Work
  public var ifExists: ExistingDestination
  /// As far as it is known before the transfer runs: small files run many at once.
  public var size: ByteCount?
  /// When an earlier run was asked for the same; nil when none was. What it has moved by then does
  /// not move again.
  public var askedBefore: Timestamp?

  public init(_ work: Work, ifExists: ExistingDestination = .fail, size: ByteCount? = nil) {
    self.work = work
    self.ifExists = ifExists
    self.size = size
  }

  public static func upload(
    _ file: FilePath, to location: ObjectLocation, attributes: ObjectAttributes,
    size: ByteCount? = nil, ifExists: ExistingDestination = .fail
  ) -> TransferRequest {
    TransferRequest(
      .upload(file: file, to: location, attributes: attributes), ifExists: ifExists, size: size)
  }

  /// - Parameter name: the path below `folder`; the key's last segment when nil.
  public static func download(
    _ object: ObjectLocation, summary: ObjectSummary? = nil, into folder: FilePath,
    name: ObjectKey? = nil, ifExists: ExistingDestination = .fail
  ) -> TransferRequest {
    TransferRequest(
      .download(
        object, summary: summary, folder: folder,
        name: name ?? ObjectKey(bytes: object.key.lastSegment)),
      ifExists: ifExists, size: summary?.size)
  }

  public var direction: TransferDirection {
    switch work {
    case .upload: .upload
    case .download: .download
    }
  }

  /// The object at the far end.
  public var location: ObjectLocation {
    switch work {
    case .upload(_, let location, _), .download(let location, _, _, _): location
    }
  }
}
