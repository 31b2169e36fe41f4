import S3
import Storage
import SystemPackage

/// The files that `put` names, each with the key it gets.
///
/// A trailing `/` on the destination means "into". What is inside a single folder goes there
/// directly; with several sources each folder keeps its name.
struct UploadSources {
  /// How many there are, where no folder has to be walked to know.
  var knownCount: Int? { roots.contains(where: \.isFolder) ? nil : roots.count }

  fileprivate struct Root {
    var path: FilePath
    /// A key, or for a folder the beginning of its keys.
    var key: ObjectKey
    var isFolder: Bool
  }

  private let bucket: BucketName
  private let filter: KeyFilter
  private var roots: [Root] = []

  /// - Parameter filter: which files are meant: of a folder by their paths below it, else by their
  ///   names.
  /// - Throws: when the sources do not fit the destination, or the filter leaves none of them, before
  ///   anything is sent.
  init(
    _ paths: [FilePath], to destination: S3URI, isRecursive: Bool, filter: KeyFilter = .all
  ) throws(CommandFailure) {
    bucket = destination.bucket
    self.filter = filter
    let isInto =
      destination.key.isEmpty || destination.key.endsWithSlash || paths.count > 1
      || paths.contains(where: \.isFolder)
    var base = destination.key
    if isInto, !base.isEmpty, !base.endsWithSlash { base = base + ObjectKey("/") }
    var seen: [ObjectKey: FilePath] = [:]
    for path in paths {
      let isFolder = path.isFolder
      guard !isFolder || isRecursive else {
        throw CommandFailure("\(path.shown) is a folder", recovery: "Add -r to upload folders.")
      }
      guard isFolder || filter.includes(path.lastName.map { $0[...] } ?? []) else { continue }
      var key = base
      if isInto, !isFolder || paths.count > 1 {
        guard let name = path.lastName else {
          throw CommandFailure("\(path.shown) has no name that an object could have")
        }
        key = key + ObjectKey(bytes: name) + (isFolder ? ObjectKey("/") : .empty)
      }
      if let other = seen.updateValue(path, forKey: key) {
        throw CommandFailure(
          "\(other.shown) and \(path.shown) would become one object, "
            + Visible.text(S3URI(bucket: bucket, key: key).bytes),
          recovery: "Upload them to different prefixes.")
      }
      roots.append(Root(path: path, key: key, isFolder: isFolder))
    }
    guard !roots.isEmpty else {
      let names = paths.map(\.shown).joined(separator: ", ")
      throw CommandFailure("The filters leave nothing of \(names)")
    }
  }

  /// What to enqueue: a tree for each folder, and one for all files.
  func trees(
    attributes: ObjectAttributes, ifExists: TransferRequest.ExistingDestination,
    links: TransferTree.Links = .inside
  ) -> [TransferTree] {
    var trees: [TransferTree] = []
    var files: [TransferRequest] = []
    for root in roots {
      if root.isFolder {
        trees.append(
          TransferTree(
            .upload(folder: root.path, bucket: bucket, prefix: root.key, attributes: attributes),
            ifExists: ifExists, filter: filter, links: links))
      } else {
        let size = (try? root.path.stat()).map { ByteCount($0.size) }
        files.append(
          .upload(
            root.path, to: ObjectLocation(bucket: bucket, key: root.key), attributes: attributes,
            size: size, ifExists: ifExists))
      }
    }
    if !files.isEmpty { trees.insert(TransferTree(.list(files), ifExists: ifExists), at: 0) }
    return trees
  }
}
