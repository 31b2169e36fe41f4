internal import Glibc
public import S3
internal import Synchronization
public import SystemPackage

/// The regular files of a folder and of the folders in it, in the order of the keys that their
/// names make: by bytes, a folder's name with its slash.
///
/// Holds the names of the folders on the way down, and no others; where these are many, in a file
/// without a name. Links are followed as ``TransferTree/Links`` says, by default where they lead to
/// a place inside the folder, and never back into a folder that holds them.
public struct FolderWalk: AsyncSequence, Sendable {
  public enum Element: Sendable, Hashable {
    case file(WalkedFile)
    /// A folder with nothing in it, below the one that is walked: where it is, and its name below
    /// that one with a slash at the end.
    case emptyFolder(FilePath, name: ObjectKey)
    /// What is left out; the walk goes on. Its name is as that of a file, with a slash at the end
    /// where it is a folder or a link to one, and empty for the folder that is walked.
    case leftOut(LocalFileError, name: ObjectKey)
  }

  public struct WalkedFile: Sendable, Hashable {
    /// Where to open it.
    public var path: FilePath
    /// Below the folder, `/` between components.
    public var name: ObjectKey
    public var size: ByteCount
    public var modified: Timestamp
  }

  public let folder: FilePath
  public let links: TransferTree.Links

  public init(_ folder: FilePath, links: TransferTree.Links = .inside) {
    self.folder = folder
    self.links = links
  }

  public func makeAsyncIterator() -> Iterator { Iterator(walker: Walker(folder, links)) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let walker: Walker
    private var ready: ArraySlice<Element> = []

    fileprivate init(walker: Walker) {
      self.walker = walker
    }

    public mutating func next() async -> Element? {
      if ready.isEmpty { ready = await walker.nextElements()[...] }
      return ready.popFirst()
    }

    public mutating func next(isolation actor: isolated (any Actor)?) async throws(Never)
      -> Element?
    {
      if ready.isEmpty { ready = await walker.nextElements()[...] }
      return ready.popFirst()
    }
  }
}

/// Where a walk is.
private final class Walker: Sendable {
  private let steps: Mutex<WalkSteps>

  init(_ folder: FilePath, _ links: TransferTree.Links) {
    steps = Mutex(WalkSteps(folder, links))
  }

  /// Some elements, none at the end.
  func nextElements() async -> [FolderWalk.Element] {
    let elements = try? await onDisk { self.steps.withLock { $0.take(256) } }
    return elements ?? []
  }
}

/// The walk itself, one step after the other.
struct WalkSteps: Sendable {
  /// What those of one folder may take, however many folders there are above it.
  private static let leastMemory = 16 * 1024

  /// A folder on the way down, with the names that are still to come.
  private struct Level: Sendable {
    let path: FilePath
    let name: [UInt8]
    let device: UInt64
    let inode: UInt64
    var names: SortedNames
  }

  private let root: FilePath
  private let links: TransferTree.Links
  private let memory: Int
  private var resolvedRoot: FilePath?
  private var levels: [Level] = []
  private var isStarted = false

  /// - Parameter memory: what the names of all folders on the way down may take, in bytes.
  init(_ root: FilePath, _ links: TransferTree.Links = .inside, memory: Int = 1 << 20) {
    self.root = root
    self.links = links
    self.memory = memory
  }

  mutating func take(_ limit: Int) -> [FolderWalk.Element] {
    var elements: [FolderWalk.Element] = []
    do throws(LocalFileError) {
      try start()
    } catch {
      elements.append(.leftOut(error, name: ObjectKey(bytes: [])))
    }
    while elements.count < limit, let element = next() { elements.append(element) }
    return elements
  }

  private mutating func start() throws(LocalFileError) {
    guard !isStarted else { return }
    isStarted = true
    resolvedRoot = try resolve(root)
    var status = stat()
    guard root.withPlatformString({ stat($0, &status) }) == 0 else {
      throw LocalFileError(root, .lastError)
    }
    try enter(root, name: [], status)
  }

  private mutating func next() -> FolderWalk.Element? {
    while let last = levels.indices.last {
      let entry: [UInt8]
      do throws(LocalFileError) {
        guard let name = try levels[last].names.popFirst() else {
          levels.removeLast()
          continue
        }
        entry = name
      } catch {
        return .leftOut(error, name: ObjectKey(bytes: levels.removeLast().name))
      }
      do throws(LocalFileError) {
        if let element = try visit(entry, in: levels[last]) { return element }
      } catch {
        return .leftOut(error, name: ObjectKey(bytes: levels[last].name + entry))
      }
    }
    return nil
  }

  /// - Parameter entry: With a slash at its end if it is a folder, or a link to one.
  private mutating func visit(
    _ entry: [UInt8], in level: Level
  ) throws(LocalFileError) -> FolderWalk.Element? {
    let isFolder = entry.last == UInt8(ascii: "/")
    let path = level.path.appending(bytes: isFolder ? Array(entry.dropLast()) : entry)
    var own = stat()
    guard path.withPlatformString({ lstat($0, &own) }) == 0 else {
      // Removed meanwhile.
      if errno == ENOENT { return nil }
      throw LocalFileError(path, .lastError)
    }
    var status = own
    if own.isLink {
      let target = try resolve(path)
      let isInside = resolvedRoot.map { target.starts(with: $0) } ?? false
      guard links == .all || (links == .inside && isInside) else {
        throw LocalFileError(path, .linkNotFollowed)
      }
      guard path.withPlatformString({ stat($0, &status) }) == 0 else {
        throw LocalFileError(path, .lastError)
      }
    }
    let name = level.name + entry
    if status.isFolder {
      let name = isFolder ? name : name + [UInt8(ascii: "/")]
      let isEmpty = try enter(path, name: name, status)
      return isEmpty ? .emptyFolder(path, name: ObjectKey(bytes: name)) : nil
    }
    guard status.isRegular else { throw LocalFileError(path, .notARegularFile) }
    return .file(
      FolderWalk.WalkedFile(
        path: path, name: ObjectKey(bytes: name), size: ByteCount(Int64(status.st_size)),
        modified: status.modified))
  }

  /// - Returns: whether there is nothing in it.
  @discardableResult
  private mutating func enter(
    _ path: FilePath, name: [UInt8], _ status: stat
  ) throws(LocalFileError) -> Bool {
    let device = UInt64(status.st_dev)
    let inode = UInt64(status.st_ino)
    guard !levels.contains(where: { $0.device == device && $0.inode == inode }) else {
      throw LocalFileError(path, .loopingLink)
    }
    let held = levels.reduce(0) { $0 + $1.names.held }
    var names = SortedNames(of: path, memory: max(memory - held, Self.leastMemory))
    var isEmpty = true
    try forEachName(in: path) { (entry, type) throws(LocalFileError) in
      isEmpty = false
      let isFolder =
        switch type {
        case DT_DIR: true
        case DT_REG: false
        default: leadsToFolder(path.appending(bytes: entry))
        }
      try names.append(isFolder ? entry + [UInt8(ascii: "/")] : entry)
    }
    guard !isEmpty else { return true }
    try names.sort()
    levels.append(
      Level(path: path, name: name, device: device, inode: inode, names: names))
    return false
  }
}

private func leadsToFolder(_ path: FilePath) -> Bool {
  var status = stat()
  return path.withPlatformString { stat($0, &status) } == 0 && status.isFolder
}
