/// S3 API Reference: ListObjectsV2 and ListObjects, response syntax.
///
/// The answer itself tells which of them it is to: some stores know only the older one, and take a
/// request for the newer one as that.
final class ObjectPageHandler: PageHandler {
  static let root = "ListBucketResult"
  var rootName: String? { builder.path.rootName }

  /// One value, since Swift checks each access to a property of a class while it runs, and a page
  /// has ten thousand elements.
  private var builder = ObjectPageBuilder()

  func started(_ name: UnsafeRawBufferPointer, depth: Int) {
    builder.started(name, depth: depth)
  }

  func ended(depth: Int, text: UnsafeRawBufferPointer) {
    builder.ended(depth: depth, text: text)
  }

  func page() throws(S3Error.Cause) -> ObjectPage { try builder.page() }
}

private struct ObjectPageBuilder {
  private(set) var path = ListingPath()
  private var objects: [ObjectSummary] = []
  private var prefixes: [ObjectKey] = []
  private var end = ListingEnd()
  private var token: ContinuationToken?
  /// Only an answer to ListObjects says where it began, and may say where the next page does.
  private var isMarked = false
  private var marker: ObjectKey?
  private var problem: String?

  private var key: [UInt8]?
  private var size: Int64?
  private var lastModified: Timestamp?
  private var etag: ETag?
  private var storageClass: StorageClass?

  mutating func started(_ name: UnsafeRawBufferPointer, depth: Int) {
    path.start(name, depth: depth)
    if depth == 1 { (key, size, lastModified, etag, storageClass) = (nil, nil, nil, nil, nil) }
  }

  mutating func ended(depth: Int, text: UnsafeRawBufferPointer) {
    switch (depth, path.parent, path.child) {
    case (2, .contents, .key): key = Array(text)
    case (2, .contents, .size): size = Int64(text)
    case (2, .contents, .lastModified): lastModified = Timestamp(iso8601: text)
    case (2, .contents, .etag): etag = ETag(nonEmpty: text)
    case (2, .contents, .storageClass): storageClass = StorageClass(text, like: objects.last)
    case (2, .commonPrefixes, .prefix): prefixes.append(ObjectKey(bytes: text))
    case (1, .contents, _): addObject()
    case (1, .nextContinuationToken, _): token = text.string.map { ContinuationToken($0) }
    case (1, .marker, _): isMarked = true
    case (1, .nextMarker, _):
      isMarked = true
      if !text.isEmpty { marker = ObjectKey(bytes: text) }
    case (1, _, _): end.note(path.parent, text)
    default: break
    }
  }

  private mutating func addObject() {
    guard let key, let size, size >= 0 else {
      problem = "an object without a key or a size"
      return
    }
    objects.append(
      ObjectSummary(
        key: ObjectKey(bytes: key), size: ByteCount(size), lastModified: lastModified, etag: etag,
        storageClass: storageClass))
  }

  func page() throws(S3Error.Cause) -> ObjectPage {
    if let problem { throw .malformedAnswer("the listing has \(problem)") }
    var page = ObjectPage(objects: objects, commonPrefixes: prefixes)
    // The element that says whether keys are encoded may come after them.
    if end.isEncoded {
      for index in page.objects.indices { end.decode(&page.objects[index].key) }
      for index in page.commonPrefixes.indices { end.decode(&page.commonPrefixes[index]) }
    }
    guard end.isTruncated else { return page }
    page.next = token ?? marker(after: page)
    guard page.next != nil else { throw ListingEnd.missing }
    return page
  }

  /// Without a word from the server the next page begins behind the last key of this one.
  private func marker(after page: ObjectPage) -> ContinuationToken? {
    guard isMarked else { return nil }
    if var marker {
      end.decode(&marker)
      return ContinuationToken(marker: marker)
    }
    let last = [page.objects.map(\.key).max(), page.commonPrefixes.max()].compactMap(\.self).max()
    return last.map { ContinuationToken(marker: $0) }
  }
}

extension StorageClass {
  /// - Parameter object: the one before, which nearly always has the same.
  fileprivate init?(_ text: UnsafeRawBufferPointer, like object: ObjectSummary?) {
    if let known = object?.storageClass, known.text.utf8.elementsEqual(text) {
      self = known
      return
    }
    guard let name = text.string else { return nil }
    self.init(name)
  }
}
