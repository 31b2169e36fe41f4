import S3
import SystemPackage

/// Something that a tree has in it.
enum TreeItem: Sendable {
  /// - Parameters:
  ///   - size: nil while it is not known.
  ///   - isRenamed: whether its key cannot be its name here.
  case file(TransferRequest, size: ByteCount?, isRenamed: Bool)
  /// An object without bytes that stands for an empty folder.
  case marker(ObjectLocation, folder: FilePath, attributes: ObjectAttributes)
  case localFolder(RelativeName, ObjectLocation, isRenamed: Bool)
  /// What cannot be moved; the others are.
  case unusable(TreeOutcome)

  /// nil while it is not known.
  var size: ByteCount? {
    switch self {
    case .file(_, let size, _): size
    case .marker, .localFolder, .unusable: nil
    }
  }
}

/// Finds what is in a tree, a little at a time.
struct TreeSource {
  private enum Place {
    case folder(FolderWalk.Iterator, BucketName, ObjectKey, ObjectAttributes)
    case prefix(PrefixWalk)
    case list(ArraySlice<TransferRequest>)
  }

  private let tree: TransferTree
  private var place: Place

  /// - Parameter patience: of the transfers of what is found; nil where nothing is moved.
  init(_ tree: TransferTree, client: S3Client, patience: Patience? = nil) {
    self.tree = tree
    switch tree.work {
    case .upload(let folder, let bucket, let prefix, let attributes):
      let walk = FolderWalk(folder, links: tree.links).makeAsyncIterator()
      place = .folder(walk, bucket, prefix, attributes)
    case .download(let bucket, let selection, let dropping, let folder):
      place = .prefix(
        PrefixWalk(
          bucket: bucket, selection: selection, dropping: dropping, folder: folder, tree: tree,
          client: client, patience: patience))
    case .list(let requests): place = .list(requests[...])
    }
  }

  /// Asks a server for the first objects, for who will take them a little later.
  func begin() async {
    if case .prefix(let walk) = place { await walk.begin() }
  }

  /// - Returns: nil at the end.
  /// - Throws: when what is left cannot be found out.
  mutating func next() async throws(StorageError) -> TreeItem? {
    switch place {
    case .folder(var walk, let bucket, let prefix, let attributes):
      defer { place = .folder(walk, bucket, prefix, attributes) }
      while let element = await walk.next() {
        if let item = item(for: element, bucket, prefix, attributes) { return item }
      }
      return nil
    case .prefix(let walk): return try await walk.next()
    case .list(var requests):
      defer { place = .list(requests) }
      return requests.popFirst().map { .file($0, size: $0.size, isRenamed: false) }
    }
  }

  private func item(
    for element: FolderWalk.Element, _ bucket: BucketName, _ prefix: ObjectKey,
    _ attributes: ObjectAttributes
  ) -> TreeItem? {
    switch element {
    case .file(let file):
      guard tree.filter.includes(file.name) else { return nil }
      let location = ObjectLocation(bucket: bucket, key: prefix + file.name)
      return .file(
        .upload(
          file.path, to: location, attributes: attributes, size: file.size,
          ifExists: tree.ifExists(location.key)),
        size: file.size, isRenamed: false)
    case .emptyFolder(let path, let name):
      guard tree.filter.includes(name) else { return nil }
      return .marker(
        ObjectLocation(bucket: bucket, key: prefix + name), folder: path, attributes: attributes)
    case .leftOut(let error, let name):
      guard tree.filter.tells(of: error, name) else { return nil }
      return .unusable(
        TreeOutcome(
          direction: .upload, location: nil, localPath: error.path,
          end: .failed(StorageError(error))))
    }
  }
}

extension KeyFilter {
  /// Whether one who has chosen by this filter misses what cannot be uploaded.
  ///
  /// - Parameter name: with a slash at its end for a folder, and for a link to one. What is in it
  ///   counts, and cannot be seen: it is missed unless all of it is left out.
  fileprivate func tells(of error: LocalFileError, _ name: ObjectKey) -> Bool {
    guard name.endsWithSlash else { return name.isEmpty || includes(name) }
    if leavesOutAll(under: name) { return false }
    // A link is named as it stands there, whatever it leads to.
    let isLink = error.kind == .linkNotFollowed || error.kind == .loopingLink
    return !isLink || includes(name.bytes.dropLast())
  }
}

/// The objects under a prefix, each with the name that it gets here. While one page is worked on,
/// the next one is fetched.
final class PrefixWalk {
  private let bucket: BucketName
  private let selection: KeySelection
  private let dropping: Int
  private let folder: FilePath
  private let tree: TransferTree
  private let listing: RecursiveListing

  private var objects: ArraySlice<ObjectSummary> = []
  /// The keys of files that the last key begins with, shortest first: folders of these names
  /// cannot be made. Few, since a listing is in order.
  private var files: [ObjectKey]

  init(
    bucket: BucketName, selection: KeySelection, dropping: ObjectKey, folder: FilePath,
    tree: TransferTree, client: S3Client, patience: Patience? = nil
  ) {
    self.bucket = bucket
    self.selection = selection
    self.dropping = dropping.bytes.count
    self.folder = folder
    self.tree = tree
    let start = ObjectKey(bytes: selection.prefix.bytes.dropFirst(dropping.bytes.count))
    files = tree.filesBeside.filter(start.hasPrefix).sorted { $0.bytes.count < $1.bytes.count }
    // Files take longer to move than to list, so no more of them need wait in memory.
    listing = RecursiveListing(
      client: client, bucket: bucket, prefix: selection.prefix,
      limits: ListingPlan.Limits(requestsAtOnce: 4, objectsAhead: 3_000), patience: patience)
  }

  func begin() async { await listing.begin() }

  func next() async throws(StorageError) -> TreeItem? {
    while true {
      while let object = objects.popFirst() {
        if let item = item(for: object) { return item }
      }
      guard try await fetch() else { return nil }
    }
  }

  /// - Returns: false at the end.
  private func fetch() async throws(StorageError) -> Bool {
    guard let page = try await listing.next() else { return false }
    objects = page.filter { selection.contains($0.key) }[...]
    return true
  }

  /// - Returns: nil for what is not meant.
  func item(for object: ObjectSummary) -> TreeItem? {
    let key = ObjectKey(bytes: object.key.bytes.dropFirst(dropping))
    // The marker of the prefix itself is the folder that everything goes to. One with bytes is a
    // file like any other, whose name has none.
    guard !key.isEmpty || object.size > .zero, tree.filter.includes(key) else { return nil }
    while let last = files.last, !key.hasPrefix(last) { files.removeLast() }
    let besideFiles = Set(
      files.map(\.bytes.count).filter { key.bytes.count > $0 && key.bytes[$0] == UInt8(ascii: "/") }
    )
    let location = ObjectLocation(bucket: bucket, key: object.key)
    let isFolder = key.endsWithSlash && object.size == .zero
    let name =
      isFolder
      ? EscapedName(
        ObjectKey(bytes: key.bytes.dropLast()), foldersBesideFiles: besideFiles,
        isFolder: true)
      : EscapedName(key, foldersBesideFiles: besideFiles, isFolder: false)
    if isFolder {
      do {
        return .localFolder(
          try RelativeName(name.name), location, isRenamed: name.isEscaped)
      } catch {
        return .unusable(
          TreeOutcome(
            direction: .download, location: location, localPath: nil,
            end: .failed(StorageError(error))))
      }
    }
    files.append(key)
    return .file(
      .download(
        location, summary: object, into: folder, name: name.name,
        ifExists: tree.ifExists(object.key)),
      size: object.size, isRenamed: name.isEscaped)
  }
}
