import S3
import Storage

/// The objects that `cp` and `mv` name, each with what it becomes.
struct CopySources {
  /// The size as a listing tells it; nil where none was asked.
  typealias Pair = (source: ObjectLocation, destination: ObjectLocation, size: ByteCount?)

  private enum Source {
    case key(ObjectLocation, ObjectKey)
    /// - Parameter skipped: how many bytes of a key the destination's key replaces.
    case selection(S3URI, KeySelection, skipped: Int)
  }

  private let bucket: BucketName
  /// What the new keys begin with.
  private let base: ObjectKey
  private let session: Session
  private var sources: ArraySlice<Source>
  /// Of the first source.
  private var selected: SelectedObjects?

  /// - Throws: when two objects would become one, or a prefix would be copied into itself.
  init(
    _ places: [(S3URI, KeyTarget)], versionID: VersionID?, to destination: S3URI,
    isRecursive: Bool, _ session: Session
  ) throws(CommandFailure) {
    bucket = destination.bucket
    self.session = session
    let isInto =
      destination.key.isEmpty || destination.key.endsWithSlash || isRecursive
      || places.contains { if case .selection = $0.1 { true } else { false } }
    var base = destination.key
    if isInto, !base.isEmpty, !base.endsWithSlash { base = base + ObjectKey("/") }
    self.base = base
    var seen: [ObjectKey: S3URI] = [:]
    var sources: [Source] = []
    for (place, target) in places {
      switch target {
      case .key(let key):
        let name = isInto ? base + ObjectKey(bytes: key.key.lastSegment) : base
        if let other = seen.updateValue(key, forKey: name) {
          throw CommandFailure(
            "\(Visible.text(other.bytes)) and \(Visible.text(key.bytes)) would become one object",
            recovery: "Copy them to different prefixes.")
        }
        var location = key.location
        location.versionID = versionID
        sources.append(.key(location, name))
      case .selection(_, let selection):
        if selection.pattern == nil, place.bucket == bucket, base.hasPrefix(selection.prefix) {
          throw CommandFailure(
            "\(Visible.text(place.bytes)) cannot be copied into itself",
            recovery: "Name another destination.")
        }
        let keepsName = places.count > 1 && selection.pattern == nil
        let start = keepsName ? selection.base.parentPrefix : selection.base
        sources.append(.selection(place, selection, skipped: start.bytes.count))
      }
    }
    self.sources = sources[...]
  }

  /// - Throws: ``CommandFailure`` for a place where there is nothing, and what a listing throws.
  mutating func next() async throws -> Pair? {
    while let source = sources.first {
      switch source {
      case .key(let location, let key):
        sources.removeFirst()
        return (location, ObjectLocation(bucket: bucket, key: key), nil)
      case .selection(let place, let selection, let skipped):
        if selected == nil {
          // What lies in the destination may match as well: copies are not copied again.
          let mayMeetCopies = place.bucket == bucket && !base.isEmpty
          selected = SelectedObjects(place, selection, session) { [base] in
            mayMeetCopies && $0.hasPrefix(base)
          }
        }
        if let object = try await selected?.next() {
          let key = base + ObjectKey(bytes: object.key.bytes.dropFirst(skipped))
          return (
            ObjectLocation(bucket: place.bucket, key: object.key),
            ObjectLocation(bucket: bucket, key: key), object.size
          )
        }
        selected = nil
        sources.removeFirst()
      }
    }
    return nil
  }
}
