/// S3 API Reference: ListObjectVersions, response syntax.
final class VersionPageHandler: PageHandler {
  static let root = "ListVersionsResult"
  var rootName: String? { path.rootName }

  private var path = ListingPath()
  private var versions: [ObjectVersion] = []
  private var prefixes: [ObjectKey] = []
  private var end = ListingEnd()
  private var nextKey: ObjectKey?
  private var nextVersion: VersionID?
  private var problem: String?

  private var key: [UInt8]?
  private var versionID: VersionID?
  private var isLatest = false
  private var size: Int64?
  private var lastModified: Timestamp?
  private var etag: ETag?
  private var storageClass: StorageClass?

  func started(_ name: UnsafeRawBufferPointer, depth: Int) {
    path.start(name, depth: depth)
    guard depth == 1 else { return }
    (key, versionID, isLatest) = (nil, nil, false)
    (size, lastModified, etag, storageClass) = (nil, nil, nil, nil)
  }

  func ended(depth: Int, text: UnsafeRawBufferPointer) {
    switch (depth, path.parent, path.child) {
    case (2, .version, let field), (2, .deleteMarker, let field): set(field, text)
    case (2, .commonPrefixes, .prefix): prefixes.append(ObjectKey(bytes: text))
    case (1, .version, _): addVersion(isDeleteMarker: false)
    case (1, .deleteMarker, _): addVersion(isDeleteMarker: true)
    case (1, .nextKeyMarker, _): nextKey = text.isEmpty ? nil : ObjectKey(bytes: text)
    case (1, .nextVersionIDMarker, _): nextVersion = text.string.map { VersionID($0) }
    case (1, _, _): end.note(path.parent, text)
    default: break
    }
  }

  private func set(_ field: ListingElement, _ text: UnsafeRawBufferPointer) {
    switch field {
    case .key: key = Array(text)
    case .versionID: versionID = text.string.map { VersionID($0) }
    case .isLatest: isLatest = text.elementsEqual("true".utf8)
    case .size: size = Int64(text)
    case .lastModified: lastModified = Timestamp(iso8601: text)
    case .etag: etag = ETag(nonEmpty: text)
    case .storageClass: storageClass = text.string.map { StorageClass($0) }
    default: break
    }
  }

  private func addVersion(isDeleteMarker: Bool) {
    guard let key else {
      problem = "a version without a key"
      return
    }
    versions.append(
      ObjectVersion(
        key: ObjectKey(bytes: key), versionID: versionID ?? VersionID("null"),
        isLatest: isLatest, isDeleteMarker: isDeleteMarker, size: ByteCount(max(size ?? 0, 0)),
        lastModified: lastModified, etag: etag, storageClass: storageClass))
  }

  func page() throws(S3Error.Cause) -> VersionPage {
    if let problem { throw .malformedAnswer("the listing has \(problem)") }
    guard !end.isTruncated || nextKey != nil else { throw ListingEnd.missing }
    for index in versions.indices { end.decode(&versions[index].key) }
    for index in prefixes.indices { end.decode(&prefixes[index]) }
    // Some servers list the delete markers of a page behind its versions.
    if zip(versions, versions.dropFirst()).contains(where: { Self.precedes($1, $0) }) {
      versions.sort(by: Self.precedes)
    }
    guard end.isTruncated, var nextKey else {
      return VersionPage(versions: versions, commonPrefixes: prefixes)
    }
    end.decode(&nextKey)
    return VersionPage(
      versions: versions, commonPrefixes: prefixes,
      next: VersionMarker(key: nextKey, versionID: nextVersion))
  }

  /// By key, and of one key the newest first.
  private static func precedes(_ left: ObjectVersion, _ right: ObjectVersion) -> Bool {
    guard left.key == right.key else { return left.key < right.key }
    guard left.isLatest == right.isLatest else { return left.isLatest }
    guard let time = left.lastModified, let other = right.lastModified else { return false }
    return time > other
  }
}
