internal import HTTP

/// Gathers one page of a listing from the elements of its document.
protocol PageHandler: XMLHandler, SendableMetatype {
  associatedtype Page: Sendable
  init()
  /// The name of the root element of an answer that is such a page.
  static var root: String { get }
  /// What the document's root is; nil before it has begun.
  var rootName: String? { get }
  /// - Throws: when something is missing without which the page cannot be used.
  func page() throws(S3Error.Cause) -> Page
}

/// Takes the pieces of an answer on the transport's thread, and gives the page afterwards.
///
/// `@unchecked Sendable`: the transport hands the pieces over one after the other on its thread,
/// and the caller looks at what came of them only after the transport has returned.
final class XMLReceiver<Handler: PageHandler>: @unchecked Sendable {
  private let handler: Handler
  private let stream: XMLStream
  /// The beginning of the document, for the error that may stand in place of a page.
  private var beginning: [UInt8] = []

  init(_ handler: Handler) {
    self.handler = handler
    stream = XMLStream(handler)
  }

  func feed(_ piece: UnsafeRawBufferPointer) -> Bool {
    if beginning.count < 4096 { beginning += piece.prefix(4096 - beginning.count) }
    return stream.feed(piece)
  }

  var problem: S3Error.Cause? {
    stream.problem.map { .malformedAnswer("the answer \($0)") }
  }

  func finish(head: HTTPResponseHead) throws(S3Error.Cause) -> Handler.Page {
    guard stream.finish() else { throw problem ?? .malformedAnswer("the answer is not complete") }
    if handler.rootName == "Error", let document = try? XMLElement(parsing: beginning) {
      throw .service(ServiceError(document: document, head: head))
    }
    guard handler.rootName == Handler.root else {
      let name = handler.rootName?.prefix(40) ?? ""
      throw .malformedAnswer("the answer is a \(name), not a \(Handler.root)")
    }
    return try handler.page()
  }
}

/// S3 API Reference: ListObjectsV2, response syntax.
final class ObjectPageHandler: PageHandler {
  static let root = "ListBucketResult"
  private(set) var rootName: String?

  private var objects: [ObjectSummary] = []
  private var prefixes: [ObjectKey] = []
  private var isTruncated = false
  private var token: ContinuationToken?
  private var isEncoded = false
  private var parent = ""
  private var problem: String?

  private var key: [UInt8]?
  private var size: Int64?
  private var lastModified: Timestamp?
  private var etag: ETag?
  private var storageClass: StorageClass?

  func started(_ name: String, depth: Int) {
    if depth == 0 { rootName = name }
    guard depth == 1 else { return }
    parent = name
    (key, size, lastModified, etag, storageClass) = (nil, nil, nil, nil, nil)
  }

  func ended(_ name: String, depth: Int, text: [UInt8]) {
    switch (depth, parent, name) {
    case (2, "Contents", "Key"): key = text
    case (2, "Contents", "Size"): size = Int64(text)
    case (2, "Contents", "LastModified"): lastModified = Timestamp(iso8601: text)
    case (2, "Contents", "ETag"): etag = ETag(nonEmpty: String(decoding: text, as: UTF8.self))
    case (2, "Contents", "StorageClass"): storageClass = StorageClass(nonEmpty: text)
    case (1, _, "Contents"): addObject()
    case (2, "CommonPrefixes", "Prefix"): prefixes.append(ObjectKey(bytes: text))
    case (1, _, "IsTruncated"): isTruncated = text.elementsEqual("true".utf8)
    case (1, _, "NextContinuationToken"):
      token = text.isEmpty ? nil : ContinuationToken(String(decoding: text, as: UTF8.self))
    case (1, _, "EncodingType"): isEncoded = text.elementsEqual("url".utf8)
    default: break
    }
  }

  private func addObject() {
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
    guard !isTruncated || token != nil else {
      throw .malformedAnswer("the listing goes on but does not say where")
    }
    // The element that says whether keys are encoded may come after them.
    if isEncoded {
      for index in objects.indices {
        objects[index].key = ObjectKey(bytes: PercentEncoding.decode(objects[index].key.bytes))
      }
      prefixes = prefixes.map { ObjectKey(bytes: PercentEncoding.decode($0.bytes)) }
    }
    return ObjectPage(
      objects: objects, commonPrefixes: prefixes, next: isTruncated ? token : nil)
  }
}

/// S3 API Reference: ListObjectVersions, response syntax.
final class VersionPageHandler: PageHandler {
  static let root = "ListVersionsResult"
  private(set) var rootName: String?

  private var versions: [ObjectVersion] = []
  private var prefixes: [ObjectKey] = []
  private var isTruncated = false
  private var nextKey: [UInt8]?
  private var nextVersion: String?
  private var isEncoded = false
  private var parent = ""
  private var problem: String?

  private var key: [UInt8]?
  private var versionID: String?
  private var isLatest = false
  private var size: Int64?
  private var lastModified: Timestamp?
  private var etag: ETag?

  func started(_ name: String, depth: Int) {
    if depth == 0 { rootName = name }
    guard depth == 1 else { return }
    parent = name
    (key, versionID, isLatest) = (nil, nil, false)
    (size, lastModified, etag) = (nil, nil, nil)
  }

  func ended(_ name: String, depth: Int, text: [UInt8]) {
    switch (depth, parent, name) {
    case (2, "Version", _), (2, "DeleteMarker", _): setField(name, text)
    case (1, _, "Version"): addVersion(isDeleteMarker: false)
    case (1, _, "DeleteMarker"): addVersion(isDeleteMarker: true)
    case (2, "CommonPrefixes", "Prefix"): prefixes.append(ObjectKey(bytes: text))
    case (1, _, "IsTruncated"): isTruncated = text.elementsEqual("true".utf8)
    case (1, _, "NextKeyMarker"): nextKey = text.isEmpty ? nil : text
    case (1, _, "NextVersionIdMarker"):
      nextVersion = text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    case (1, _, "EncodingType"): isEncoded = text.elementsEqual("url".utf8)
    default: break
    }
  }

  private func setField(_ name: String, _ text: [UInt8]) {
    switch name {
    case "Key": key = text
    case "VersionId": versionID = String(decoding: text, as: UTF8.self)
    case "IsLatest": isLatest = text.elementsEqual("true".utf8)
    case "Size": size = Int64(text)
    case "LastModified": lastModified = Timestamp(iso8601: text)
    case "ETag": etag = ETag(nonEmpty: String(decoding: text, as: UTF8.self))
    default: break
    }
  }

  private func addVersion(isDeleteMarker: Bool) {
    guard let key else {
      problem = "a version without a key"
      return
    }
    let version = versionID.flatMap { $0.isEmpty ? nil : $0 } ?? "null"
    versions.append(
      ObjectVersion(
        key: ObjectKey(bytes: key), versionID: VersionID(version), isLatest: isLatest,
        isDeleteMarker: isDeleteMarker, size: ByteCount(max(size ?? 0, 0)),
        lastModified: lastModified, etag: etag))
  }

  func page() throws(S3Error.Cause) -> VersionPage {
    if let problem { throw .malformedAnswer("the listing has \(problem)") }
    guard !isTruncated || nextKey != nil else {
      throw .malformedAnswer("the listing goes on but does not say where")
    }
    func decoded(_ bytes: [UInt8]) -> ObjectKey {
      ObjectKey(bytes: isEncoded ? PercentEncoding.decode(bytes) : bytes)
    }
    for index in versions.indices { versions[index].key = decoded(versions[index].key.bytes) }
    let next = isTruncated ? nextKey.map(decoded) : nil
    return VersionPage(
      versions: versions, commonPrefixes: prefixes.map { decoded($0.bytes) },
      next: next.map { VersionMarker(key: $0, versionID: nextVersion.map { VersionID($0) }) })
  }
}

extension Int64 {
  /// nil when the bytes are no decimal number.
  fileprivate init?(_ digits: [UInt8]) {
    self.init(String(decoding: digits, as: UTF8.self))
  }
}

extension StorageClass {
  fileprivate init?(nonEmpty bytes: [UInt8]) {
    guard !bytes.isEmpty else { return nil }
    self.init(String(decoding: bytes, as: UTF8.self))
  }
}
