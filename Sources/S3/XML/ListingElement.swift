/// The elements of listings that are read. Told apart once, where they begin: a page has thousands.
enum ListingElement: String, CaseIterable {
  case commonPrefixes = "CommonPrefixes"
  case contents = "Contents"
  case deleteMarker = "DeleteMarker"
  case encodingType = "EncodingType"
  case etag = "ETag"
  case isLatest = "IsLatest"
  case isTruncated = "IsTruncated"
  case key = "Key"
  case lastModified = "LastModified"
  case nextContinuationToken = "NextContinuationToken"
  case nextKeyMarker = "NextKeyMarker"
  case nextVersionIDMarker = "NextVersionIdMarker"
  case prefix = "Prefix"
  case size = "Size"
  case storageClass = "StorageClass"
  case version = "Version"
  case versionID = "VersionId"
  case other = ""

  /// By length, so that few names have to be compared.
  private static let names: [[(bytes: [UInt8], element: ListingElement)]] = {
    let longest = allCases.map(\.rawValue.utf8.count).max() ?? 0
    return (0...longest).map { length in
      allCases.filter { $0.rawValue.utf8.count == length }.map { (Array($0.rawValue.utf8), $0) }
    }
  }()

  init(_ name: UnsafeRawBufferPointer) {
    self = .other
    guard name.count < Self.names.count else { return }
    for (bytes, element) in Self.names[name.count] where name.elementsEqual(bytes) {
      self = element
    }
  }
}

/// Where in a listing the reader is: what the root is called, and which elements are open.
struct ListingPath {
  private(set) var rootName: String?
  /// The element of depth 1, such as `Contents`.
  private(set) var parent = ListingElement.other
  /// The element of depth 2, such as `Key`.
  private(set) var child = ListingElement.other

  mutating func start(_ name: UnsafeRawBufferPointer, depth: Int) {
    switch depth {
    case 0: rootName = String(decoding: name, as: UTF8.self)
    case 1: parent = ListingElement(name)
    case 2: child = ListingElement(name)
    default: break
    }
  }
}
