public import S3
public import SystemPackage

/// A path below a folder that cannot lead out of it, however its bytes came about.
///
/// Made from the bytes of a key, which anybody who may write to the bucket has chosen.
public struct RelativeName: Sendable, Hashable {
  /// Bytes between slashes: at least one component, each 1 through 255 bytes without NUL.
  let components: [[UInt8]]

  /// - Throws: ``LocalFileError`` with `unsafeName`; the path is the whole name.
  public init(_ key: ObjectKey) throws(LocalFileError) {
    components = key.bytes
      .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Array($0) }
    for component in components {
      if let problem = Self.problem(of: component) {
        throw LocalFileError(FilePath(untrusted: key.bytes), .unsafeName(problem))
      }
    }
  }

  private static func problem(of component: [UInt8]) -> LocalFileError.UnsafeName? {
    guard let first = component.first else { return .empty }
    if component.contains(0) { return .nul }
    if component.count > 255 { return .tooLong }
    guard first == UInt8(ascii: ".") else { return nil }
    if component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8) { return .dots }
    if component.starts(with: ".pail-".utf8), component.hasSuffix(".part") { return .reserved }
    return nil
  }

  private init(components: [[UInt8]]) {
    self.components = components
  }

  /// As bytes again.
  var key: ObjectKey { ObjectKey(bytes: Self.joined(components[...])) }

  private static func joined(_ components: ArraySlice<[UInt8]>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(components.reduce(0) { $0 + $1.count + 1 })
    for component in components {
      if !bytes.isEmpty { bytes.append(UInt8(ascii: "/")) }
      bytes += component
    }
    return bytes
  }

  var folders: ArraySlice<[UInt8]> { components.dropLast() }
  var last: [UInt8] { components.last ?? [] }

  /// `summary (2).csv` for `summary.csv` and 2; shortened so that it stays within 255 bytes.
  func numbered(_ number: Int) -> RelativeName {
    let name = last
    // A dot at the start hides a file and begins no extension.
    let dot = name.dropFirst().lastIndex(of: UInt8(ascii: ".")) ?? name.endIndex
    let ending = Array(" (\(number))".utf8) + name[dot...]
    var stem = name[..<dot]
    while stem.count > 1, stem.count + ending.count > 255 {
      // A character of UTF-8 goes as a whole: bytes 10xxxxxx continue one.
      while stem.count > 1, let byte = stem.last, byte & 0xc0 == 0x80 { stem.removeLast() }
      if stem.count > 1 { stem.removeLast() }
    }
    return RelativeName(components: folders + [Array((stem + ending).prefix(255))])
  }

  /// The path below `folder` of the first `count` of its folders, 1 or more.
  func path(ofFolders count: Int, below folder: FilePath) -> FilePath {
    folder.appending(bytes: Self.joined(components.prefix(count)))
  }

  /// The name below `folder`, for people and for the history.
  public func path(below folder: FilePath) -> FilePath {
    folder.appending(bytes: key.bytes)
  }
}

extension [UInt8] {
  fileprivate func hasSuffix(_ suffix: String) -> Bool {
    self.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }
}
