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
  private(set) var knownCount: Int?
  /// Whether two objects may become one file: the first that arrives stays.
  let mayMeet: Bool
  private let folder: FilePath
  private let ifExists: TransferRequest.ExistingDestination
  private let session: Session
  private var sources: ArraySlice<Source>
  /// Of the first source.
  private var selected: SelectedObjects?

  /// - Parameters:
  ///   - places: as they were given, each with what it means.
  ///   - name: of the file for a single key; nil for the last segment of the key.
  /// - Throws: when two objects might become one file, before anything is fetched.
  init(
    _ places: [(S3URI, KeyTarget)], versionID: VersionID?, into folder: FilePath, name: ObjectKey?,
    ifExists: TransferRequest.ExistingDestination, _ session: Session
  ) throws(CommandFailure) {
    self.folder = folder
    self.ifExists = ifExists
    self.session = session
    var names: [NewNames] = []
    var sources: [Source] = []
    for (place, target) in places {
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
    let meeting = names.meeting
    mayMeet = meeting != nil
    if ifExists == .overwrite, let (one, other) = meeting {
      throw CommandFailure(
        "\(Visible.text(one.place.bytes)) and \(Visible.text(other.place.bytes))"
          + " may become the same file",
        recovery: "Download them to different folders, or say --no-overwrite.")
    }
    let isKnown = sources.allSatisfy { if case .key = $0 { true } else { false } }
    knownCount = isKnown ? sources.count : nil
    self.sources = sources[...]
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

  /// - Throws: ``CommandFailure`` for a place where there is nothing, and what a listing throws.
  ///   After that it goes on with the next place.
  mutating func next() async throws -> TransferRequest? {
    while let source = sources.first {
      switch source {
      case .key(let location, let name):
        sources.removeFirst()
        return .download(location, into: folder, name: name, ifExists: ifExists)
      case .selection(let place, let selection, let skipped):
        if selected == nil {
          // The marker of a prefix is an object without a name below it.
          selected = SelectedObjects(place, selection, session) { $0.endsWithSlash }
        }
        let object: ObjectSummary?
        do {
          object = try await selected?.next()
        } catch {
          endSource()
          throw error
        }
        guard let object else {
          endSource()
          continue
        }
        return .download(
          ObjectLocation(bucket: place.bucket, key: object.key), summary: object, into: folder,
          name: ObjectKey(bytes: object.key.bytes.dropFirst(skipped)), ifExists: ifExists)
      }
    }
    return nil
  }

  private mutating func endSource() {
    selected = nil
    sources.removeFirst()
  }
}
