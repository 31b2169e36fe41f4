internal import Glibc
internal import HTTP
internal import Synchronization
internal import SystemPackage

/// Names that stand in folders with the very bytes that are asked for, where a name may also lead to
/// a file of another one.
///
/// A look at a name tells only that it leads to something, so the folder has to be read; what is
/// found there is kept, so that it is read once for all of its files, and not once for each. Who
/// gives a file another name meanwhile is not noticed.
final class StandingNames: Sendable {
  /// A folder, and a name in it.
  private struct Place: Hashable {
    let device: dev_t
    let inode: ino_t
    let name: [UInt8]
  }

  /// How many are kept by default: 4 MiB of hashes.
  private static let mostKept = 1 << 18

  /// Hashes of places, 64 bits each and differently in each run.
  private let known = Mutex<Set<Int>>([])
  private let most: Int

  /// - Parameter most: how many names are kept at most; for others the folder is read again.
  init(most: Int = mostKept) {
    self.most = most
  }

  /// The name in a folder that `name` leads to although its bytes differ.
  ///
  /// - Parameters:
  ///   - name: known to lead to something.
  ///   - path: of `name`.
  /// - Returns: nil where the name itself is there; else the one that it is taken for.
  func other(
    than name: [UInt8], in folder: OpenFile, path: FilePath
  ) throws(LocalFileError) -> [UInt8]? {
    let status = try status(of: folder, path: path)
    let isThere = try known.withLock { (known) throws(LocalFileError) -> Bool in
      if known.contains(Self.hash(name, status)) { return true }
      if known.count >= most { known.removeAll(keepingCapacity: true) }
      var isThere = false
      try forEachName(in: path.removingLastComponent(), at: folder) { found, _ in
        if found == name { isThere = true }
        // The one that is asked for is kept whatever there is.
        if known.count < most || found == name { known.insert(Self.hash(found, status)) }
      }
      return isThere
    }
    guard !isThere else { return nil }
    let key = Self.folded(name)
    var other: [UInt8]?
    try forEachName(in: path.removingLastComponent(), at: folder) { found, _ in
      if other == nil, Self.folded(found) == key { other = found }
    }
    // By a rule that is not known here, but it is sure that there is another one.
    return other ?? name
  }

  func add(_ name: [UInt8], in folder: OpenFile) {
    var status = stat()
    guard fstat(folder.descriptor.rawValue, &status) == 0 else { return }
    known.withLock { known in
      if known.count < most { known.insert(Self.hash(name, status)) }
    }
  }

  private static func hash(_ name: [UInt8], _ folder: stat) -> Int {
    Place(device: folder.st_dev, inode: folder.st_ino, name: name).hashValue
  }

  /// Swift finds texts equal that differ in normalization alone.
  private static func folded(_ name: [UInt8]) -> String {
    String(decoding: name, as: UTF8.self).lowercased()
  }
}
