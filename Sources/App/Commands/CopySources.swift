import S3
import Storage

/// The objects that `cp` and `mv` name, each with what it becomes.
struct CopySources {
  struct Pair {
    var source: ObjectLocation
    var destination: ObjectLocation
    /// As a listing tells it; nil where none was asked.
    var size: ByteCount?
    /// With one nothing is done.
    var refusal: CommandFailure?
    /// The same, where something is at the destination.
    var refusalIfThere: CommandFailure?
    /// Whether it is to begin only when all before it are over: it may become the same object as one
    /// of them, of which the first stays.
    var isInTurn = false
  }

  private enum Source {
    case key(ObjectLocation, ObjectKey)
    /// - Parameter skipped: how many bytes of a key the destination's key replaces.
    case selection(S3URI, KeySelection, skipped: Int)
  }

  private let bucket: BucketName
  /// What the new keys begin with.
  private let base: ObjectKey
  private let overwrites: Bool
  private let session: Session
  private let context: CommandContext
  private let allSources: [Source]
  /// Those that are not done.
  private var sources: ArraySlice<Source>
  /// Those that begin only when all before them are over.
  private let inTurn: Set<Int>
  /// Of the first source.
  private var selected: SelectedObjects?
  /// Whether nothing has come of the first source.
  private var isAtStart = true
  /// How many objects are in the destination already and match a pattern; nil before anybody has
  /// looked.
  private var leftOut: Int?

  /// - Parameters:
  ///   - isInto: whether the destination is a prefix, even if it does not end in a slash.
  ///   - overwrites: whether the second of two objects of one name would replace the first, which
  ///     otherwise stays.
  ///   - changes: whether a copy differs from its source, so that one onto itself means something.
  /// - Throws: when two objects might become one, or a prefix would be copied into itself.
  init(
    _ places: [(S3URI, KeyTarget)], versionID: VersionID?, to destination: S3URI,
    isInto: Bool, overwrites: Bool, changes: Bool, _ session: Session, _ context: CommandContext
  ) throws(CommandFailure) {
    bucket = destination.bucket
    self.overwrites = overwrites
    self.session = session
    self.context = context
    let isInto =
      destination.key.isEmpty || destination.key.endsWithSlash || isInto
      || places.contains { if case .selection = $0.1 { true } else { false } }
    var base = destination.key
    if isInto, !base.isEmpty, !base.endsWithSlash { base = base + ObjectKey("/") }
    self.base = base
    var names: [NewNames] = []
    var sources: [Source] = []
    var seen: Set<KeyTarget> = []
    for (place, target) in places where seen.insert(target).inserted {
      switch target {
      case .key(let key):
        let name = isInto ? base + ObjectKey(bytes: key.key.lastSegment) : base
        names.append(NewNames(of: key, as: ObjectKey(bytes: key.key.lastSegment)))
        var location = key.location
        location.versionID = versionID
        sources.append(.key(location, name))
      case .selection(_, let selection):
        let keepsName = places.count > 1 && selection.pattern == nil
        let start = keepsName ? selection.base.parentPrefix : selection.base
        if place.bucket == bucket, start == base {
          guard changes else {
            throw CommandFailure(
              "\(Visible.text(place.bytes)) cannot be copied onto itself",
              recovery:
                "Name another destination, or tell cp what is to change, as --storage-class does.")
          }
        } else if place.bucket == bucket, selection.pattern == nil,
          base.hasPrefix(selection.prefix)
        {
          throw CommandFailure(
            "\(Visible.text(place.bytes)) cannot be copied into itself",
            recovery: "Name another destination.")
        }
        names.append(NewNames(of: place, selection, skipped: start.bytes.count))
        sources.append(.selection(place, selection, skipped: start.bytes.count))
      }
    }
    if overwrites, let (one, other) = names.firstPair(where: { $0.mayMeet($1) }) {
      throw CommandFailure(
        "\(Visible.text(one.place.bytes)) and \(Visible.text(other.place.bytes))"
          + " may become the same object",
        recovery: "Copy them to different prefixes, or say --no-overwrite.")
    }
    allSources = sources
    self.sources = sources[...]
    var inTurn: Set<Int> = []
    var turn = 0
    for index in names.indices
    where !overwrites && names[turn..<index].contains(where: { $0.mayMeet(names[index]) }) {
      inTurn.insert(index)
      turn = index
    }
    self.inTurn = inTurn
  }

  /// Whether two of the objects may become one.
  var mayMeet: Bool { !inTurn.isEmpty }

  /// - Throws: ``CommandFailure`` for a place where there is nothing, and what a listing throws.
  ///   After that it goes on with the next place.
  mutating func next() async throws -> Pair? {
    try await tellWhatIsLeftOut()
    while let source = sources.first {
      switch source {
      case .key(let location, let key):
        let pair = pair(location, key, nil)
        endSource()
        return pair
      case .selection(let place, let selection, let skipped):
        if selected == nil {
          let mayMeetCopies = mayMeetCopies(place, selection, skipped)
          selected = SelectedObjects(place, selection, session) { [base] in
            mayMeetCopies && $0.hasPrefix(base)
          }
        }
        guard let object = try await nextSelected() else { continue }
        let key = base + ObjectKey(bytes: object.key.bytes.dropFirst(skipped))
        let pair = pair(ObjectLocation(bucket: place.bucket, key: object.key), key, object.size)
        // Its copy would be taken for what was there before.
        if pair.refusalIfThere != nil, hasCome(pair) { continue }
        isAtStart = false
        return pair
      }
    }
    return nil
  }

  /// Of the first source, which is done when there is none any more, or none can be had.
  private mutating func nextSelected() async throws -> ObjectSummary? {
    do {
      if let object = try await selected?.next() { return object }
    } catch let failure as CommandFailure {
      defer { endSource() }
      guard case .selection(let place, let selection, let skipped)? = sources.first,
        leftOut ?? 0 > 0, mayMeetCopies(place, selection, skipped)
      else { throw failure }
      throw CommandFailure("Nothing else matches \(Visible.text(place.bytes))")
    } catch {
      endSource()
      throw error
    }
    endSource()
    return nil
  }

  private mutating func endSource() {
    selected = nil
    isAtStart = true
    sources.removeFirst()
  }

  private func pair(_ source: ObjectLocation, _ key: ObjectKey, _ size: ByteCount?) -> Pair {
    let destination = ObjectLocation(bucket: bucket, key: key)
    var pair = Pair(source: source, destination: destination, size: size)
    pair.isInTurn = isAtStart && inTurn.contains(sources.startIndex)
    let isItself = source.bucket == bucket && source.key == key
    guard !isItself else { return pair }
    let from = Visible.text(S3URI(bucket: source.bucket, key: source.key).bytes)
    let name = Visible.text(S3URI(bucket: bucket, key: key).bytes)
    // With the old name in it, which may be the beginning of the new one.
    let words = "\(from): its new name \(name) is among what is to be copied or moved"
    if isSource(key) {
      pair.refusal = CommandFailure(words, recovery: "Bring it to another prefix first.")
    } else if overwrites, let excluding = exclusion(of: key) {
      pair.refusalIfThere = CommandFailure(
        words,
        recovery:
          "Bring it to another prefix first; or say that what is there is not meant, and may "
          + "be replaced: \(excluding).")
    }
    return pair
  }

  /// What leaves out the objects of the destination that match the pattern that `key` matches; nil
  /// where it matches none.
  private func exclusion(of key: ObjectKey) -> String? {
    guard let selection = overlapping.first(where: { $0.contains(key) }) else { return nil }
    let name = base.bytes.dropFirst(selection.base.bytes.count)
    return "--exclude \(FilterOptions.quoted(name + [UInt8(ascii: "*")]))"
  }

  /// The selections that what lies in the destination may be in as well.
  private var overlapping: [KeySelection] {
    var found: [KeySelection] = []
    for case .selection(let place, let selection, let skipped) in allSources
    where mayMeetCopies(place, selection, skipped) {
      found.append(selection)
    }
    return found
  }

  /// Whether an earlier source has brought the same object under the same name.
  private func hasCome(_ pair: Pair) -> Bool {
    allSources[..<sources.startIndex].contains { source in
      switch source {
      case .key(let location, let name):
        location.bucket == pair.source.bucket && location.key == pair.source.key
          && name == pair.destination.key
      case .selection(let place, let selection, let skipped):
        place.bucket == pair.source.bucket && selection.contains(pair.source.key)
          && base.bytes + pair.source.key.bytes.dropFirst(skipped) == pair.destination.key.bytes
      }
    }
  }

  /// Looks once, before there are copies that match as well.
  private mutating func tellWhatIsLeftOut() async throws {
    guard leftOut == nil else { return }
    var count = 0
    leftOut = 0
    let selections = overlapping
    guard !selections.isEmpty else { return }
    let listing = session.service.recursiveListing(bucket: bucket, prefix: base)
    while let page = try await listing.next() {
      // The marker of the destination itself is no object that anybody misses.
      count += page.count { object in
        object.key != base && selections.contains { $0.contains(object.key) }
      }
    }
    guard count > 0 else { return }
    leftOut = count
    let under = Visible.text(S3URI(bucket: bucket, key: base).bytes)
    context.console.notice(
      count == 1
        ? "pail: 1 object under \(under) matches as well: it is there already, and stays"
        : "pail: \(count) objects under \(under) match as well: they are there already, and stay")
  }

  /// Whether an object of this key in the destination's bucket is one of those to be copied.
  private func isSource(_ key: ObjectKey) -> Bool {
    allSources.contains { source in
      switch source {
      case .key(let location, _): location.bucket == bucket && location.key == key
      case .selection(let place, let selection, let skipped):
        place.bucket == bucket && selection.contains(key)
          && !(mayMeetCopies(place, selection, skipped) && key.hasPrefix(base))
      }
    }
  }

  /// Whether what lies in the destination is selected as well: copies are not copied again.
  private func mayMeetCopies(
    _ place: S3URI, _ selection: KeySelection, _ skipped: Int
  ) -> Bool {
    // Each becomes itself where what its key loses is what it gets.
    place.bucket == bucket && !base.isEmpty && base.hasPrefix(selection.prefix)
      && base.bytes != Array(selection.prefix.bytes.prefix(skipped))
  }
}
