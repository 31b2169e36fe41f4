import Browser
import S3
import SystemPackage

/// Where each profile was left at each endpoint, for whoever comes back: a private file, the newest
/// place first.
///
/// It is read before each use, since other Pails write it too. What is no such file, or holds no
/// bucket, counts as nothing; where it cannot be written, nothing is remembered.
struct LastPlaces: Sendable {
  /// A profile at an endpoint.
  struct Whereabouts: Sendable, Hashable {
    /// nil for keys that come from no profile.
    var profile: String?
    var endpoint: String
  }

  private static let limit = 100
  private let path: FilePath?

  /// - Parameter path: nil where there is no home folder.
  init(at path: FilePath?) {
    self.path = path
  }

  func place(of whereabouts: Whereabouts) -> Place? {
    entries().first { $0.whereabouts == whereabouts }?.place
  }

  func remember(_ place: Place, of whereabouts: Whereabouts) {
    let newest = Entry(whereabouts: whereabouts, place: place)
    let known = entries()
    guard known.first != newest else { return }
    write([newest] + known.filter { $0.whereabouts != whereabouts }.prefix(Self.limit - 1))
  }

  func forget(_ whereabouts: Whereabouts) {
    let known = entries()
    let kept = known.filter { $0.whereabouts != whereabouts }
    if kept.count < known.count { write(kept) }
  }

  fileprivate struct Entry: Hashable {
    var whereabouts: Whereabouts
    var place: Place
  }

  private func entries() -> [Entry] {
    guard let path, let bytes = PrivateFile.read(path.string),
      case .array(let values)? = JSONValue(parsing: bytes)
    else { return [] }
    return values.prefix(Self.limit).compactMap(Entry.init)
  }

  private func write(_ entries: [Entry]) {
    guard let path else { return }
    _ = PrivateFile.write(JSONValue.array(entries.map(\.document)).bytes, to: path.string)
  }
}

extension LastPlaces.Entry {
  /// nil for what names no endpoint or no bucket that there can be.
  init?(_ document: JSONValue) {
    guard let endpoint = document["endpoint"]?.string, let bucket = document["bucket"]?.string,
      BucketName.length(in: Array(bucket.utf8)) == bucket.utf8.count
    else { return nil }
    // Keys are bytes, and JSON has only text.
    guard let prefix = S3.Base64.decode(document["prefix"]?.string ?? ""), prefix.count <= 1024
    else { return nil }
    whereabouts = LastPlaces.Whereabouts(
      profile: document["profile"]?.string, endpoint: endpoint)
    place = Place(bucket: BucketName(bucket), prefix: ObjectKey(bytes: prefix))
  }

  var document: JSONValue {
    var members: [String: JSONValue] = [
      "endpoint": .string(whereabouts.endpoint), "bucket": .string(place.bucket.text),
      "prefix": .string(S3.Base64.encode(place.prefix.bytes)),
    ]
    members["profile"] = whereabouts.profile.map { .string($0) }
    return .object(members)
  }
}
