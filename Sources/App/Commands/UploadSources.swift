import S3
import Storage
import SystemPackage

/// The files that `put` names, each with the key it gets.
///
/// A trailing `/` on the destination means "into". What is inside a single folder goes there
/// directly; with several sources each folder keeps its name.
struct UploadSources {
  enum Source {
    case file(FilePath, ObjectLocation)
    /// Told, and the others are still uploaded.
    case leftOut(FilePath, any Error)
  }

  /// How many there are, where no folder has to be walked to know.
  var knownCount: Int? { roots.contains(where: \.isFolder) ? nil : roots.count }

  fileprivate struct Root {
    var path: FilePath
    /// A key, or for a folder the beginning of its keys.
    var key: ObjectKey
    var isFolder: Bool
  }

  private let bucket: BucketName
  private var roots: [Root] = []

  /// - Throws: when the sources do not fit the destination, before anything is sent.
  init(_ paths: [FilePath], to destination: S3URI, isRecursive: Bool) throws(CommandFailure) {
    bucket = destination.bucket
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
  }

  func makeIterator() -> Iterator { Iterator(bucket: bucket, roots: roots[...]) }

  struct Iterator {
    fileprivate let bucket: BucketName
    fileprivate var roots: ArraySlice<Root>
    private var walk: (iterator: FolderWalk.Iterator, base: ObjectKey)?

    fileprivate init(bucket: BucketName, roots: ArraySlice<Root>) {
      self.bucket = bucket
      self.roots = roots
    }

    mutating func next() async -> Source? {
      while true {
        if let base = walk?.base {
          switch await walk?.iterator.next() {
          case .file(let file):
            return .file(file.path, ObjectLocation(bucket: bucket, key: base + file.name))
          case .emptyFolder: continue
          case .leftOut(let error):
            return .leftOut(error.path, StorageError(error))
          case nil: walk = nil
          }
        }
        guard let root = roots.popFirst() else { return nil }
        guard root.isFolder else {
          return .file(root.path, ObjectLocation(bucket: bucket, key: root.key))
        }
        walk = (FolderWalk(root.path).makeAsyncIterator(), root.key)
      }
    }
  }
}
