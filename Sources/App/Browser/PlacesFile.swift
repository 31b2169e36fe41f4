import Browser
import S3
import SystemPackage

/// A private file with places of buckets, each of a profile at an endpoint, the newest first.
///
/// It is read before each use, since other Pails write it too. What is no such file, or holds no
/// bucket, counts as nothing.
struct PlacesFile: Sendable {
  /// A profile at an endpoint.
  struct Whereabouts: Sendable, Hashable {
    /// nil for keys that come from no profile.
    var profile: String?
    var endpoint: String
  }

  struct Entry: Sendable, Hashable {
    var whereabouts: Whereabouts
    var place: Place
  }

  /// nil where there is no home folder.
  let path: FilePath?
  /// Older ones are given up.
  let limit: Int

  func entries() -> [Entry] {
    guard let path, let bytes = PrivateFile.read(path.string),
      case .array(let values)? = JSONValue(parsing: bytes)
    else { return [] }
    return values.prefix(limit).compactMap(Entry.init)
  }

  /// - Returns: whether the file could be written, whole or not at all.
  @discardableResult
  func write(_ entries: [Entry]) -> Bool {
    guard let path else { return false }
    let documents = entries.prefix(limit).map(\.document)
    return PrivateFile.write(JSONValue.array(documents).bytes, to: path.string)
  }
}

extension PlacesFile.Entry {
  /// nil for what names no endpoint or no bucket that there can be.
  fileprivate init?(_ document: JSONValue) {
    guard let endpoint = document["endpoint"]?.string, let bucket = document["bucket"]?.string,
      BucketName.length(in: Array(bucket.utf8)) == bucket.utf8.count
    else { return nil }
    // Keys are bytes, and JSON has only text.
    guard let prefix = Base64.decode(document["prefix"]?.string ?? ""), prefix.count <= 1024
    else { return nil }
    whereabouts = PlacesFile.Whereabouts(
      profile: document["profile"]?.string, endpoint: endpoint)
    place = Place(bucket: BucketName(bucket), prefix: ObjectKey(bytes: prefix))
  }

  fileprivate var document: JSONValue {
    var members: [String: JSONValue] = [
      "endpoint": .string(whereabouts.endpoint), "bucket": .string(place.bucket.text),
      "prefix": .string(Base64.encode(place.prefix.bytes)),
    ]
    members["profile"] = whereabouts.profile.map { .string($0) }
    return .object(members)
  }
}
