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
  /// when nothing is found in it.
  var trees: [(tree: TransferTree, ifNothing: CommandFailure?)] {
    var keys: [TransferRequest] = []
    var trees: [(TransferTree, CommandFailure?)] = []
    for source in sources {
      switch source {
      case .key(let location, let name):
        keys.append(.download(location, into: folder, name: name, ifExists: ifExists))
      case .selection(let place, let selection, let skipped):
        let tree = TransferTree(
          .download(
            bucket: place.bucket, selection,
            dropping: ObjectKey(bytes: selection.base.bytes.prefix(skipped)), folder: folder),
          ifExists: ifExists)
        trees.append((tree, CommandFailure.nothing(at: place, selection)))
      }
    }
    if !keys.isEmpty {
      trees.insert((TransferTree(.list(keys), ifExists: ifExists), nil), at: 0)
    }
    return trees
  }
}
