public import S3
public import SystemPackage

/// An object and a file of which one was made from the other and got another name.
///
/// A key that no file can have as its name is escaped, and where the name was taken a person may have
/// wished for the next free one.
public struct OtherName: Sendable, Hashable {
  public var location: ObjectLocation
  public var localPath: FilePath

  public init(location: ObjectLocation, localPath: FilePath) {
    self.location = location
    self.localPath = localPath
  }
}

extension TransferRequest {
  /// The name of what was made where it is not that of what it was made from; of a file below the
  /// folder that it was to go to.
  func otherName(in result: TransferResult) -> ObjectKey? {
    guard !result.isSkipped else { return nil }
    switch work {
    case .upload(let file, _, _):
      guard ifExists == .rename else { return nil }
      let name = result.location.key.lastSegment
      return name.elementsEqual(file.nameBytes) ? nil : ObjectKey(bytes: name)
    case .download(let object, _, let folder, let name):
      guard ifExists == .rename || !object.key.ends(in: name) else { return nil }
      let path = result.localPath.bytes
      let made =
        path.starts(with: folder.bytes)
        ? ObjectKey(bytes: path.dropFirst(folder.bytes.count).drop { $0 == UInt8(ascii: "/") })
        : ObjectKey(bytes: result.localPath.nameBytes)
      return object.key.ends(in: made) ? nil : made
    }
  }
}

extension ObjectKey {
  /// Whether its last segments are those of `name`.
  fileprivate func ends(in name: ObjectKey) -> Bool {
    let rest = bytes.count - name.bytes.count
    guard rest >= 0, bytes.suffix(name.bytes.count) == name.bytes[...] else { return false }
    return rest == 0 || bytes[rest - 1] == UInt8(ascii: "/")
  }
}
