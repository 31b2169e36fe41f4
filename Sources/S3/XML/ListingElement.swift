internal import Glibc

/// The elements of long answers that are read. Told apart once, where they begin: there are thousands.
enum ListingElement {
  case code
  case commonPrefixes
  case contents
  case deleted
  case deleteMarker
  case deleteMarkerVersionID
  case encodingType
  case error
  case etag
  case isLatest
  case isTruncated
  case key
  case lastModified
  case marker
  case message
  case nextContinuationToken
  case nextKeyMarker
  case nextMarker
  case nextVersionIDMarker
  case prefix
  case size
  case storageClass
  case version
  case versionID
  case other

  /// By length, so that few names are compared.
  init(_ name: UnsafeRawBufferPointer) {
    func either(
      _ text: StaticString, _ element: ListingElement, _ otherText: StaticString = "",
      _ other: ListingElement = .other
    ) -> ListingElement {
      name.spells(text) ? element : name.spells(otherText) ? other : .other
    }
    self =
      switch name.count {
      case 3: either("Key", .key)
      case 4: name.spells("Size") ? .size : either("ETag", .etag, "Code", .code)
      case 5: either("Error", .error)
      case 6: either("Prefix", .prefix, "Marker", .marker)
      case 7:
        name.spells("Deleted") ? .deleted : either("Version", .version, "Message", .message)
      case 8: either("Contents", .contents, "IsLatest", .isLatest)
      case 9: either("VersionId", .versionID)
      case 10: either("NextMarker", .nextMarker)
      case 11: either("IsTruncated", .isTruncated)
      case 12:
        name.spells("LastModified")
          ? .lastModified
          : name.spells("StorageClass")
            ? .storageClass
            : either("EncodingType", .encodingType, "DeleteMarker", .deleteMarker)
      case 13: either("NextKeyMarker", .nextKeyMarker)
      case 14: either("CommonPrefixes", .commonPrefixes)
      case 19: either("NextVersionIdMarker", .nextVersionIDMarker)
      case 21:
        either(
          "NextContinuationToken", .nextContinuationToken, "DeleteMarkerVersionId",
          .deleteMarkerVersionID)
      default: .other
      }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether these are the bytes of `text`.
  fileprivate func spells(_ text: StaticString) -> Bool {
    guard let baseAddress, count == text.utf8CodeUnitCount else { return false }
    return memcmp(baseAddress, text.utf8Start, count) == 0
  }
}

/// Where in an answer the reader is: what the root is called, and which elements are open.
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
