import S3
import Storage
import SystemPackage

/// The objects that `get` names, each with the file it becomes.
///
/// What lies in a single prefix goes into the destination directly; of several each keeps its last
/// segment. What matches a pattern keeps the path below the last slash before the first wildcard.
struct DownloadSources {
  private enum Source {
    case key(ObjectLocation, ObjectKey)
    /// - Parameter skipped: how many bytes of a key are no part of the file's name.
    case selection(S3URI, KeySelection, skipped: Int)
  }

  /// How many there are, where nothing has to be listed to know.
  let knownCount: Int?
  /// Whether one is to begin only when the one before it is over: two objects may become one file, of
  /// which the first stays, or one object is meant twice.
  let isInTurn: Bool
  private let folder: FilePath
  private let ifExists: TransferRequest.ExistingDestination
  private let sources: [Source]

  /// - Parameters:
  ///   - places: as they were given, each with what it means.
  ///   - name: of the file for a single key; nil for the last segment of the key.
  /// - Throws: when two objects might become one file, before anything is fetched.
  init(
    _ places: [(S3URI, KeyTarget)], versionID: VersionID?, into folder: FilePath, name: ObjectKey?,
    ifExists: TransferRequest.ExistingDestination
  ) throws(CommandFailure) {
    self.folder = folder
    self.ifExists = ifExists
    var names: [NewNames] = []
    var sources: [Source] = []
    var seen: Set<KeyTarget> = []
    for (place, target) in places where seen.insert(target).inserted {
      switch target {
      case .key(let key):
        let file = name ?? ObjectKey(bytes: key.key.lastSegment)
        names.append(NewNames(of: key, as: file))
        var location = key.location
        location.versionID = versionID
        sources.append(.key(location, file))
      case .selection(_, let selection):
        let keepsName = places.count > 1 && selection.pattern == nil
        let base = keepsName ? selection.base.parentPrefix : selection.base
        names.append(NewNames(of: place, selection, skipped: base.bytes.count))
        sources.append(.selection(place, selection, skipped: base.bytes.count))
      }
    }
    let meeting = names.firstPair { $0.mayMeet($1) }
    isInTurn = meeting != nil || names.firstPair { $0.mayShare($1) } != nil
    if ifExists == .overwrite, let (one, other) = meeting {
      throw CommandFailure(
        "\(Visible.text(one.place.bytes)) and \(Visible.text(other.place.bytes))"
          + " may become the same file",
        recovery: "Download them to different folders, or say --no-overwrite.")
    }
    let isKnown = sources.allSatisfy { if case .key = $0 { true } else { false } }
    knownCount = isKnown ? sources.count : nil
    self.sources = sources
  }

  /// What to enqueue: a tree for all keys, and one for each prefix or pattern; with what to say
  /// when nothing is found in it. Where they go in turn they are in the order in which they were
  /// named, and of keys of one name each is in a tree of its own.
  var trees: [(tree: TransferTree, ifNothing: CommandFailure?)] {
    var keys = KeyLists()
    var trees: [(TransferTree, CommandFailure?)] = []
    for source in sources {
      switch source {
      case .key(let location, let name):
        keys.add(.download(location, into: folder, name: name, ifExists: ifExists), as: name)
      case .selection(let place, let selection, let skipped):
        if isInTurn { trees += keys.take(ifExists).map { ($0, nil) } }
        let tree = TransferTree(
          .download(
            bucket: place.bucket, selection,
            dropping: ObjectKey(bytes: selection.base.bytes.prefix(skipped)), folder: folder),
          ifExists: ifExists)
        trees.append((tree, CommandFailure.nothing(at: place, selection)))
      }
    }
    let rest = keys.take(ifExists).map { tree in (tree, nil as CommandFailure?) }
    return isInTurn ? trees + rest : rest + trees
  }
}

/// Single keys in lists in none of which two have one name: the first of each name, the second, ….
private struct KeyLists {
  private var lists: [[TransferRequest]] = []
  private var counts: [ObjectKey: Int] = [:]

  mutating func add(_ request: TransferRequest, as name: ObjectKey) {
    let count = counts[name, default: 0]
    counts[name] = count + 1
    if count == lists.count { lists.append([]) }
    lists[count].append(request)
  }

  /// Nothing is left in them.
  mutating func take(_ ifExists: TransferRequest.ExistingDestination) -> [TransferTree] {
    defer { self = KeyLists() }
    return lists.map { TransferTree(.list($0), ifExists: ifExists) }
  }
}
